"""`init` and `migrate`: from nothing to a database of one's own."""

import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from dotenv import dotenv_values
from psycopg import sql

from tests.harness.command_line import CommandLine
from universal_calendar.bootstrap.parts import Server
from universal_calendar.settings import Settings
from universal_calendar.store.migrate import head_revision
from universal_calendar.store.sealing.encryption import MasterKeys

ROLE = "installed by the tests"


@pytest.fixture
def admin_url(server: Server) -> Iterator[str]:
    """Return an administrator of a server on which nothing of ours exists yet."""
    assert server.embedded is not None
    yield server.embedded.admin_url
    with psycopg.connect(server.embedded.admin_url, autocommit=True) as connection:
        for kind in ("DATABASE", "ROLE"):
            drop = sql.SQL(f"DROP {kind} IF EXISTS {{}}")
            connection.execute(drop.format(sql.Identifier(ROLE)))


def written(folder: Path) -> dict[str, str]:
    return {name: value or "" for name, value in dotenv_values(folder / ".env").items()}


def test_init_writes_good_secrets_for_the_owner_alone(apart: CommandLine) -> None:
    told = apart("init").out
    file = apart.folder / ".env"
    secrets = written(apart.folder)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(MasterKeys.parse([secrets["MASTER_KEYS"]]).keys) == 1
    assert secrets["CALENDAR_API_KEY"].startswith("uc_")
    assert not any(secret in told for secret in secrets.values())
    settings = Settings(_env_file=file)
    assert settings.calendar_api_key is not None


def test_init_never_loses_what_is_there(apart: CommandLine) -> None:
    apart("init")
    file = apart.folder / ".env"
    file.write_text(file.read_text() + "PORT=4000\n")
    before = file.read_text()

    assert "--force" in apart("init", status=1).told
    assert file.read_text() == before

    old = written(apart.folder)
    apart("init", "--force")
    new = written(apart.folder)
    assert (new["PORT"], new["MASTER_KEYS"]) == ("4000", old["MASTER_KEYS"])
    assert new["CALENDAR_API_KEY"] != old["CALENDAR_API_KEY"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_init_takes_over_the_master_key_of_a_home_in_use(
    apart: CommandLine, command: CommandLine, home: Path
) -> None:
    command("tenants", "list")
    apart("init", "--home", home)
    kept = written(apart.folder)
    assert kept["UC_HOME"] == str(home)
    assert kept["MASTER_KEYS"] == (home / "master.key").read_text().strip()
    apart("tenants", "list")


def test_a_database_is_made_migrated_and_refused_when_behind(
    apart: CommandLine, admin_url: str
) -> None:
    made = apart(
        *("init", "--admin-url", admin_url, "--role", ROLE, "--database", ROLE)
    ).out
    url = written(apart.folder)["DATABASE_URL"]
    assert "migrate" in made
    assert url not in made

    behind = apart("serve", "--port", "0", status=1).told
    assert "`universal-calendar migrate`" in behind
    assert apart("migrate", "--check", status=1).out.count(head_revision()) == 1
    assert apart("migrate", "--json").json == {
        "from": None,
        "to": head_revision(),
        "is_applied": True,
    }
    assert "up to date" in apart("migrate", "--check").out
    assert len(apart("tenants", "list", "--json").json) == 1

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert "newer universal-calendar" in apart("migrate", status=1).told


def test_an_administrator_who_is_not_let_in_is_told_so(
    apart: CommandLine, server: Server
) -> None:
    assert server.embedded is not None
    intruder = server.embedded.admin_url.replace("://", "://nobody:hidden@", 1)
    for url in ("postgresql://nobody:hidden@127.0.0.1:1/x", "hidden:5432", intruder):
        told = apart("init", "--admin-url", url, status=1).told
        assert told.startswith("error: ")
        assert "--admin-url" in told
        assert "hidden" not in told
    assert not (apart.folder / ".env").exists()
