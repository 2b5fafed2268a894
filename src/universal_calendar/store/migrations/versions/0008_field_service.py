"""Field-service platforms: technicians, visits, and accounts found by webhooks."""

from universal_calendar.store.migrations import run_sql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Apply the revision."""
    run_sql("0008_field_service.sql")
