"""Housecall Pro: jobs and appointments by its REST API."""
