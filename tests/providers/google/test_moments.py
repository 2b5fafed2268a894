"""What an event of Google's says of its time, and events that say nonsense."""

import asyncio
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contracts.drafts import TENANT, WINDOW
from universal_calendar.core.instant import Instant, from_datetime, to_datetime
from universal_calendar.core.interval import Interval
from universal_calendar.core.provider_errors import ProviderDown
from universal_calendar.providers._http import answered_within
from universal_calendar.providers.google.mapping import busy_periods, changed_event
from universal_calendar.services.ports.calendars import ChangedEvent

HOUR = timedelta(hours=1)
EVER = Interval(
    from_datetime(datetime(1, 1, 2, tzinfo=UTC)),
    from_datetime(datetime(9999, 12, 30, tzinfo=UTC)),
)
ZONES = st.integers(-14 * 60, 14 * 60).map(
    lambda minutes: timezone(timedelta(minutes=minutes))
)
MOMENTS = st.datetimes(datetime(1950, 1, 1), datetime(2200, 1, 1), timezones=ZONES)  # noqa: DTZ001 - hypothesis adds the zone
Event = dict[str, Any]


def event(start: object, end: object) -> Event:
    return {
        "id": "a",
        "etag": "b",
        "status": "confirmed",
        "eventType": "default",
        "transparency": "opaque",
        "attendees": [{"self": True, "responseStatus": "accepted"}],
        "extendedProperties": {
            "private": {
                "eventId": "a",
                "tenantId": str(TENANT),
                "appointmentId": str(UUID(int=7)),
            }
        },
        "start": {"dateTime": start},
        "end": {"dateTime": end},
    }


def read(found: Event) -> ChangedEvent:
    return changed_event(found, "Europe/Berlin", EVER, TENANT)


def start_of(moment: str) -> Instant:
    (interval,) = read(event(moment, "2300-01-01T00:00:00Z")).intervals
    return interval.start


@settings(deadline=None)
@given(MOMENTS)
def test_moment_of_any_zone(moment: datetime) -> None:
    assert start_of(moment.isoformat()) == from_datetime(moment)
    (period,) = busy_periods(
        {
            "calendars": {
                "c": {
                    "busy": [
                        {
                            "start": moment.isoformat(),
                            "end": (moment + HOUR).isoformat(),
                        }
                    ]
                }
            }
        }
    )["c"]
    assert period == Interval(from_datetime(moment), from_datetime(moment + HOUR))


@pytest.mark.parametrize(
    ("moment", "instant"),
    [
        ("2026-03-01T17:00:00Z", "2026-03-01T17:00:00+00:00"),
        ("2026-03-01T09:00:00-08:00", "2026-03-01T17:00:00+00:00"),
        ("2026-03-02T01:30:00.250+14:00", "2026-03-01T11:30:00.250000+00:00"),
        ("2025-12-31T23:59:59.999999-05:30", "2026-01-01T05:29:59.999999+00:00"),
    ],
)
def test_moment_as_google_may_write_it(moment: str, instant: str) -> None:
    assert to_datetime(start_of(moment)).isoformat() == instant


@pytest.mark.parametrize(
    "moment",
    [
        *("", "noon", "2026-03-01", "2026-03-01T", "2026-03-01T17:00:00"),
        *("2026-03-01T17:00:00.5", "2026-03-01T17:00:00z:", "2026-03-01T25:00:00Z"),
        *("2026-02-30T17:00:00Z", "26-03-01T17:00:00Z", "2026-03-01Z"),
        *(7, 7.5, True, [], ["2026-03-01T17:00:00Z"], {}, {"a": 1}),
    ],
)
def test_moment_that_is_none(moment: object) -> None:
    for found in (
        event(moment, "2026-03-01T18:00:00Z"),
        event("2026-03-01T16:00:00Z", moment),
    ):
        with pytest.raises(ProviderDown):
            asyncio.run(answered(found))


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ({"dateTime": "2026-06-01T09:00:00Z"}, "9999-12-31T23:59:59-08:00"),
        ({"dateTime": "2026-06-01T09:00:00Z"}, "9999-12-31T23:59:59+14:00"),
        ({"dateTime": "0001-01-01T00:00:00+14:00"}, "2027-01-01T00:00:00Z"),
        ({"date": "2026-06-01"}, "9999-12-31"),
        ({"date": "0001-01-01"}, "9999-12-31"),
    ],
)
def test_all_of_time(start: dict[str, str], end: str) -> None:
    """One such event must not cost its owner the calendar, nor a page that shows it."""
    found = event(None, None)
    (kind,) = start
    found |= {"start": start, "end": {kind: end}}
    (interval,) = asyncio.run(answered(found)).intervals
    assert interval.overlaps(WINDOW)
    for edge in (interval.start, interval.end):
        for hours in (-12, 14):
            zone = timezone(timedelta(hours=hours))
            assert to_datetime(edge).astimezone(zone).year in {1, 2026, 2027, 9999}


async def answered(found: Event) -> ChangedEvent:
    async with answered_within(5):
        return read(found)


# Malformed events

Place = tuple[str | int, ...]


def places(value: object, here: Place = ()) -> Iterator[Place]:
    """Yield the way to every value inside."""
    if here:
        yield here
    names = value.items() if isinstance(value, dict) else ()
    members = enumerate(value) if isinstance(value, list) else ()
    for name, inner in (*names, *members):
        yield from places(inner, (*here, name))


def put(inside: Any, place: Place, value: object) -> None:
    for name in place[:-1]:
        inside = inside[name]
    inside[place[-1]] = value


WHOLE = event("2026-06-01T09:00:00Z", "2026-06-01T10:00:00Z")
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)


@settings(deadline=None)
@given(st.sampled_from(list(places(WHOLE))), ANYTHING)
def test_nonsense_anywhere_is_the_provider_s_fault(place: Place, value: object) -> None:
    found = deepcopy(WHOLE)
    put(found, place, value)
    try:
        told = asyncio.run(answered(found))
    except ProviderDown:
        return
    assert isinstance(told.event_id, str)
    assert isinstance(told.etag, str | None)
    assert all(isinstance(each, Interval) for each in told.intervals)


@settings(deadline=None)
@given(st.sampled_from(list(places(WHOLE))))
def test_what_is_missing_anywhere_too(place: Place) -> None:
    found = deepcopy(WHOLE)
    inside: Any = found
    for name in place[:-1]:
        inside = inside[name]
    del inside[place[-1]]
    try:
        asyncio.run(answered(found))
    except ProviderDown:
        assert place[0] in {"id", "etag", "start", "end"}


def test_event_outside_of_the_window_takes_none_of_it() -> None:
    outside = event("2020-06-01T09:00:00Z", "2020-06-01T10:00:00Z")
    ours = changed_event(outside, "UTC", WINDOW, TENANT)
    assert ours.appointment_id == UUID(int=7)
    assert len(ours.intervals) == 1
    del outside["extendedProperties"]
    assert changed_event(outside, "UTC", WINDOW, TENANT).intervals == ()
