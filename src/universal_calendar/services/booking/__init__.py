"""Finding time, booking it, changing what was booked."""
