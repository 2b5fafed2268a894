"""HTTP to the outside: one sender with limits and a guard."""
