"""A stand-in for Microsoft with a memory, and a proxy that holds it to contract."""
