"""All agendas of a tenant in one round trip."""

from universal_calendar.store.migrations import run_sql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Apply the revision."""
    run_sql("0005_availability.sql")
