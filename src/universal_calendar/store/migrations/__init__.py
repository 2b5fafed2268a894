"""Revisions of the schema: each runs the plain SQL beside it, forwards only."""

from pathlib import Path

from alembic import op

_SQL = Path(__file__).parent / "sql"


def run_sql(name: str) -> None:
    """Run a file as it is written: `%`, `:x` and `$$` mean themselves."""
    connection = op.get_bind().connection.driver_connection
    if connection is None:
        raise RuntimeError("migrations run on a live connection only")
    connection.execute((_SQL / name).read_bytes())
