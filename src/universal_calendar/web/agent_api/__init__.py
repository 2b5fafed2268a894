"""The agent API: free slots and external booking, as the agent guide has them."""
