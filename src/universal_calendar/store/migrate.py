"""Bring the schema up to date, and tell whether it is."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg import sql
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import NullPool

from universal_calendar.core.errors import UniversalCalendarError
from universal_calendar.store.database import unavailable
from universal_calendar.store.provision import ROLE_DEFAULTS, SCHEMA

OLDEST_SERVER: Final = 15
_LOCK: Final = 7_301_950_015
_PATIENCE_SECONDS: Final = 120


class UnfitDatabase(UniversalCalendarError):
    """The database or its role cannot be used; the message says the mend."""


def head_revision() -> str:
    """Return the newest revision that this version knows."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    if revision is None:
        raise RuntimeError("no migrations are packaged")
    return revision


def current_revision(url: str) -> str | None:
    """Return the database's revision, None for an empty one."""
    with _connect(url) as connection:
        if connection.execute("SELECT to_regclass('alembic_version')").fetchone() == (
            None,
        ):
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else row[0]


def migrate(url: str) -> None:
    """Apply what is missing; several processes may try at once.

    Raises UnfitDatabase and DatabaseUnavailable.
    """
    check_role(url)
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: _patient(url), poolclass=NullPool
    )
    try:
        with engine.connect() as guard, _alone(guard):
            _settle_role(url)
            _upgrade(engine)
    except psycopg.OperationalError as error:
        raise unavailable(error) from error
    finally:
        engine.dispose()


def _patient(url: str) -> psycopg.Connection:
    """Connect without the role's short limits: a migration may wait and take long."""
    connection = psycopg.connect(url)
    connection.execute("SET lock_timeout = '60s'")
    connection.execute("SET idle_in_transaction_session_timeout = 0")
    connection.commit()
    return connection


def _upgrade(engine: Engine) -> None:
    # On a session of its own: it must see the defaults that the role was just given.
    with engine.connect() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


def check_role(url: str) -> None:
    """Raise UnfitDatabase for a server too old or a role that escapes row security."""
    with _connect(url) as connection:
        row = connection.execute(
            "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
        if connection.info.server_version < OLDEST_SERVER * 10_000:
            raise UnfitDatabase(f"PostgreSQL {OLDEST_SERVER} or later is needed")
    if row == (True,):
        raise UnfitDatabase(
            "The role in DATABASE_URL is a superuser or has BYPASSRLS: row-level"
            " security would not hold for it. Make a role of its own with"
            " `universal-calendar init --admin-url URL`"
        )


def _settle_role(url: str) -> None:
    """Make the schema, and give the role its defaults where `provision` did not."""
    with _connect(url) as connection:
        # Not IF NOT EXISTS, which wants the right to create one even if it is there.
        if connection.execute("SELECT to_regnamespace(%s)", [SCHEMA]).fetchone() == (
            None,
        ):
            connection.execute(f"CREATE SCHEMA {SCHEMA}")
        for name, value in ROLE_DEFAULTS.items():
            asked = connection.execute("SELECT current_setting(%s)", [name])
            if asked.fetchone() != (value,):
                pair = sql.SQL("{} = {}").format(sql.Identifier(name), value)
                connection.execute(sql.SQL("ALTER ROLE CURRENT_USER SET ") + pair)
                connection.execute(sql.SQL("SET ") + pair)
        connection.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    # Polled: a session that waits inside pg_advisory_lock blocks CREATE INDEX
    # CONCURRENTLY, and the two wait for each other.
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not connection.exec_driver_sql(
        f"SELECT pg_try_advisory_lock({_LOCK})"
    ).scalar():
        if time.monotonic() > deadline:
            raise UnfitDatabase("Another process has been migrating for two minutes")
        time.sleep(0.1)
    connection.commit()
    try:
        yield
    finally:
        connection.rollback()
        connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_LOCK})")
        connection.commit()


def _config() -> Config:
    config = Config()
    place = Path(__file__).parent / "migrations"
    config.set_main_option("script_location", str(place).replace("%", "%%"))
    return config


@contextmanager
def _connect(url: str) -> Iterator[psycopg.Connection]:
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            yield connection
    except psycopg.OperationalError as error:
        raise unavailable(error) from error
