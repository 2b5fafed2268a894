"""Providers on paper: no socket, every answer steered by the test."""
