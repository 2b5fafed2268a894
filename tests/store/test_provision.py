import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from universal_calendar.store.embedded import EmbeddedPostgres
from universal_calendar.store.provision import ROLE_DEFAULTS, ProvisionError, provision

POSTGRESQL_15 = Path("/usr/lib/postgresql/15/bin")
SECRET = "first secret"  # noqa: S105 - of a server that lives for one test


@contextmanager
def open_directory() -> Iterator[Path]:
    # pytest's own tmp_path is closed to other users, and root runs the server as one.
    folder = Path(tempfile.mkdtemp(prefix="universal-calendar-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def embedded() -> Iterator[str]:
    with open_directory() as folder, EmbeddedPostgres(folder) as server:
        yield server.admin_url


@contextmanager
def postgresql_15() -> Iterator[str]:
    if not POSTGRESQL_15.exists():
        pytest.skip(f"no PostgreSQL 15 in {POSTGRESQL_15}")
    with open_directory() as folder:
        data = folder / "data"
        data.mkdir()
        password_file = folder / "password"
        password_file.write_text(SECRET)
        user = "postgres" if os.geteuid() == 0 else None
        if user is not None:
            os.chown(data, pwd.getpwnam(user).pw_uid, -1)
        initialise = [POSTGRESQL_15 / "initdb", "-ND", data, "-U", "postgres"]
        subprocess.run(
            [*initialise, "--auth", "scram-sha-256", "--pwfile", password_file],
            user=user,
            check=True,
            capture_output=True,
        )
        control = [POSTGRESQL_15 / "pg_ctl", "-D", data, "-w"]
        options = f"-c listen_addresses= -c unix_socket_directories={data} -c fsync=off"
        log = ["-l", data / "log", "-o", options]
        subprocess.run([*control, *log, "start"], user=user, check=True)
        yield make_conninfo(
            host=str(data), user="postgres", password=SECRET, dbname="postgres"
        )
        subprocess.run([*control, "-m", "immediate", "stop"], user=user, check=True)


@pytest.fixture(scope="module", params=[embedded, postgresql_15])
def admin_url(request: pytest.FixtureRequest) -> Iterator[str]:
    server: Callable[[], Any] = request.param
    with server() as url:
        yield url


@pytest.fixture
def name() -> str:
    """Name a role and a database that the server does not have yet."""
    return f"calendar {secrets.token_hex(4)}"


def run(url: str, statement: LiteralString, *names: str) -> list[tuple[Any, ...]]:
    """Execute one statement, its `{}` filled with these names."""
    with psycopg.connect(url, autocommit=True) as connection:
        quoted = sql.SQL(statement).format(*map(sql.Identifier, names))
        cursor = connection.execute(quoted)
        return cursor.fetchall() if cursor.description else []


def provisioned(admin_url: str, name: str, password: str = SECRET) -> str:
    """Provision, and return the URL that the service gets."""
    made = provision(admin_url, password=password, role=name, database=name)
    return make_conninfo(
        admin_url, user=made.role, password=made.password, dbname=made.database
    )


def powers(admin_url: str, name: str) -> tuple[bool, ...]:
    (row,) = [
        tuple(found[1:])
        for found in run(
            admin_url,
            "SELECT rolname, rolcanlogin, rolsuper, rolbypassrls, rolcreatedb,"
            " rolcreaterole FROM pg_roles",
        )
        if found[0] == name
    ]
    return row


@pytest.fixture
def hosted_url(admin_url: str) -> str:
    """Return the URL of an administrator such as hosted providers give."""
    role = f"hosted {secrets.token_hex(4)}"
    run(admin_url, "CREATE ROLE {} LOGIN CREATEROLE CREATEDB PASSWORD 'hosted'", role)
    return make_conninfo(admin_url, user=role, password="hosted")  # noqa: S106


def test_role_has_no_power_beyond_its_schema(admin_url: str, name: str) -> None:
    url = provisioned(admin_url, name)
    assert powers(admin_url, name) == (True, False, False, False, False)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        run(url, "CREATE TABLE public.stray ()")


@pytest.mark.parametrize(("setting", "value"), ROLE_DEFAULTS.items())
def test_fresh_connection_has_the_defaults(
    admin_url: str, name: str, setting: str, value: str
) -> None:
    url = provisioned(admin_url, name)
    assert run(url, f"SELECT current_setting('{setting}')") == [(value,)]


def migrate(url: str) -> None:
    run(
        url,
        "CREATE TABLE claims (agent uuid, during tstzrange,"
        " EXCLUDE USING gist (agent WITH =, during WITH &&))",
    )


def test_role_can_migrate(admin_url: str, name: str) -> None:
    url = provisioned(admin_url, name)
    migrate(url)
    owned = run(url, "SELECT schemaname FROM pg_tables WHERE tableowner = current_user")
    assert owned == [("universal_calendar",)]


def test_repeating_changes_only_the_password(admin_url: str, name: str) -> None:
    old = provisioned(admin_url, name)
    migrate(old)
    new = provisioned(admin_url, name, "second secret")
    assert run(new, "SELECT * FROM claims") == []
    with pytest.raises(psycopg.OperationalError, match="password authentication"):
        run(old, "SELECT")


def test_excessive_powers_are_taken_away(admin_url: str, name: str) -> None:
    run(
        admin_url,
        "CREATE ROLE {} SUPERUSER BYPASSRLS CREATEDB CREATEROLE NOLOGIN",
        name,
    )
    provisioned(admin_url, name)
    assert powers(admin_url, name) == (True, False, False, False, False)


def test_server_sees_only_a_hash_of_the_password(admin_url: str, name: str) -> None:
    run(admin_url, "ALTER SYSTEM SET log_statement = 'all'")
    run(admin_url, "SELECT pg_reload_conf()")
    provisioned(admin_url, name, "never in a log")
    ((directory,),) = run(admin_url, "SELECT current_setting('data_directory')")
    logs = [Path(directory, "log"), Path(directory).parent / "server.log"]
    said = "".join(log.read_text() for log in logs if log.is_file())
    run(admin_url, "ALTER SYSTEM RESET log_statement")
    run(admin_url, "SELECT pg_reload_conf()")
    assert "ALTER ROLE" in said
    assert "never in a log" not in said


def test_password_is_not_shown(admin_url: str, name: str) -> None:
    made = provision(admin_url, password="hidden", role=name, database=name)  # noqa: S106
    assert "hidden" not in repr(made)


def test_hosted_administrator_suffices(hosted_url: str, name: str) -> None:
    migrate(provisioned(hosted_url, name))
    provisioned(hosted_url, name, "second secret")


def test_hosted_administrator_and_a_given_database(
    admin_url: str, hosted_url: str, name: str
) -> None:
    hosted = psycopg.conninfo.conninfo_to_dict(hosted_url)["user"]
    run(admin_url, "CREATE DATABASE {} OWNER {}", name, str(hosted))
    run(admin_url, "REVOKE ALL ON DATABASE {} FROM PUBLIC", name)
    migrate(provisioned(hosted_url, name))


def test_extension_in_another_schema_serves(admin_url: str, name: str) -> None:
    run(admin_url, "CREATE DATABASE {}", name)
    inside = make_conninfo(admin_url, dbname=name)
    run(inside, "CREATE SCHEMA extensions")
    run(inside, "CREATE EXTENSION btree_gist SCHEMA extensions")
    migrate(provisioned(admin_url, name))


def test_administrator_without_createrole(admin_url: str, name: str) -> None:
    run(admin_url, "CREATE ROLE {} LOGIN CREATEDB PASSWORD 'weak'", f"weak {name}")
    weak = make_conninfo(admin_url, user=f"weak {name}", password="weak")  # noqa: S106
    with pytest.raises(ProvisionError, match=r"create or change the role .*CREATEROLE"):
        provisioned(weak, name)


def test_administrator_without_createdb(admin_url: str, name: str) -> None:
    run(admin_url, "CREATE ROLE {} LOGIN CREATEROLE PASSWORD 'weak'", f"weak {name}")
    weak = make_conninfo(admin_url, user=f"weak {name}", password="weak")  # noqa: S106
    with pytest.raises(ProvisionError, match=r"create the database .*CREATEDB"):
        provisioned(weak, name)


def test_database_of_somebody_else(admin_url: str, hosted_url: str, name: str) -> None:
    run(admin_url, "CREATE DATABASE {}", name)
    with pytest.raises(
        ProvisionError, match=r"create a schema .*owner of the database"
    ):
        provisioned(hosted_url, name)


def test_hosted_administrator_cannot_tame_a_superuser(
    admin_url: str, hosted_url: str, name: str
) -> None:
    run(admin_url, "CREATE ROLE {} SUPERUSER", name)
    with pytest.raises(ProvisionError, match="create or change the role"):
        provisioned(hosted_url, name)


def test_schema_of_somebody_else(admin_url: str, name: str) -> None:
    run(admin_url, "CREATE DATABASE {}", name)
    run(make_conninfo(admin_url, dbname=name), "CREATE SCHEMA universal_calendar")
    with pytest.raises(ProvisionError, match="belongs to postgres"):
        provisioned(admin_url, name)


def test_database_that_is_not_utf8(admin_url: str, name: str) -> None:
    run(
        admin_url,
        "CREATE DATABASE {} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'",
        name,
    )
    with pytest.raises(ProvisionError, match="LATIN1"):
        provisioned(admin_url, name)
