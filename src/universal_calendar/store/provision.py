"""The role, database and schema that the service owns on a PostgreSQL server."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, LiteralString

import psycopg
from psycopg import Connection, sql

SCHEMA = "universal_calendar"
# What the role brings to every session: a session's own settings are lost behind
# poolers. Each look-up of ours has an index, and its plan is made once and kept. The
# planner would keep a scan of a table that was small when it first looked, or plan each
# look-up anew, which costs more than running it. A session that its host forgot must
# not hold an agent for hours, nor may whoever waits for it.
ROLE_DEFAULTS = {
    "search_path": SCHEMA,
    "timezone": "UTC",
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "30s",
}
_OLDEST_VERSION = 150000
# Row-level security does not bind the first two; the service needs none of the others.
_UNWANTED_POWERS = {
    "rolsuper": "NOSUPERUSER",
    "rolbypassrls": "NOBYPASSRLS",
    "rolcreatedb": "NOCREATEDB",
    "rolcreaterole": "NOCREATEROLE",
}


class ProvisionError(RuntimeError):
    """Say what the administrator's role may not do, and what to do about it."""


@dataclass(frozen=True, slots=True)
class Provisioned:
    """What the service connects with."""

    role: str
    database: str
    password: str = field(repr=False)


def provision(
    admin_url: str,
    *,
    password: str,
    role: str = "universal_calendar",
    database: str = "universal_calendar",
) -> Provisioned:
    """Make sure that role, database, extension and schema exist; repeat it at will.

    The administrator needs to be a superuser, or to have CREATEROLE and, for a database
    that does not exist yet, CREATEDB. Works on PostgreSQL 15 and later.
    """
    with _connect(admin_url) as connection:
        _check_version(connection)
        _ensure_role(connection, role, password)
        _ensure_database(connection, database)
    with _connect(admin_url, dbname=database) as connection:
        _ensure_access(connection, role, database)
        _ensure_schema(connection, role, database)
        _ensure_extension(connection, database)
        _set_defaults(connection, role, database)
    return Provisioned(role, database, password)


def _connect(admin_url: str, **other: Any) -> Connection:
    return psycopg.connect(
        admin_url, autocommit=True, prepare_threshold=None, connect_timeout=10, **other
    )


@contextmanager
def _needs(purpose: str, mend: str) -> Iterator[None]:
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        refusal = error.diag.message_primary
        message = f"The administrator may not {purpose} ({refusal}). {mend}"
        raise ProvisionError(message) from error


def _check_version(connection: Connection) -> None:
    version = connection.info.server_version
    if version < _OLDEST_VERSION:
        message = (
            f"This is PostgreSQL {version // 10000}; the service needs 15 or later. "
            "Upgrade the server."
        )
        raise ProvisionError(message)


def _ensure_role(connection: Connection, role: str, password: str) -> None:
    name = sql.Identifier(role)
    exists = _exists(connection, "SELECT FROM pg_roles WHERE rolname = %s", role)
    with _needs(
        f"create or change the role {role}",
        "Use a superuser, or a role with CREATEROLE (and, if somebody else created "
        f"{role}, with ADMIN OPTION on it).",
    ):
        if not exists:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
        # Hashed here, so that no server log can show the password.
        verifier = connection.pgconn.encrypt_password(
            password.encode(), role.encode(), b"scram-sha-256"
        ).decode()
        statement = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}")
        connection.execute(statement.format(name, sql.Literal(verifier)))
        _take_powers(connection, role)


def _take_powers(connection: Connection, role: str) -> None:
    # Only a superuser may even mention some of them, so mention none that is not there.
    statement = sql.SQL("SELECT {} FROM pg_roles WHERE rolname = %s").format(
        sql.SQL(", ").join(map(sql.Identifier, _UNWANTED_POWERS))
    )
    row = connection.execute(statement, [role]).fetchone() or ()
    for has_power, refusal in zip(row, _UNWANTED_POWERS.values(), strict=True):
        if has_power:
            change = sql.SQL("ALTER ROLE {} {}")
            connection.execute(change.format(sql.Identifier(role), sql.SQL(refusal)))


