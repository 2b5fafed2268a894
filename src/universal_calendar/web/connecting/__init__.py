"""Pages on which owners connect their accounts: HTML, without any script."""
