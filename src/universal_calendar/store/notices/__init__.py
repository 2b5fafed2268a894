"""Telling people and software: notices, reminders, webhook endpoints."""
