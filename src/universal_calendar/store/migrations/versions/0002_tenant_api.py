"""Blocks, calendars to write to, notices, the audit log, more of an appointment."""

from universal_calendar.store.migrations import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Apply the revision."""
    run_sql("0002_tenant_api.sql")
