"""`doctor` finds what is wrong, and says how to mend it."""

from pathlib import Path

from tests.harness.command_line import CommandLine

AWAY = "postgresql://someone:hidden@127.0.0.1:1/calendar"
KEY = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
NAMES = [
    "zones",
    "settings",
    "secrets",
    "database",
    "migrations",
    "encryption",
    "clock",
]


def test_a_good_installation_passes_every_check(command: CommandLine) -> None:
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
    failed = {check["name"]: check for check in found if check["status"] == "failed"}
    assert set(failed) == {"secrets", "encryption"}
    assert failed["secrets"]["mend"] == "Run chmod 600 .env"
    assert "MASTER_KEYS" in failed["encryption"]["mend"]

    env.chmod(0o600)
    again = command("doctor", status=1).out
    assert "shorter than 16" in again
