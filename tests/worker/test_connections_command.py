"""`universal-calendar connections`, as people and scripts run it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.command_line import CommandLine
from tests.harness.outside.sandbox import Sandbox, SandboxAccount, running_sandbox
from tests.harness.scenes.business import Business
from universal_calendar.bootstrap.parts import Parts


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
def run(parts: Parts, home: Path, tmp_path: Path) -> CommandLine:
    """Use the session's database, beside the parts."""
    return CommandLine(tmp_path, home)


@pytest.fixture
def account(sandbox: Sandbox, business: Business) -> SandboxAccount:
    return sandbox.account(f"{business.tenant_id}@sandbox.test")


@pytest.fixture
def credentials(account: SandboxAccount, tmp_path: Path) -> Path:
    path = tmp_path / "sandbox.json"
    path.write_text(json.dumps(account.credentials))
    return path


def add(run: CommandLine, business: Business, path: object, *more: object) -> list[str]:
    words = ("connections", "add", "--tenant", business.tenant_id)
    given = ("--provider", "fake", "--credentials-file", path, *more)
    return [str(word) for word in (*words, *given)]


def test_an_account_is_added_listed_and_removed(
    run: CommandLine, business: Business, account: SandboxAccount, credentials: Path
) -> None:
    added = run(*add(run, business, credentials, "--json")).json
    assert (added["provider"], added["status"]) == ("fake", "active")
    assert added["account"] == account.account
    (calendar,) = added["calendars"]
    assert calendar["external_id"] == account.calendar_id
    assert calendar["is_written_to_by_default"]
    listed = run("connections", "list", "--tenant", business.tenant_id, "--json")
    assert listed.json == [added]
    for secret in ("accessToken", "refreshToken"):
        assert account.credentials[secret] not in listed.out
    table = run("connections", "list", "--tenant", business.tenant_id).out
    assert added["id"] in table
    assert "active" in table
    removing = ("connections", "remove", "--tenant", business.tenant_id, added["id"])
    run(*removing)
    assert (
        run("connections", "list", "--tenant", business.tenant_id, "--json").json == []
    )
    assert "No such connection" in run(*removing, status=1).told


def test_the_same_account_again_is_the_same_connection(
    run: CommandLine, business: Business, account: SandboxAccount, credentials: Path
) -> None:
    first = run(*add(run, business, credentials, "--json")).json
    text = json.dumps(account.credentials)
    again = run(*add(run, business, "-", "--json"), stdin=text).json
    assert again["id"] == first["id"]
    assert [each["id"] for each in again["calendars"]] == [
        each["id"] for each in first["calendars"]
    ]


def test_a_connection_of_one_agent(
    run: CommandLine, business: Business, credentials: Path
) -> None:
    told = run(*add(run, business, credentials, "--agent", business.agent_id)).out
    assert "Appointments are written to Calendar from now on." in told
    (connection,) = run(
        "connections", "list", "--tenant", business.tenant_id, "--json"
    ).json
    assert connection["agent_id"] == business.agent_id
    (calendar,) = connection["calendars"]
    assert calendar["written_to_by_agents"] == [business.agent_id]
    assert not calendar["is_written_to_by_default"]


@pytest.mark.parametrize("content", ["", "[]", '{"accessToken": 7}', "{"])
def test_credentials_that_are_none(
    run: CommandLine, business: Business, tmp_path: Path, content: str
) -> None:
    path = tmp_path / "bad.json"
    path.write_text(content)
    told = run(*add(run, business, path), status=1).told
    assert "--credentials-file: needs a JSON object whose values are texts" in told


def test_credentials_that_open_nothing(
    run: CommandLine, business: Business, account: SandboxAccount, tmp_path: Path
) -> None:
    path = tmp_path / "wrong.json"
    path.write_text(
        json.dumps(
            account.credentials | dict.fromkeys(("accessToken", "refreshToken"), "x")
        )
    )
    told = run(*add(run, business, path), status=1).told
    assert "no longer accepts the connection's credentials" in told


def test_the_sandbox_is_for_development(
    run: CommandLine, business: Business, credentials: Path
) -> None:
    told = run(
        *add(run, business, credentials), status=1, ENVIRONMENT="production"
    ).told
    assert "these are: apple, caldav, housecallpro, jobber." in told
    assert "ENVIRONMENT=development" in told


