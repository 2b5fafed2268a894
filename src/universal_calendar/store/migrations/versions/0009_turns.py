"""Turns: one at a time makes what is not there at a platform."""

from universal_calendar.store.migrations import run_sql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Apply the revision."""
    run_sql("0009_turns.sql")
