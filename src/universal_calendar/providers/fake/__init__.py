"""A provider that ships with the product: real HTTP, real state, faults on demand."""
