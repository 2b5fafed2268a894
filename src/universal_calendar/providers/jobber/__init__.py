"""Jobber: jobs and visits by its GraphQL API."""
