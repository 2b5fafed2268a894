"""The tasks' queue, as procrastinate defines it, and the leases of calendar writes."""

from alembic import op
from procrastinate.schema import SchemaManager

from universal_calendar.store.migrations import run_sql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Apply the revision."""
    run_sql("0003_tasks.sql")
    connection = op.get_bind().connection.driver_connection
    if connection is None:
        raise RuntimeError("migrations run on a live connection only")
    # Without parameters psycopg leaves every `%` of it alone.
    connection.execute(SchemaManager.get_schema().encode())
