"""One self-hosted booking API over every calendar a business uses."""
