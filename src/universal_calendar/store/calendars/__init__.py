"""Calendars outside: what is to be written there, and what was read."""
