"""Calendars outside: one folder a provider, one literal registry."""
