"""The sister services of the tenant API."""
