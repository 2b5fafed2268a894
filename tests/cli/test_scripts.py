"""The forms that scripts rely on, word for word."""

import json
from datetime import timedelta
from uuid import UUID

import httpx2

from tests.harness.command_line import CommandLine
from tests.harness.running import RunningService
from universal_calendar.clock import utc_now

HOURS = {"working_hours": {"monday": [{"start": "09:00", "end": "10:00"}]}}


def monday_after_next() -> str:
    today = utc_now().date()
    return str(today + timedelta(days=14 - today.weekday()))


def test_scripts_set_up_an_agent_that_the_running_service_knows(
    command: CommandLine, process: RunningService
) -> None:
    zone = ("--timezone", "Europe/Berlin")
    tenant = command("tenants", "add", "Acme", *zone, "--json").json["id"]
    added = command("agents", "add", "Ann", "--tenant", tenant, *zone, "--json")
    agent = added.json["id"]
    hours = command.folder / "hours.json"
    hours.write_text(json.dumps(HOURS | {"max_advance_booking_days": 3650}))
    command("hours", "set", agent, "--file", hours)
    key = command("keys", "create", "--tenant", tenant, "--agent", agent, "--json").json

    monday = monday_after_next()
    answer = httpx2.get(
        f"{process.url}/api/calendar/free-slots/{agent}",
        params={"start_date": monday, "end_date": monday},
        headers={"X-API-Key": key["key"]},
        trust_env=False,
    )

    assert added.json == {"id": str(UUID(agent))}
    assert set(key) == {"id", "key"}
    assert answer.status_code == 200, answer.text
    assert answer.json()["timezone"] == "Europe/Berlin"
    (day,) = answer.json()["available_slots"]
    assert [slot["start"] for slot in day["slots"]] == ["09:00", "09:30"]


def test_an_agent_may_bring_its_id_and_two_tenants_the_same(
    command: CommandLine,
) -> None:
    zone = ("--timezone", "UTC", "--json")
    first, second = (
        command("tenants", "add", name, *zone).json["id"] for name in ("One", "Two")
    )
    chosen = "5c0e9c5e-0c5f-4d2c-9c8e-3f1f0c1a2b3d"
    named = ("agents", "add", "Ann", "--id", chosen, *zone)
    assert command(*named, "--tenant", first).json == {"id": chosen}
    assert command(*named, "--tenant", second).json == {"id": chosen}

    again = command(*named, "--tenant", second, status=1)
    alone = command("agents", "show", chosen, status=1)
    shown = command("agents", "show", chosen, "--tenant", second, "--json").json

    assert "has an agent with this id" in again.told
    assert alone.told.startswith("error: More than one tenant")
    assert "--tenant" in alone.told
    assert (shown["id"], shown["tenant_id"]) == (chosen, second)
    assert shown["hours"] is None


def test_what_is_unknown_is_an_error_with_a_next_step(command: CommandLine) -> None:
    nobody = "5c0e9c5e-0c5f-4d2c-9c8e-3f1f0c1a2b3e"
    tenant = ("agents", "add", "Ann", "--tenant", nobody, "--timezone", "UTC")
    assert "tenants list" in command(*tenant, status=1).told
    assert "agents list" in command("slots", nobody, status=1).told
    assert "keys list" in command("keys", "revoke", nobody, status=1).told
    for verb in ("list", "sync"):
        asked = ("connections", verb, "--tenant", nobody)
        assert "tenants list" in command(*asked, status=1).told
    zone = ("tenants", "add", "Acme", "--timezone", "Berlin")
    assert "America/New_York" in command(*zone, status=1).told
    assert "UUID" in command("slots", "ann", status=2).told
