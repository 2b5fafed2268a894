"""Jobs of field-service platforms: a service that works, and both platforms' fakes."""
