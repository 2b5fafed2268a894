"""Wall clocks become instants and back, in every zone there is."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from universal_calendar.core.errors import InvalidField
from universal_calendar.core.instant import HOUR, Instant, from_datetime, to_datetime
from universal_calendar.core.localtime import (
    exists,
    from_wall_clock,
    local_date,
    local_day,
    local_days,
    wall_clock,
    zone_named,
)

ZONES = st.sampled_from(sorted(available_timezones() - {"localtime", "Factory"})).map(
    ZoneInfo
)
DAYS = st.dates(date(1975, 1, 1), date(2999, 12, 29))
NEW_YORK = ZoneInfo("America/New_York")
SPRING, AUTUMN = date(2025, 3, 9), date(2025, 11, 2)


def utc(day: date, hour: int, minute: int = 0) -> Instant:
    moment = datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)
    return from_datetime(moment)


@given(ZONES, DAYS, st.integers(0, 2880))
@settings(max_examples=400)
def test_the_first_occurrence_and_the_offset_before_a_gap(
    zone: ZoneInfo, day: date, minute: int
) -> None:
    wall = datetime.combine(day, datetime.min.time()) + timedelta(minutes=minute)
    expected = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    assert from_wall_clock(day, minute, zone) == from_datetime(expected)


@given(ZONES, DAYS, st.integers(0, 1439))
@settings(max_examples=400)
def test_a_wall_time_exists_if_clocks_show_it(
    zone: ZoneInfo, day: date, minute: int
) -> None:
    shown = to_datetime(from_wall_clock(day, minute, zone)).astimezone(zone)
    wall = datetime.combine(day, datetime.min.time()) + timedelta(minutes=minute)
    assert exists(day, minute, zone) is (shown.replace(tzinfo=None, fold=0) == wall)


@pytest.mark.parametrize(
    ("day", "minute", "expected"),
    [
        (SPRING, 119, utc(SPRING, 6, 59)),
        (SPRING, 120, utc(SPRING, 7)),  # 02:00 is skipped: 03:00 EDT
        (SPRING, 150, utc(SPRING, 7, 30)),  # 02:30 EST is 03:30 EDT
        (SPRING, 180, utc(SPRING, 7)),
        (AUTUMN, 60, utc(AUTUMN, 5)),  # the first of two 01:00
        (AUTUMN, 119, utc(AUTUMN, 5, 59)),
        (AUTUMN, 120, utc(AUTUMN, 7)),
        (date(2025, 11, 1), 1440 + 60, utc(AUTUMN, 5)),  # past midnight: next day's
        (date(2025, 11, 1), 2880, utc(date(2025, 11, 3), 5)),
    ],
)
def test_the_two_changes_in_new_york(day: date, minute: int, expected: Instant) -> None:
    assert from_wall_clock(day, minute, NEW_YORK) == expected


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("UTC", SPRING, 24),
        ("America/New_York", SPRING, 23),
        ("America/New_York", AUTUMN, 25),
        ("Australia/Lord_Howe", date(2025, 4, 6), 24.5),
        ("Australia/Lord_Howe", date(2025, 10, 5), 23.5),
        ("America/Havana", SPRING, 23),
        ("America/Havana", AUTUMN, 25),
        ("Africa/Cairo", date(2025, 4, 25), 23),
        ("Africa/Cairo", date(2025, 10, 30), 25),
        ("Antarctica/Troll", date(2025, 3, 30), 22),
        ("Antarctica/Troll", date(2025, 10, 26), 26),
        ("Pacific/Apia", date(2011, 12, 30), 0),
        ("Asia/Kathmandu", date(1986, 1, 1), 23.75),
    ],
)
def test_a_day_lasts_as_long_as_its_clocks_say(
    zone: str, day: date, hours: float
) -> None:
    lasting = local_day(day, ZoneInfo(zone))
    assert lasting.end - lasting.start == hours * HOUR
    assert lasting.date == day
    assert lasting.fixed is (zone == "UTC")


@given(ZONES, DAYS)
@settings(max_examples=200)
def test_a_fixed_day_has_one_offset_until_the_end_of_the_next(
    zone: ZoneInfo, day: date
) -> None:
    lasting = local_day(day, zone)
    until = local_day(day + timedelta(days=1), zone).end
    hours = range(lasting.start, until, HOUR // 2)
    offsets = {wall_clock(instant, zone).utcoffset() for instant in hours}
    assert not lasting.fixed or len(offsets) == 1


@given(ZONES, st.dates(date(2020, 1, 1), date(2037, 12, 1)), st.integers(0, 40))
@settings(max_examples=100)
def test_days_follow_each_other_without_a_hole(
    zone: ZoneInfo, first: date, count: int
) -> None:
    days = local_days(first, first + timedelta(days=count), zone)
    assert [day.date for day in days] == [
        first + timedelta(days=n) for n in range(count + 1)
    ]
    assert all(a.end == b.start for a, b in pairwise(days))
    assert all(local_date(day.start, zone) == day.date for day in days)
    assert all(local_date(day.end - 1, zone) == day.date for day in days)


def test_no_day_is_asked_for_backwards() -> None:
    assert local_days(SPRING, SPRING - timedelta(days=1), NEW_YORK) == ()


def test_the_local_date_is_the_zones_own() -> None:
    instant = utc(date(2026, 6, 1), 11)
    assert local_date(instant, ZoneInfo("Pacific/Kiritimati")) == date(2026, 6, 2)
    assert local_date(instant, ZoneInfo("Pacific/Niue")) == date(2026, 6, 1)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Mars/Olympus",
        "america/new_york",
        "EST5EDT4",
        "../UTC",
        "/etc/localtime",
        "localtime",
        "Factory",
        "UTC\n",
        "UTC\0",
        "+01:00",
        "posix/UTC",
        "\ud800",
    ],
)
def test_a_name_the_database_lacks_is_refused(name: str) -> None:
    with pytest.raises(InvalidField, match=r"^timezone: use an IANA time zone"):
        zone_named(name)


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "US/Eastern", "Etc/GMT+5"])
def test_any_zone_of_the_database_has_a_name(name: str) -> None:
    assert zone_named(name).key == name
