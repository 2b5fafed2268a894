"""Tenants, their agents, hours and keys."""
