"""What only field-service platforms have: technicians, visits, quotas."""
