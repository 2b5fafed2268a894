"""Scripts of the repository itself."""
