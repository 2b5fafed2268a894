"""`appointments`: what is booked, seen and cancelled by hand."""

from datetime import date, timedelta

import pytest

from tests.harness.command_line import CommandLine
from tests.harness.scenes.business import Business
from universal_calendar.clock import utc_now


@pytest.fixture
def day() -> date:
    """Return a day that can be booked from midnight to midnight."""
    return utc_now().date() + timedelta(days=7)


@pytest.fixture
def booked(command: CommandLine, business: Business, day: date) -> str:
    """Book an appointment at nine."""
    wanted = ("book", business.agent_id, "--date", day, "--time", "09:00")
    found: str = command(*wanted, "--name", "Jo", "--json").json["appointment_id"]
    return found


def test_listed_shown_and_cancelled(
    command: CommandLine, business: Business, day: date, booked: str
) -> None:
    tenant = ("--tenant", business.tenant_id)
    listed = command("appointments", "list", *tenant, "--json").json
    assert [each["id"] for each in listed["appointments"]] == [booked]
    assert listed["pagination"] == {"page": 1, "limit": 20, "total": 1, "pages": 1}
    assert booked in command("appointments", "list", *tenant).out
    later = ("--from", day + timedelta(days=1))
    assert booked not in command("appointments", "list", *tenant, *later).out

    shown = command("appointments", "show", booked, *tenant, "--json").json
    assert (shown["customerInfo"]["name"], shown["source"]) == ("Jo", "cli")
    assert "customerInfo.name" in command("appointments", "show", booked, *tenant).out

    cancel = ("appointments", "cancel", booked, *tenant, "--no-notify")
    assert "Cancelled" in command(*cancel).out
    assert command(*cancel, "--json").json == {"id": booked, "status": "cancelled"}
    cancelled = ("--status", "cancelled", "--json")
    assert command("appointments", "list", *tenant, *cancelled).json["appointments"]


def test_what_is_not_there(command: CommandLine, business: Business) -> None:
    unknown = ("47addfec-f4cd-41e2-b6ec-6a5e949fe754", "--tenant", business.tenant_id)
    for verb in ("show", "cancel"):
        told = command("appointments", verb, *unknown, status=1).told
        assert "No such appointment. `universal-calendar appointments list`" in told
