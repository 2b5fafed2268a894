"""What the product is measured against: each a server process of its own."""
