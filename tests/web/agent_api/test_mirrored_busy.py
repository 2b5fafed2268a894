"""What was read of connected calendars takes the agent's time, as far as it counts."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any

import pytest

from tests.harness.scenes.business import EVERY_DAY, Business, open_business
from tests.harness.scenes.mirror import Mirror
from tests.web.api import Api, day_after
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.clock import utc_now
from universal_calendar.core.busy import BusyType
from universal_calendar.core.instant import from_datetime, to_datetime
from universal_calendar.core.localtime import from_wall_clock, zone_named

DAY = day_after(3)
HOURLY = [f"{hour:02}:00" for hour in range(9, 17)]


def at(hour: int, minute: int = 0) -> datetime:
    return datetime.combine(DAY, time(hour, minute), UTC)


def starts(api: Api) -> list[str]:
    return api.starts(DAY, duration_minutes=60)


def without(*taken: str) -> list[str]:
    return [each for each in HOURLY if each not in taken]


def refused(api: Api, clock: str, day: date = DAY) -> dict[str, Any]:
    answer = api.book(day, clock, duration_minutes=60)
    assert answer.status_code == 409, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_an_event_takes_its_time(api: Api, mirror: Mirror) -> None:
    assert starts(api) == HOURLY
    calendar = await mirror.connect()
    await mirror.take(calendar, at(10, 30), at(11, 15))
    assert starts(api) == without("10:00", "11:00")
    problem = refused(api, "10:00")
    assert problem["code"] == "slot_taken"
    assert [each["start"] for each in problem["alternatives"]] == [
        "09:00",
        "12:00",
        "13:00",
    ]
    assert "warnings" not in problem
    booked = api.book(DAY, "11:15", duration_minutes=45)
    assert booked.status_code == 201
    assert not {"warnings", "verified"} & booked.json().keys()
    await mirror.clear(calendar)
    assert starts(api) == without("11:00")


async def test_touching_is_not_overlapping_and_seconds_count(
    api: Api, mirror: Mirror
) -> None:
    calendar = await mirror.connect()
    await mirror.take(calendar, at(10), at(11))
    await mirror.take(calendar, at(13), at(14) + timedelta(seconds=1))
    assert starts(api) == without("10:00", "13:00", "14:00")
    assert api.book(DAY, "11:00", duration_minutes=60).status_code == 201
    assert api.book(DAY, "14:00").status_code == 409
    assert api.book(DAY, "14:01").status_code == 201


async def test_only_the_new_appointments_own_buffers_count(
    api: Api, mirror: Mirror, parts: Parts, business: Business
) -> None:
    rules = {"buffer_before_minutes": 15, "buffer_after_minutes": 0}
    await parts.tenants.set_hours(business.agent, {**EVERY_DAY, **rules})
    calendar = await mirror.connect()
    await mirror.take(calendar, at(11), at(12))
    assert api.book(DAY, "12:14").status_code == 409
    assert api.book(DAY, "12:15").status_code == 201
    assert api.book(DAY, "10:30").status_code == 201


async def test_events_overlap_each_other_and_blocks_order(
    api: Api, mirror: Mirror
) -> None:
    one, other = await mirror.connect(), await mirror.connect()
    await mirror.take(one, at(9), at(15))
    await mirror.take(other, at(10), at(11))
    await mirror.take(other, at(14), at(16))
    await mirror.take(one, at(8), at(9))
    assert starts(api) == ["16:00"]


async def test_long_events_are_seen_from_inside(api: Api, mirror: Mirror) -> None:
    calendar = await mirror.connect()
    start = at(10) - timedelta(days=100)
    await mirror.take(calendar, start, start + timedelta(days=200))
    assert starts(api) == []
    await mirror.clear(calendar)
    await mirror.take(calendar, start, at(12))
    assert starts(api) == without("09:00", "10:00", "11:00")


@pytest.mark.parametrize(
    ("connection", "calendar"),
    [
        ({"direction": "to_provider"}, {}),
        ({}, {"is_read": False}),
    ],
)
async def test_what_is_not_read_does_not_count(
    api: Api,
    mirror: Mirror,
    connection: Mapping[str, object],
    calendar: Mapping[str, object],
) -> None:
    read = await mirror.connect()
    await mirror.take(read, at(10), at(11))
    assert starts(api) == without("10:00")
    for columns, change in (
        (connection, mirror.set_connection),
        (calendar, mirror.set_calendar),
    ):
        if columns:
            await change(read, **columns)
    assert starts(api) == HOURLY
    assert api.book(DAY, "10:00", duration_minutes=60).status_code == 201


@pytest.mark.parametrize("direction", ["bidirectional", "from_provider"])
async def test_what_is_read_counts(api: Api, mirror: Mirror, direction: str) -> None:
    read = await mirror.connect()
    await mirror.set_connection(read, direction=direction)
    await mirror.take(read, at(10), at(11))
    assert starts(api) == without("10:00")


async def test_tentative_events_count_where_their_owner_says_so(
    api: Api, mirror: Mirror
) -> None:
    firm, loose = await mirror.connect(), await mirror.connect()
    for hour, calendar in ((10, firm), (11, loose)):
        await mirror.take(calendar, at(hour), at(hour + 1), BusyType.TENTATIVE)
    for hour, kind in ((13, BusyType.BUSY), (14, BusyType.UNAVAILABLE)):
        await mirror.take(loose, at(hour), at(hour + 1), kind)
    assert starts(api) == without("10:00", "11:00", "13:00", "14:00")
    await mirror.set_connection(loose, tentative_blocks=False)
    assert starts(api) == without("10:00", "13:00", "14:00")
    assert api.book(DAY, "11:00", duration_minutes=60).status_code == 201
    assert refused(api, "13:00")["code"] == "slot_taken"


async def test_a_calendar_without_agent_takes_everybodys_time(
    api: Api, mirror: Mirror, parts: Parts, business: Business
) -> None:
    now = from_datetime(utc_now())
    ben = await parts.tenants.add_agent(business.tenant_id, "Ben", "UTC", now)
    await parts.tenants.set_hours(ben, EVERY_DAY)
    others = api.with_agent(ben.agent_id)
    shared, own = await mirror.connect(), await mirror.connect(ben.agent_id)
    await mirror.take(shared, at(10), at(11))
    await mirror.take(own, at(12), at(13))
    assert starts(api) == without("10:00")
    assert starts(others) == without("10:00", "12:00")
    assert api.book(DAY, "12:00", duration_minutes=60).status_code == 201
    assert others.book(DAY, "12:00", duration_minutes=60).status_code == 409


async def test_other_tenants_calendars_do_not_count(
    api: Api, mirror: Mirror, parts: Parts
) -> None:
    other = await open_business(parts)
    await mirror.take(await mirror.connect(), at(10), at(11))
    assert starts(api.of(other)) == HOURLY


NEW_YORK = zone_named("America/New_York")
WHOLE_DAYS = {
    "working_hours": {
        day: [{"start": "00:00", "end": "24:00"}] for day in EVERY_DAY["working_hours"]
    },
    "max_advance_booking_days": 540,
}


def midnight(day: date) -> datetime:
    return to_datetime(from_wall_clock(day, 0, NEW_YORK))


def day_of_25_hours() -> date:
    """Return the next day on which New York's clocks go back."""
    days = (day_after(n) for n in count(2))
    later = timedelta(days=1)
    return next(day for day in days if midnight(day + later) - midnight(day) > later)


