"""What iCalendar (RFC 5545) says of times, whoever writes it."""