def _ensure_database(connection: Connection, database: str) -> None:
    known = "SELECT FROM pg_database WHERE datname = %s"
    if _exists(connection, known, database):
        return
    # template0 has no other sessions in the way, and takes any encoding.
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'")
    with _needs(
        f"create the database {database}",
        "Use a role with CREATEDB, or name a database that exists.",
    ):
        connection.execute(statement.format(sql.Identifier(database)))


def _ensure_access(connection: Connection, role: str, database: str) -> None:
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        message = (
            f"The database {database} is in {encoding}, the service needs UTF8. "
            "Name another database, or one that does not exist yet."
        )
        raise ProvisionError(message)
    if _holds(connection, "has_database_privilege(%s, %s, 'CONNECT')", role, database):
        return
    statement = sql.SQL("GRANT CONNECT ON DATABASE {} TO {}")
    with _needs(f"let {role} connect to {database}", "Use the owner of the database."):
        connection.execute(
            statement.format(sql.Identifier(database), sql.Identifier(role))
        )


def _ensure_schema(connection: Connection, role: str, database: str) -> None:
    owner = connection.execute(
        "SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = %s",
        [SCHEMA],
    ).fetchone()
    if owner is None:
        with _needs(
            f"create a schema for {role} in {database}",
            f"Use the owner of the database, or a role with CREATE on {database}.",
        ):
            _create_schema(connection, role)
    elif owner[0] != role:
        message = (
            f"The schema {SCHEMA} in {database} belongs to {owner[0]}, not to {role}. "
            f"Name the role {owner[0]}, or another database."
        )
        raise ProvisionError(message)


def _create_schema(connection: Connection, role: str) -> None:
    name = sql.Identifier(role)
    if connection.info.parameter_status("is_superuser") != "on":
        # Who makes a schema for a role has to be a member of it.
        connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(name))
    statement = sql.SQL("CREATE SCHEMA {} AUTHORIZATION {}")
    connection.execute(statement.format(sql.Identifier(SCHEMA), name))


def _ensure_extension(connection: Connection, database: str) -> None:
    # One that is there already serves in whatever schema: PostgreSQL finds the operator
    # classes of a type without looking at the search path.
    known = "SELECT FROM pg_extension WHERE extname = %s"
    if _exists(connection, known, "btree_gist"):
        return
    statement = sql.SQL("CREATE EXTENSION btree_gist SCHEMA {}")
    with _needs(
        f"install the extension btree_gist in {database}",
        "Use the owner of the database, or have a superuser install it.",
    ):
        try:
            connection.execute(statement.format(sql.Identifier(SCHEMA)))
        except (
            psycopg.errors.FeatureNotSupported,
            psycopg.errors.UndefinedFile,
        ) as error:
            message = (
                "The server lacks the extension btree_gist. Install PostgreSQL's "
                "contrib package on the server, or let the provider enable it."
            )
            raise ProvisionError(message) from error


def _set_defaults(connection: Connection, role: str, database: str) -> None:
    statement = sql.SQL("ALTER ROLE {} IN DATABASE {} SET {} = {}")
    with _needs(f"change the settings of {role}", "Use the role that created it."):
        for name, value in ROLE_DEFAULTS.items():
            connection.execute(
                statement.format(
                    sql.Identifier(role),
                    sql.Identifier(database),
                    sql.Identifier(name),
                    sql.Literal(value),
                )
            )


def _exists(connection: Connection, query: LiteralString, *values: str) -> bool:
    return connection.execute(query, values).fetchone() is not None


def _holds(connection: Connection, condition: LiteralString, *values: str) -> bool:
    row = connection.execute("SELECT " + condition, values).fetchone()
    return row is not None and bool(row[0])
