import stat
from pathlib import Path

import psycopg
import pytest

from universal_calendar.store.embedded import EmbeddedPostgres, EmbeddedPostgresError


def ask(url: str, query: str) -> tuple[object, ...]:
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchone() or ()


def test_owner_role_is_bound_by_row_level_security(server: EmbeddedPostgres) -> None:
    powers = ask(
        server.url,
        "SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, current_database()"
        " FROM pg_roles WHERE rolname = current_user",
    )
    assert powers == (False, False, False, False, "universal_calendar")


def test_fresh_connection_has_schema_and_zone(server: EmbeddedPostgres) -> None:
    query = "SELECT current_user, current_schema, current_setting('timezone')"
    assert ask(server.url, query) == ("universal_calendar", "universal_calendar", "UTC")


def test_owner_role_can_migrate(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.url) as connection:
        connection.execute(
            "CREATE TABLE claims (agent uuid, during tstzrange,"
            " EXCLUDE USING gist (agent WITH =, during WITH &&))"
        )
    query = "SELECT tableowner FROM pg_tables WHERE tablename = 'claims'"
    assert ask(server.url, query) == ("universal_calendar",)


def test_server_is_durable_and_off_the_network(server: EmbeddedPostgres) -> None:
    query = (
        "SELECT current_setting('fsync'), current_setting('synchronous_commit'),"
        " current_setting('data_checksums'), current_setting('listen_addresses')"
    )
    assert ask(server.url, query) == ("on", "on", "on", "")


def test_wrong_password_is_refused(server: EmbeddedPostgres) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication"):
        psycopg.connect(server.url, password="guess")  # noqa: S106 - a wrong one


def test_secrets_are_private(server: EmbeddedPostgres, home: Path) -> None:
    kept = {
        path: stat.S_IMODE(path.stat().st_mode) for path in home.rglob("*.password")
    }
    assert list(kept.values()) == [0o600, 0o600]
    assert ask(
        server.admin_url, "SELECT rolsuper FROM pg_roles WHERE rolname = user"
    ) == (True,)


def test_nobody_runs_the_server_as_root(server: EmbeddedPostgres, home: Path) -> None:
    pid = home.joinpath("postgresql/data/postmaster.pid").read_text().split()[0]
    assert Path("/proc", pid).stat().st_uid != 0


def test_restart_keeps_data_and_address(home: Path) -> None:
    with EmbeddedPostgres(home) as server:
        url = server.url
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    assert not server.is_alive()
    with EmbeddedPostgres(home) as server:
        assert server.url == url
        assert ask(server.url, "SELECT answer FROM kept") == (42,)


def test_starting_and_stopping_twice_is_harmless(home: Path) -> None:
    server = EmbeddedPostgres(home)
    server.start()
    server.start()
    assert server.is_alive()
    server.stop()
    server.stop()
    assert not server.is_alive()


def test_two_users_in_one_process(server: EmbeddedPostgres, home: Path) -> None:
    with EmbeddedPostgres(home) as other:
        assert other.url == server.url
    assert server.is_alive()


def test_errors_are_in_the_log(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.url) as connection, pytest.raises(psycopg.Error):
        connection.execute("SELECT 1 / 0")
    assert "division by zero" in server.log_file.read_text()


def test_large_log_is_put_aside_once_it_starts(home: Path) -> None:
    server = EmbeddedPostgres(home)
    older = server.log_file.with_name("server.log.1")
    server.log_file.write_bytes(bytes(10_000_000))
    with server:
        assert not older.exists()
    server.log_file.write_bytes(bytes(10_000_001))
    with server:
        assert older.read_bytes() == bytes(10_000_001)
        assert server.log_file.stat().st_size < 10_000


def test_unused_home_is_not_alive(new_home: Path) -> None:
    server = EmbeddedPostgres(new_home)
    assert not server.is_alive()
    with pytest.raises(EmbeddedPostgresError, match="Start the embedded PostgreSQL"):
        _ = server.url
    assert not new_home.exists()


def test_stopped_server_is_not_raised_again(home: Path) -> None:
    with EmbeddedPostgres(home) as server:
        pass
    with pytest.raises(EmbeddedPostgresError, match="call start"):
        server.ensure_running()
    assert not server.is_alive()


@pytest.mark.parametrize("name", ["deep-" * 40, "comma, space"])
def test_home_whose_path_no_socket_can_have(new_home: Path, name: str) -> None:
    with EmbeddedPostgres(new_home / name) as server:
        assert ask(server.url, "SELECT 1") == (1,)