def test_unknown_agent_and_provider(
    run: CommandLine, business: Business, credentials: Path
) -> None:
    other = "00000000-0000-7000-8000-00000000ffff"
    told = run(*add(run, business, credentials, "--agent", other), status=1).told
    assert other in told
    words = [
        "nothing" if word == "fake" else word
        for word in add(run, business, credentials)
    ]
    told = run(*words, status=1).told
    assert "these are: apple, caldav, fake, housecallpro, jobber." in told


def test_where_to_go_to_connect_an_account(
    run: CommandLine, business: Business
) -> None:
    words = ("connections", "connect", "--tenant", business.tenant_id)
    asked = (*words, "--provider", "apple")
    told = run(*asked, status=1).told
    assert "PUBLIC_BASE_URL" in told
    url = "https://calendar.example.com"
    begun = run(*asked, "--json", PUBLIC_BASE_URL=url).json
    assert begun["auth_url"] == f"{url}/calendar/setup?state={begun['state']}"
    assert f"{url}/calendar/setup?state=" in run(*asked, PUBLIC_BASE_URL=url).out
    unknown = "00000000-0000-7000-8000-00000000dead"
    words = ("connections", "connect", "--tenant", unknown, "--provider", "apple")
    assert "No such tenant" in run(*words, status=1, PUBLIC_BASE_URL=url).told


def test_whether_an_account_answers(
    run: CommandLine,
    business: Business,
    sandbox: Sandbox,
    account: SandboxAccount,
    credentials: Path,
) -> None:
    added = run(*add(run, business, credentials, "--json")).json
    words = ("connections", "test", "--tenant", business.tenant_id, added["id"])
    told = run(*words).out
    assert f"{account.account} answered in 0." in told
    assert account.calendar_id in told
    asked = run(*words, "--json").json
    assert asked["account"] == account.account
    assert 0 < asked["seconds"] < 5
    sandbox.fault("revoked", times=1)
    assert "Connect the account again" in run(*words, status=1).told
    sandbox.clear_faults()
    sandbox.kill()
    assert "Try again in a moment" in run(*words, status=1).told
    sandbox.start()


def test_what_a_connection_is_used_for(
    run: CommandLine, business: Business, credentials: Path
) -> None:
    added = run(*add(run, business, credentials, "--json")).json
    words = ("connections", "set", "--tenant", business.tenant_id, added["id"])
    more = ("--direction", "from_provider", "--when-silent", "closed", "--check-live")
    changed = run(*words, *more, "--agent", business.agent_id, "--json").json
    expected = {
        "direction": "from_provider",
        "when_silent": "closed",
        "checks_live": True,
        "tentative_blocks": True,
        "agent_id": business.agent_id,
    }
    assert changed | expected == changed
    told = run(*words, "--no-check-live", "--every-agent", "--timezone", "UTC").out
    assert "from_provider,\nclosed when silent, not asked live." in told
    listing = ("connections", "list", "--tenant", business.tenant_id, "--json")
    (now,) = run(*listing).json
    assert (now["agent_id"], now["timezone"]) == (None, "UTC")
    assert "say what is to change" in run(*words, status=2).told
    assert "IANA" in run(*words, "--timezone", "Mars/Canary", status=1).told


def test_what_a_calendar_is_used_for(
    run: CommandLine, business: Business, credentials: Path
) -> None:
    (calendar,) = run(*add(run, business, credentials, "--json")).json["calendars"]
    words = ("connections", "use", "--tenant", business.tenant_id, calendar["id"])
    assert "Calendar: not read, written to" in run(*words, "--no-read").out
    more = ("--read", "--write", "--agent", business.agent_id, "--json")
    (changed,) = run(*words, *more).json["calendars"]
    assert changed["is_read"]
    assert changed["written_to_by_agents"] == [business.agent_id]
    assert "say --read, --no-read or --write" in run(*words, status=2).told
    unknown = ("connections", "use", "--tenant", business.tenant_id, business.agent_id)
    assert "No such calendar" in run(*unknown, "--read", status=1).told
