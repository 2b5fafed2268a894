"""The tenant API: businesses, their calendars and appointments."""
