"""Reading calendars: the mirror, channels, syncs and accounts on their way."""

from universal_calendar.store.migrations import run_sql

revision = "0006"
down_revision = "0004"


def upgrade() -> None:
    """Apply the revision."""
    run_sql("0006_calendar_sync.sql")
