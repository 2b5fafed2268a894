"""Technicians whom a job names, and those who follow an agent's name."""

from universal_calendar.store.migrations import run_sql

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Apply the revision."""
    run_sql("0010_named_technicians.sql")
