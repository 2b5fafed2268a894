"""Hours become openings: nights, overrides, days off, changes of the clocks."""

from datetime import date

import pytest

from tests.core.building import MONDAY, TUESDAY, agenda, at, every_day, listed
from universal_calendar.core.hours import parse_hours
from universal_calendar.core.interval import Interval
from universal_calendar.core.schedule import day_hours, openings

SPRING, AUTUMN = date(2025, 3, 9), date(2025, 11, 2)


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([], ()),
        ([(540, 720), (720, 1020)], ((540, 1020),)),  # they touch
        ([(720, 1020), (540, 720)], ((540, 1020),)),
        ([(540, 800), (720, 1020)], ((540, 1020),)),  # they overlap
        ([(540, 720), (721, 1020)], ((540, 720), (721, 1020))),
        ([(1320, 360)], ((1320, 1800),)),  # over midnight
        ([(1320, 0)], ((1320, 1440),)),
        ([(1320, 360), (0, 360)], ((0, 360), (1320, 1800))),
        ([(0, 1440), (1380, 120)], ((0, 1560),)),
        ([(600, 600)], ((600, 2040),)),
    ],
)
def test_the_intervals_of_a_day_are_joined_where_they_touch(
    spans: list[tuple[int, int]], expected: tuple[tuple[int, int], ...]
) -> None:
    assert day_hours(spans) == expected


def test_hours_without_a_day_are_no_openings() -> None:
    assert listed(agenda({"working_hours": {}})) == []
    assert listed(agenda({"working_hours": every_day()})) == []


def test_an_override_replaces_only_what_begins_on_its_date() -> None:
    nights = {
        "working_hours": every_day(("22:00", "02:00")),
        "overrides": {str(TUESDAY): []},
    }
    opened = agenda(nights)
    assert listed(opened, day=MONDAY) == ["00:00", "01:00", "22:00", "23:00"]
    assert listed(opened, day=TUESDAY) == ["00:00", "01:00"]  # Monday night's tail
    assert listed(opened, day=date(2026, 6, 3)) == ["22:00", "23:00"]


def test_an_override_may_open_a_day_off() -> None:
    opened = agenda(
        {
            "working_hours": {},
            "overrides": {str(MONDAY): [{"start": "10:00", "end": "12:00"}]},
        }
    )
    assert listed(opened) == ["10:00", "11:00"]


def test_a_night_at_the_end_of_the_question_is_whole() -> None:
    opened = agenda({"working_hours": every_day(("23:00", "22:59"))})
    assert listed(opened, minutes=1439) == ["23:00"]


def test_a_night_before_a_day_that_never_was_has_its_tail() -> None:
    """Apia went from 29 to 31 December 2011; 02:30 of the 30th is that of the 31st."""
    thursday, saturday = date(2011, 12, 29), date(2011, 12, 31)
    night = {str(thursday): [{"start": "22:00", "end": "02:30"}]}
    opened = agenda({"working_hours": {}, "overrides": night}, zone="Pacific/Apia")
    now = at("00:00", date(2011, 12, 20))
    assert listed(opened, 30, thursday, now) == ["22:00", "22:30", "23:00", "23:30"]
    tail = ["00:00", "00:30", "01:00", "01:30", "02:00"]
    assert listed(opened, 30, saturday, now) == tail


def edges(start: str, end: str, day: date) -> Interval | None:
    document = {"overrides": {str(day): [{"start": start, "end": end}]}}
    hours = parse_hours({**document, "working_hours": {}})
    zone = agenda({}, zone="America/New_York").zone
    found = openings(hours.schedule, zone, day, day)
    assert len(found) <= 1
    return Interval(found[0].start, found[0].end) if found else None


@pytest.mark.parametrize(
    ("start", "end", "day", "expected"),
    [
        ("01:00", "02:30", SPRING, Interval(at("06:00", SPRING), at("07:30", SPRING))),
        ("02:15", "05:00", SPRING, Interval(at("07:15", SPRING), at("09:00", SPRING))),
        ("02:00", "03:00", SPRING, None),
        ("02:30", "03:15", SPRING, None),
        ("00:00", "01:30", AUTUMN, Interval(at("04:00", AUTUMN), at("05:30", AUTUMN))),
        ("01:30", "03:00", AUTUMN, Interval(at("05:30", AUTUMN), at("08:00", AUTUMN))),
    ],
)
def test_an_edge_in_a_gap_keeps_the_old_offset_and_a_double_one_is_the_first(
    start: str, end: str, day: date, expected: Interval | None
) -> None:
    assert edges(start, end, day) == expected


def test_a_run_ends_where_nothing_touches_any_more() -> None:
    document = {
        "working_hours": {
            "monday": [
                {"start": "20:00", "end": "24:00"},
                {"start": "09:00", "end": "12:00"},
            ],
            "tuesday": [{"start": "00:00", "end": "03:00"}],
        }
    }
    opened = agenda(document)
    runs = [
        (each.start, each.end, each.run_end)
        for each in openings(opened.schedule, opened.zone, MONDAY, MONDAY)
    ]
    midnight, three = at("00:00", TUESDAY), at("03:00", TUESDAY)
    assert runs == [
        (at("09:00"), at("12:00"), at("12:00")),
        (at("20:00"), midnight, three),
        (midnight, three, three),
    ]
