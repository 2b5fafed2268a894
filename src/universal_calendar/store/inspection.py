"""What can be learned about a database server without changing it."""

from dataclasses import dataclass
from datetime import datetime

import psycopg

from universal_calendar.core.errors import DatabaseUnavailable

PATIENCE_SECONDS = 5


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What a server says of itself; `clock` is its own, aware."""

    version: str
    clock: datetime


def inspect(url: str) -> ServerFacts:
    """Ask a server for its facts; raise DatabaseUnavailable."""
    try:
        with psycopg.connect(
            url, autocommit=True, connect_timeout=PATIENCE_SECONDS
        ) as connection:
            row = connection.execute(
                "SELECT current_setting('server_version'), clock_timestamp()"
            ).fetchone()
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable from error
    if row is None:
        raise DatabaseUnavailable
    return ServerFacts(*row)
