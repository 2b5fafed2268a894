"""Schedules between two readings: what was named, what is half read."""

from universal_calendar.store.migrations import run_sql

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Apply the revision."""
    run_sql("0011_schedules.sql")
