"""The sandbox: the server that the fake provider talks to."""