@pytest.fixture
async def new_york(api: Api, parts: Parts) -> tuple[Api, Mirror]:
    business = await open_business(parts, timezone=NEW_YORK.key)
    await parts.tenants.set_hours(business.agent, WHOLE_DAYS)
    return api.of(business), Mirror.of(parts, business)


async def test_an_all_day_event_takes_the_25_hours_of_its_day(
    new_york: tuple[Api, Mirror],
) -> None:
    api, mirror = new_york
    day, later = day_of_25_hours(), timedelta(days=1)
    calendar = await mirror.connect()
    await mirror.take(calendar, midnight(day), midnight(day + later))
    counts = [
        len(api.starts(each, duration_minutes=60))
        for each in (day - later, day, day + later)
    ]
    assert counts == [24, 0, 24]


async def test_an_event_in_one_of_two_hours_of_the_same_name(
    new_york: tuple[Api, Mirror],
) -> None:
    api, mirror = new_york
    day, hour = day_of_25_hours(), timedelta(hours=1)
    calendar = await mirror.connect()
    second = midnight(day) + 2 * hour
    await mirror.take(calendar, second, second + hour)
    assert api.starts(day, duration_minutes=60)[:3] == ["00:00", "01:00", "02:00"]
    assert "01:00" not in api.starts(day, duration_minutes=61)
    await mirror.clear(calendar)
    await mirror.take(calendar, second - hour, second)
    assert api.starts(day, duration_minutes=60)[:2] == ["00:00", "02:00"]
    assert refused(api, "01:00", day=day)["code"] == "slot_taken"
