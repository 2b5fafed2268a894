"""What the services need of the world: protocols, and the values they exchange."""
