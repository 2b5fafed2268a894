"""The rules of scheduling as pure functions: no I/O, no clock, no framework."""
