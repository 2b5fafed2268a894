"""What the tests share: a real server, a real service, tenants of their own."""
