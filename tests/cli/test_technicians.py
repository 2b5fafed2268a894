"""`universal-calendar technicians`, and platforms connected by a file of keys."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.harness.command_line import CommandLine, Finished
from tests.harness.scenes.business import Business
from tests.providers.housecallpro.server import (
    FakeHousecallPro,
    running_housecallpro,
)

NOBODYS = "00000000-0000-7000-8000-00000000dead"


@pytest.fixture
def house() -> Iterator[FakeHousecallPro]:
    with running_housecallpro() as house:
        yield house


class Shell:
    """Commands about one tenant's platform."""

    def __init__(
        self, command: CommandLine, business: Business, house: FakeHousecallPro
    ) -> None:
        self._command, self._business, self._house = command, business, house

    def connections(self, *words: object, **more: Any) -> Finished:
        tenant = ("--tenant", self._business.tenant_id)
        run = partial(self._command, **self._house.environment)
        return run("connections", *words, *tenant, **more)

    def technicians(self, *words: object, **more: Any) -> Finished:
        tenant = ("--tenant", self._business.tenant_id)
        run = partial(self._command, **self._house.environment)
        provider = ("--provider", more.pop("provider", "housecallpro"))
        return run("technicians", *words, *tenant, *provider, **more)


@pytest.fixture
def shell(command: CommandLine, business: Business, house: FakeHousecallPro) -> Shell:
    return Shell(command, business, house)


@pytest.fixture
def connected(shell: Shell, house: FakeHousecallPro, tmp_path: Path) -> Shell:
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"apiKey": house.api_key}))
    words = ("add", "--provider", "housecallpro", "--credentials-file", keys)
    done = shell.connections(*words)
    assert "Appointments are written to XYZ Services from now on." in done.out
    assert house.api_key not in done.out + done.err
    return shell


def test_connecting_with_a_wrong_key(
    shell: Shell, house: FakeHousecallPro, tmp_path: Path
) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"apiKey": "canary-4711"}))
    words = ("add", "--provider", "housecallpro", "--credentials-file", keys)
    told = shell.connections(*words, status=1).told
    assert "canary" not in told
    assert shell.connections("list", "--json").json == []


def test_they_are_listed_and_given_to_agents(
    connected: Shell, house: FakeHousecallPro, business: Business
) -> None:
    mike = house.owner.hires("Mike Johnson")
    table = connected.technicians("list").out
    for shown in ("unassigned", mike, "Mike Johnson", business.agent_id):
        assert shown in table
    done = connected.technicians("assign", mike, "--nobody").out
    assert "take no agent's time from now on" in done
    connected.technicians("assign", "unassigned", "--agent", business.agent_id)
    found = {each["id"]: each for each in connected.technicians("list", "--json").json}
    assert found[mike]["agent_id"] is None
    assert UUID(found["unassigned"]["agent_id"]) == UUID(business.agent_id)
    given = ("assign", mike, "--agent", business.agent_id, "--json")
    expected = {"id": mike, "agent_id": business.agent_id}
    assert connected.technicians(*given).json == expected


def test_what_cannot_be_done_says_why(connected: Shell, business: Business) -> None:
    agent = ("--agent", business.agent_id)
    for words, advice in (
        (("assign", "unassigned"), "name an agent, or say --nobody"),
        (("assign", "unassigned", "--nobody", *agent), "or say --nobody"),
        (("assign", "nobodys", *agent), "No such technician"),
        (("assign", "unassigned", "--agent", NOBODYS), NOBODYS),
    ):
        assert advice in connected.technicians(*words, status=1).told
    other = connected.technicians("list", provider="google", status=1).told
    assert "No such field-service platform" in other


def test_without_a_connection_it_says_the_next_step(shell: Shell) -> None:
    told = shell.technicians("list", status=1).told
    assert "POST /integrations/housecallpro/connect" in told
