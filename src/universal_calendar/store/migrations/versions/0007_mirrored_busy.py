"""The mirror of calendars as an agent's busy time."""

from universal_calendar.store.migrations import run_sql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Apply the revision."""
    run_sql("0007_mirrored_busy.sql")
