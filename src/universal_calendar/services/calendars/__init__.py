"""Keeping calendars outside in step: writing, reading, being told."""
