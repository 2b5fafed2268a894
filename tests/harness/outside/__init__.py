"""The world outside as processes and servers: platforms, owners, sister services."""
