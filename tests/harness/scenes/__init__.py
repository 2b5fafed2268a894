"""Businesses set up in some state, with short words for what tests do to them."""
