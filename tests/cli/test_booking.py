"""The calendar by hand: slots, book, cancel."""

from datetime import date, timedelta

import pytest

from tests.harness.command_line import CommandLine
from tests.harness.scenes.business import Business
from universal_calendar.clock import utc_now


@pytest.fixture
def day() -> date:
    """Return a day that can be booked from midnight to midnight."""
    return utc_now().date() + timedelta(days=7)


def test_slots_are_listed_in_the_agents_own_time_and_length(
    command: CommandLine, business: Business, day: date
) -> None:
    agent = business.agent_id
    days = ("--from", day, "--to", day)
    found = command("slots", agent, *days, "--json").json
    short = command("slots", agent, *days, "--duration", 240).out

    assert found["agent_id"] == agent
    assert (found["timezone"], found["duration_minutes"]) == ("UTC", 45)
    assert found["slots"][0] == {
        "date": str(day),
        "time": "09:00",
        "start": f"{day}T09:00:00Z",
        "end": f"{day}T09:45:00Z",
    }
    assert len(found["slots"]) == 10
    assert "09:00 13:00" in short
    assert str(day.year) in short


def test_a_booking_is_confirmed_refused_and_cancelled_in_words(
    command: CommandLine, business: Business, day: date
) -> None:
    wanted = ("book", business.agent_id, "--date", day, "--time", "09:00")
    done = command(*wanted, "--name", "Jo", "--email", "jo@example.test").out
    assert done.startswith("Booked: Jo with Ann, ")
    assert "at 09:00 (UTC), 45 minutes" in done
    undo = done.split("universal-calendar ")[1].split()

    refused = command(*wanted, "--name", "Flo", status=1).out
    assert "Not booked: that time is taken." in refused
    assert f"{day:%A} {day.day} {day:%B %Y} at 09:45" in refused

    assert "Cancelled" in command(*undo).out
    assert command(*undo, "--json").json == {"id": undo[1], "status": "cancelled"}
    assert command(*wanted, "--name", "Flo").out.startswith("Booked: Flo")


def test_programs_get_the_booking_or_why_not_as_json(
    command: CommandLine, business: Business, day: date
) -> None:
    wanted = ("book", business.agent_id, "--date", day, "--name", "Jo", "--json")
    booked = command(*wanted, "--time", "10:00", "--duration", 30).json
    taken = command(*wanted, "--time", "10:15", status=1).json
    closed = command(*wanted, "--time", "03:00", status=1).json
    past = ("--date", day - timedelta(days=20), "--time", "09:00")
    over = command("book", business.agent_id, *past, *wanted[4:], status=1).json

    assert booked["agent_id"] == business.agent_id
    assert booked["start"] == f"{day}T10:00:00Z"
    assert booked["duration_minutes"] == 30
    assert taken["code"] == "slot_taken"
    assert len(taken["alternatives"]) == 3
    assert closed["code"] == "outside_hours"
    assert (over["code"], over["alternatives"]) == ("past", [])


def test_what_cannot_be_read_is_wrong_usage_or_names_the_field(
    command: CommandLine, business: Business, day: date
) -> None:
    wanted = ("book", business.agent_id, "--date", day, "--name", "Jo")
    assert "14:30" in command(*wanted, "--time", "2 PM", status=2).told
    email = ("--time", "09:00", "--email", "jo")
    assert "--email" in command(*wanted, *email, status=1).told
    backwards = ("--from", day, "--to", day - timedelta(days=1))
    told = command("slots", business.agent_id, *backwards, status=1).told
    assert "after" in told
    assert "--from and --to" in told
