"""Columns that only a tenant's key opens, and the keys."""
