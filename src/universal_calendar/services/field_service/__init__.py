"""Jobs, customers and technicians of field-service platforms."""
