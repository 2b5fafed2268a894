"""Calendars that do not answer: what still stands, what is said, what is closed."""

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from conftest import settings_for
from tests.harness.scenes.business import Business
from tests.harness.scenes.mirror import Mirror, ReadCalendar
from tests.web.api import Api, day_after
from universal_calendar.bootstrap.parts import Parts, Server, open_parts
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import HOUR, MINUTE, Instant, from_datetime
from universal_calendar.services.booking.availability import Availability, SlotQuestion
from universal_calendar.services.ports.identity import Caller
from universal_calendar.web.agent_api.answers import free_slots_body

DAY = day_after(3)
HOURLY = [f"{hour:02}:00" for hour in range(9, 17)]
NOW = utc_now().replace(microsecond=0)


def wire(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def ago(hours: float) -> datetime:
    return NOW - timedelta(hours=hours)


@pytest.fixture
async def calendar(mirror: Mirror) -> ReadCalendar:
    """Return a calendar with an event from 10 to 11."""
    calendar = await mirror.connect()
    ten = datetime.combine(DAY, time(10), UTC)
    await mirror.take(calendar, ten, ten + timedelta(hours=1))
    return calendar


def asked(api: Api) -> dict[str, Any]:
    answer = api.free_slots(DAY, duration_minutes=60)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def starts(answer: dict[str, Any]) -> list[str]:
    return [slot["start"] for day in answer["available_slots"] for slot in day["slots"]]


def remarks(answer: dict[str, Any]) -> dict[str, Any]:
    return {k: answer[k] for k in ("warnings", "verified") if k in answer}


def book(api: Api, clock: str, **headers: str) -> dict[str, Any]:
    answer = api.book(DAY, clock, headers)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def silence(
    mirror: Mirror,
    calendar: ReadCalendar,
    read_at: datetime | None,
    failing_since: datetime | None,
    *,
    closed: bool = False,
) -> None:
    await mirror.set_calendar(calendar, read_at=read_at)
    await mirror.set_connection(
        calendar, failing_since=failing_since, is_closed_when_silent=closed
    )


def test_nothing_is_said_of_a_calendar_that_is_well(
    api: Api, calendar: ReadCalendar
) -> None:
    assert remarks(asked(api)) == {}
    assert remarks(book(api, "09:00")) == {}


@pytest.mark.parametrize("closed", [False, True])
async def test_while_it_fails_what_was_last_read_stands(
    api: Api, mirror: Mirror, calendar: ReadCalendar, *, closed: bool
) -> None:
    await silence(mirror, calendar, ago(23), ago(22), closed=closed)
    said = {
        "warnings": [
            f"The google calendar has not answered since {wire(ago(22))};"
            f" busy times are as of {wire(ago(23))}."
        ]
    }
    answer = asked(api)
    assert remarks(answer) == said
    assert starts(answer) == [each for each in HOURLY if each != "10:00"]
    assert remarks(book(api, "09:00")) == said
    refused = api.book(DAY, "10:00")
    assert refused.status_code == 409
    assert refused.json()["warnings"] == said["warnings"]


@pytest.mark.parametrize(
    ("read_hours_ago", "failing_hours_ago"), [(25, 24.5), (25, None), (None, 1)]
)
async def test_what_is_too_old_is_unknown_and_its_owner_decides(
    api: Api,
    mirror: Mirror,
    calendar: ReadCalendar,
    read_hours_ago: float | None,
    failing_hours_ago: float | None,
) -> None:
    read_at = None if read_hours_ago is None else ago(read_hours_ago)
    failing = None if failing_hours_ago is None else ago(failing_hours_ago)
    await silence(mirror, calendar, read_at, failing)
    answer = asked(api)
    assert starts(answer) == [each for each in HOURLY if each != "10:00"]
    assert answer["verified"] is False
    (warning,) = answer["warnings"]
    assert warning.endswith("; what is busy there is unknown.")
    booked = book(api, "09:00")
    assert remarks(booked) == {"warnings": [warning], "verified": False}

    await silence(mirror, calendar, read_at, failing, closed=True)
    answer = asked(api)
    assert starts(answer) == []
    assert answer["verified"] is False
    (warning,) = answer["warnings"]
    assert warning.endswith("; nothing can be booked until it is read.")
    refused = api.book(DAY, "15:00")
    assert refused.status_code == 409
    assert refused.json() == {
        "detail": f"Time slot 15:00 on {DAY} is not available",
        "code": "slot_taken",
        "alternatives": [],
        "warnings": [warning],
    }


async def test_every_connection_has_its_say(
    api: Api, mirror: Mirror, calendar: ReadCalendar
) -> None:
    other = await mirror.connect(provider="microsoft")
    second = await mirror.add_calendar(other.connection_id)
    await silence(mirror, calendar, ago(2), ago(1))
    await silence(mirror, second, ago(3), ago(1))
    answer = asked(api)
    assert [each.split()[1] for each in answer["warnings"]] == ["google", "microsoft"]
    # Of two calendars of a connection the older counts.
    assert wire(ago(3)) in answer["warnings"][1]
    assert "verified" not in answer


async def test_recovery_needs_no_hand(
    api: Api, mirror: Mirror, calendar: ReadCalendar
) -> None:
    await silence(mirror, calendar, ago(30), ago(29), closed=True)
    assert starts(asked(api)) == []
    # A sync that found nothing new counts no change of the agent.
    async with mirror.parts.database.transaction(mirror.tenant_id) as connection:
        await connection.execute("UPDATE calendars SET read_at = %s", [utc_now()])
        await connection.execute("UPDATE connections SET failing_since = NULL")
    answer = asked(api)
    assert len(starts(answer)) == len(HOURLY) - 1
    assert remarks(answer) == {}


async def test_a_retry_is_told_what_was_said_first(
    api: Api, mirror: Mirror, calendar: ReadCalendar
) -> None:
    await silence(mirror, calendar, ago(2), ago(1))
    key = {"Idempotency-Key": "key"}
    first = book(api, "09:00", **key)
    assert "warnings" in first
    await silence(mirror, calendar, NOW, None)
    assert book(api, "09:00", **key) == first


class Kept:
    """What a process answers that keeps its answers, by a clock of the test's."""

    def __init__(self, parts: Parts, business: Business) -> None:
        self.service = Availability(parts.agendas, free_slots_body)
        self.caller = Caller(tenant_id=business.tenant_id)
        self.question = SlotQuestion(business.agent.agent_id, DAY, DAY, 60)

    async def answer(self, moment: Instant) -> bytes:
        return (await self.service.slots(self.caller, self.question, moment)).body


@pytest.fixture
def kept(parts: Parts, business: Business) -> Kept:
    return Kept(parts, business)


async def test_a_kept_answer_goes_out_of_date_by_age(
    kept: Kept, mirror: Mirror, calendar: ReadCalendar
) -> None:
    read_at = NOW - timedelta(hours=24) + timedelta(seconds=18)
    await silence(mirror, calendar, read_at, None)
    edge = from_datetime(read_at) + 24 * HOUR
    before = await kept.answer(from_datetime(NOW))
    assert b"warnings" not in before
    assert await kept.answer(edge) is before
    after = await kept.answer(edge + 1)
    assert b'"verified":false' in after
    assert await kept.answer(edge + 1) is not after


async def test_an_outage_is_told_within_a_minute(
    kept: Kept, parts: Parts, business: Business, calendar: ReadCalendar
) -> None:
    now = from_datetime(NOW)
    before = await kept.answer(now)
    async with parts.database.transaction(business.tenant_id) as connection:
        await connection.execute("UPDATE connections SET failing_since = %s", [NOW])
    assert await kept.answer(now + MINUTE - 1) is before
    assert b"warnings" in await kept.answer(now + MINUTE)


async def test_the_greatest_age_is_a_setting(
    home: Path,
    server: Server,
    mirror: Mirror,
    calendar: ReadCalendar,
    business: Business,
) -> None:
    await silence(mirror, calendar, ago(2), None)
    settings = settings_for(home, mirror_max_age_hours=1)
    async with open_parts(settings, server) as strict:
        answer = await Kept(strict, business).answer(from_datetime(NOW))
    assert b'"verified":false' in answer
