"""Connecting accounts outside, using and leaving them."""
