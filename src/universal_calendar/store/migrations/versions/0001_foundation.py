"""Tenants, agents, keys, claims, appointments, and the hot path's statements."""

from universal_calendar.store.migrations import run_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Apply the revision."""
    run_sql("0001_foundation.sql")
