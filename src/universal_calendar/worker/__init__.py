"""Tasks beside the requests: each wakes a use-case."""
