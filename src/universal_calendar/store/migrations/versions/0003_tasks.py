"""The tasks' queue."""

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Apply the revision."""
