"""Telling people and software what happened, and what is ahead."""
