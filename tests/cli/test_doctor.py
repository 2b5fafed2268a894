"""`doctor` finds what is wrong, and says how to mend it."""

import json
from pathlib import Path

import pytest

from conftest import settings_for
from tests.harness.command_line import CommandLine, Finished
from tests.harness.outside.sandbox import running_sandbox
from tests.web.conftest import superuser_of
from universal_calendar.bootstrap.parts import start_server

AWAY = "postgresql://someone:hidden@127.0.0.1:1/calendar"
KEY = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
NAMES = [
    "zones",
    "settings",
    "secrets",
    "providers",
    "database",
    "migrations",
    "encryption",
    "connections",
    "clock",
]


@pytest.fixture
def own(own_home: Path, tmp_path: Path) -> CommandLine:
    """Run commands on a home of the test's own: no other has connections there."""
    return CommandLine(tmp_path, own_home)


def failed(done: Finished) -> dict[str, dict[str, str]]:
    checks = done.json["checks"]
    return {each["name"]: each for each in checks if each["status"] == "failed"}


def test_a_good_installation_passes_every_check(own: CommandLine) -> None:
    command = own
    report = command("doctor", "--json").json
    assert report["ok"] is True
    assert [check["name"] for check in report["checks"]] == NAMES
    assert {check["status"] for check in report["checks"]} == {"ok"}
    assert "All is well." in command("doctor").out


def test_an_absent_database_fails_with_the_mend(apart: CommandLine) -> None:
    done = apart("doctor", "--json", status=1, DATABASE_URL=AWAY, MASTER_KEYS=KEY)
    checks = {check["name"]: check for check in done.json["checks"]}
    assert done.json["ok"] is False
    assert checks["database"]["status"] == "failed"
    assert "Connection refused" in checks["database"]["detail"]
    assert "Start the server" in checks["database"]["mend"]
    assert checks["clock"]["status"] == "skipped"
    assert "hidden" not in done.out + done.told


def test_wrong_settings_leave_the_rest_unchecked(apart: CommandLine) -> None:
    done = apart("doctor", status=1, PORT="many")
    assert "PORT" in done.out
    assert "settings first" in done.out


def test_another_master_key_and_an_open_file_are_found(
    command: CommandLine, home: Path
) -> None:
    command("tenants", "list")
    env = command.folder / ".env"
    env.write_text(f"MASTER_KEYS={KEY}\nCALENDAR_API_KEY=short\n")
    env.chmod(0o644)
    found = command("doctor", "--json", status=1).json["checks"]
    bad = {check["name"]: check for check in found if check["status"] == "failed"}
    assert set(bad) - {"connections"} == {"secrets", "encryption"}
    assert bad["secrets"]["mend"] == "Run chmod 600 .env"
    assert "master.key in the home" in bad["encryption"]["mend"]

    env.chmod(0o600)
    again = command("doctor", status=1).out
    assert "shorter than 16" in again
    assert ".." not in again


def test_registrations_that_connect_nothing(apart: CommandLine) -> None:
    secret = {"GOOGLE_CALENDAR_CLIENT_SECRET": "of-the-client"}
    known = {"DATABASE_URL": AWAY, "MASTER_KEYS": KEY}
    ids = {"GOOGLE_CALENDAR_CLIENT_ID": "client"}
    url = {"PUBLIC_BASE_URL": "https://calendar.example.com"}
    half = failed(apart("doctor", "--json", status=1, **known, **secret))
    assert "Set GOOGLE_CALENDAR_CLIENT_ID" in half["providers"]["mend"]
    nowhere = failed(apart("doctor", "--json", status=1, **known, **secret, **ids))
    assert "PUBLIC_BASE_URL is not" in nowhere["providers"]["detail"]
    jobber = {"JOBBER_CLIENT_ID": "client", "JOBBER_CLIENT_SECRET": "of-the-client"}
    nowhere = failed(apart("doctor", "--json", status=1, **known, **jobber))
    assert "JOBBER_CLIENT_ID is set, but" in nowhere["providers"]["detail"]
    done = apart("doctor", "--json", status=1, **known, **secret, **ids, **url)
    assert "providers" not in failed(done)
    assert "of-the-client" not in done.out + done.told


def test_accounts_in_trouble(own: CommandLine, tmp_path: Path) -> None:
    tenant = own("tenants", "add", "Acme", "--timezone", "UTC", "--json").json["id"]
    with running_sandbox(tmp_path) as sandbox:
        path = tmp_path / "sandbox.json"
        path.write_text(json.dumps(sandbox.account("ann@sandbox.test").credentials))
        words = ("connections", "add", "--tenant", tenant, "--provider", "fake")
        added = own(*words, "--credentials-file", path, "--json").json
    assert own("doctor", "--json").json["ok"] is True
    server = start_server(settings_for(own.home or tmp_path))
    try:
        with superuser_of(server) as connection:
            connection.execute(
                "UPDATE connections SET status = 'needs_reauthorization'"
            )
        done = own("doctor", "--json", status=1)
    finally:
        assert server.embedded is not None
        server.embedded.stop()
    (name,) = failed(done)
    assert name == "connections"
    detail = failed(done)[name]["detail"]
    assert f"fake {added['id']} of tenant {tenant} (needs reauthorization)" in detail
    assert "ann@sandbox.test" not in done.out
