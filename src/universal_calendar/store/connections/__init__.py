"""Connections to accounts outside, and whether they work."""
