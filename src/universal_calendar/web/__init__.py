"""HTTP: translates requests into use-cases and their outcomes into answers."""
