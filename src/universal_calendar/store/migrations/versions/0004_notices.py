"""How notices reach people: deliveries, webhook endpoints, reminders."""

from universal_calendar.store.migrations import run_sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Apply the revision."""
    run_sql("0004_notices.sql")
