"""`universal-calendar connections`, as people and scripts run it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.business import Business
from tests.harness.command_line import CommandLine
from tests.harness.sandbox import Sandbox, SandboxAccount, running_sandbox
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
    assert "these are: none" in told
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
    assert (
        "provider: is not offered here; these are: fake." in run(*words, status=1).told
    )
