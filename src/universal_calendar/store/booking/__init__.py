"""What is booked, blocked and free: the statements of the hot path among them."""
