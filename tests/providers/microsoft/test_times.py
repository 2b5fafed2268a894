"""Times and zones as Graph writes them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from tests.contracts.drafts import utc
from universal_calendar.core.instant import from_datetime, to_datetime
from universal_calendar.core.interval import Interval
from universal_calendar.providers.microsoft.times import (
    Json,
    instant_of,
    interval_of,
    time_text,
    zone_of,
)


def at(text: str, zone: str = "UTC") -> Json:
    return {"dateTime": text, "timeZone": zone}


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("2026-06-01T09:00:00.0000000", 0),
        ("2026-06-01T09:00:00", 0),
        ("2026-06-01T09:00:00.1234567", 123456),
        ("2026-06-01T09:00:00.5", 500000),
        ("2026-06-01T09:00:00.0000009Z", 0),
    ],
)
def test_seven_fractional_digits(text: str, microseconds: int) -> None:
    moment = datetime(2026, 6, 1, 9, microsecond=microseconds, tzinfo=UTC)
    assert instant_of(at(text)) == from_datetime(moment)


@pytest.mark.parametrize(
    "text", ["", "2026-06-01", "2026-06-01T09:00", "2026-06-01T09:00:00+02:00", "٢"]
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="time"):
        instant_of(at(text))


def test_time_of_a_zone_that_nobody_knows() -> None:
    with pytest.raises(ValueError, match="zone"):
        instant_of(at("2026-06-01T09:00:00.0000000", "Customized Time Zone"))


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Eastern Standard Time", "America/New_York"),
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("Europe/Berlin", "Europe/Berlin"),
        ("Customized Time Zone", None),
        ("tzone://Microsoft/Custom", None),
        ("../../etc/passwd", None),
        ("", None),
        (None, None),
    ],
)
def test_zone(name: str | None, key: str | None) -> None:
    zone = zone_of(name)
    assert (zone.key if zone else None) == key


def test_what_we_write_is_read_back() -> None:
    assert instant_of(time_text(utc(2026, 11, 1, 6))) == utc(2026, 11, 1, 6)


def an_event(start: str, end: str, *, zone: str, is_all_day: bool) -> Json:
    return {
        "start": at(start),
        "end": at(end),
        "isAllDay": is_all_day,
        "originalStartTimeZone": zone,
    }


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("Eastern Standard Time", Interval(utc(2026, 3, 7, 5), utc(2026, 3, 9, 4))),
        ("Tokyo Standard Time", Interval(utc(2026, 3, 6, 15), utc(2026, 3, 8, 15))),
        ("UTC", Interval(utc(2026, 3, 7, 0), utc(2026, 3, 9, 0))),
        ("Customized Time Zone", Interval(utc(2026, 3, 7, 0), utc(2026, 3, 9, 0))),
    ],
)
def test_all_day_floats(zone: str, expected: Interval) -> None:
    event = an_event(
        "2026-03-07T00:00:00.0000000",
        "2026-03-09T00:00:00.0000000",
        zone=zone,
        is_all_day=True,
    )
    assert interval_of(event) == expected


def test_all_day_that_does_not_float() -> None:
    """Where Graph did convert the midnights they are instants already."""
    event = an_event(
        "2026-03-07T05:00:00.0000000",
        "2026-03-09T04:00:00.0000000",
        zone="Eastern Standard Time",
        is_all_day=True,
    )
    assert interval_of(event) == Interval(utc(2026, 3, 7, 5), utc(2026, 3, 9, 4))


def test_event_without_length_takes_no_time() -> None:
    event = an_event(
        "2026-06-01T09:00:00", "2026-06-01T09:00:00", zone="UTC", is_all_day=False
    )
    assert interval_of(event) is None


@pytest.mark.parametrize("is_all_day", [True, False])
@pytest.mark.parametrize(
    "zone", ["UTC", "Samoa Standard Time", "Line Islands Standard Time"]
)
def test_all_of_time(zone: str, *, is_all_day: bool) -> None:
    """One such event must not cost its owner the calendar, nor a page that shows it."""
    event = an_event(
        "0001-01-01T00:00:00.0000000",
        "9999-12-31T00:00:00.0000000",
        zone=zone,
        is_all_day=is_all_day,
    )
    interval = interval_of(event)
    assert interval is not None
    for edge in (interval.start, interval.end):
        for hours in (-12, 14):
            shown = to_datetime(edge).astimezone(timezone(timedelta(hours=hours)))
            assert shown.year in {1, 9999}
