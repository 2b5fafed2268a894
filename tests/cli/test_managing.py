"""Tenants, agents, hours and keys, as people manage them."""

import json
from dataclasses import dataclass

import httpx2
import pytest

from tests.harness.command_line import CommandLine
from tests.harness.running import RunningService
from tests.harness.scenes.business import Business


@dataclass(frozen=True)
class Door:
    """The business's agent as the running service shows it to the bearer of a key."""

    process: RunningService
    business: Business

    def answers(self, api_key: str) -> int:
        """Return the status of a question about free slots."""
        return httpx2.get(
            f"{self.process.url}/api/calendar/free-slots/{self.business.agent_id}",
            params={"start_date": "2026-11-30", "end_date": "2026-11-30"},
            headers={"X-API-Key": api_key},
            trust_env=False,
        ).status_code


@pytest.fixture
def door(process: RunningService, business: Business) -> Door:
    """Return the way to the test's own agent."""
    return Door(process, business)


def test_lists_show_everything_or_one_tenants(
    command: CommandLine, business: Business
) -> None:
    tenants = command("tenants", "list", "--json").json
    everyone = command("agents", "list", "--json").json
    ours = command("agents", "list", "--tenant", str(business.tenant_id), "--json").json
    table = command("agents", "list", "--tenant", business.tenant_id).out

    tenant_id, agent_id = str(business.tenant_id), business.agent_id
    agent = {"tenant_id": tenant_id, "name": "Ann", "timezone": "UTC"}
    assert {"id": tenant_id, "name": "Acme", "timezone": "UTC"} in tenants
    assert ours == [{"id": agent_id, **agent, "is_active": True}]
    assert ours[0] in everyone
    assert agent_id in table
    assert "Ann" in table


def test_an_inactive_agent_is_gone_for_callers(
    command: CommandLine, door: Door
) -> None:
    agent, key = door.business.agent_id, door.business.api_key
    assert door.answers(key) == 200
    changed = command(
        "agents", "update", agent, "--name", "Ann [red]", "--inactive", "--json"
    ).json
    assert (changed["name"], changed["is_active"]) == ("Ann [red]", False)
    assert changed["timezone"] == "UTC"
    assert door.answers(key) == 404
    assert "Ann [red]" in command("agents", "show", agent).out
    command("agents", "update", agent, "--active")
    assert door.answers(key) == 200


def test_hours_are_replaced_whole_and_come_back_as_they_are_read(
    command: CommandLine, business: Business
) -> None:
    agent = business.agent_id
    given = {"overrides": {"2026-12-25": []}, "alignment": "clock"}
    set_hours = ("hours", "set", agent, "--file", "-")
    told = command(*set_hours, stdin=json.dumps(given)).out
    shown = command("hours", "show", agent, "--json")
    again = command(*set_hours, "--json", stdin=shown.out).json
    table = command("hours", "show", agent).out

    assert "Mon-Fri 09:00-17:00" in told
    assert shown.json == again
    assert shown.json["working_hours"]["saturday"] == []
    assert shown.json["alignment"] == "clock"
    assert shown.json["default_appointment_duration"] == 45
    assert "2026-12-25" in table


@pytest.mark.parametrize(
    ("document", "mend"),
    [
        ('{"working_hour": {}}', "working_hour: unknown; use working_hours"),
        ('{"default_appointment_duration": 0}', "from 1 to 1440"),
        ('{"working_hours": NaN}', "--file: no JSON"),
        ("[]", "use a JSON object"),
    ],
)
def test_a_bad_document_changes_nothing(
    command: CommandLine, business: Business, document: str, mend: str
) -> None:
    agent = business.agent_id
    set_hours = ("hours", "set", agent, "--file", "-")
    told = command(*set_hours, stdin=document, status=1).told
    assert told.startswith("error: ")
    assert mend in told
    hours = command("hours", "show", agent, "--json").json
    assert hours["working_hours"]["sunday"] == [{"start": "09:00", "end": "17:00"}]


def test_a_key_works_until_it_is_rotated_and_revoked(
    command: CommandLine, door: Door
) -> None:
    tenant = ("--tenant", door.business.tenant_id)
    first = command("keys", "create", *tenant, "--label", "site", "--json").json
    second = command("keys", "rotate", first["id"], "--overlap", 1, "--json").json
    assert [door.answers(each["key"]) for each in (first, second)] == [200, 200]

    command("keys", "revoke", first["id"])
    assert [door.answers(each["key"]) for each in (first, second)] == [401, 200]

    listed = {key["id"]: key for key in command("keys", "list", *tenant, "--json").json}
    assert listed[first["id"]]["state"] == "revoked"
    assert listed[first["id"]]["revoked_at"].endswith("Z")
    assert listed[second["id"]]["label"] == "site"
    assert listed[second["id"]]["state"] == "active"
    assert "revoked" in command("keys", "rotate", first["id"], status=1).told
    table = command("keys", "list", *tenant).out
    assert second["id"] in table
    assert second["key"] not in table


def test_a_key_can_be_made_for_one_agent_and_a_time(
    command: CommandLine, door: Door
) -> None:
    tenant = ("keys", "create", "--tenant", door.business.tenant_id)
    stranger = "5c0e9c5e-0c5f-4d2c-9c8e-3f1f0c1a2b3f"
    told = command(*tenant, "--agent", stranger, status=1).told
    assert "agents list" in told
    assert "past" in command(*tenant, "--expires", "2020-01-01", status=1).told
    made = command(
        *(*tenant, "--agent", door.business.agent_id, "--expires", "2999-01-01")
    ).out
    secret = next(word for word in made.split() if word.startswith("uc_"))
    assert door.answers(secret) == 200
