"""The use-cases and the ports they need; a service decides the order of things."""
