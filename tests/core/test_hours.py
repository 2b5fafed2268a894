"""The hours document: defaults, bounds, spelling, and what it means."""

import json
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings

from tests.core.worlds import Case, cases, document_of
from universal_calendar.core.errors import InvalidField
from universal_calendar.core.hours import (
    Hours,
    complete,
    parse_hours,
    stored_hours,
)
from universal_calendar.core.rules import Alignment, BookingRules
from universal_calendar.core.schedule import WEEKDAYS

DEFAULTS = {
    "default_appointment_duration": 45,
    "buffer_before_minutes": 0,
    "buffer_after_minutes": 0,
    "min_advance_booking_hours": 2,
    "max_advance_booking_days": 90,
    "slot_interval_minutes": None,
    "alignment": "window",
    "enforce_grid": False,
    "max_appointments_per_day": None,
}
BOUNDS = [
    ("default_appointment_duration", 1, 1440),
    ("buffer_before_minutes", 0, 1440),
    ("buffer_after_minutes", 0, 1440),
    ("buffer_time_minutes", 0, 1440),
    ("min_advance_booking_hours", 0, 8760),
    ("max_advance_booking_days", 0, 3650),
    ("slot_interval_minutes", 1, 1440),
    ("max_appointments_per_day", 1, 1440),
]
OPTIONAL = {"slot_interval_minutes", "max_appointments_per_day", "buffer_time_minutes"}
NINE_TO_FIVE = ((540, 1020),)


def refused(document: object) -> str:
    """Return the name of the field that is refused."""
    with pytest.raises(InvalidField) as caught:
        parse_hours(document)
    assert str(caught.value) == f"{caught.value.field}: {caught.value.mend}"
    with pytest.raises(InvalidField):
        complete(document)
    return caught.value.field


def monday(*spans: tuple[object, object]) -> dict[str, object]:
    hours = [{"start": start, "end": end} for start, end in spans]
    return {"working_hours": {"monday": hours}}


def meaning(hours: Hours) -> tuple[object, ...]:
    schedule = hours.schedule
    return schedule.weekly, dict(schedule.overrides), hours.rules, hours.zone


def test_an_empty_document_has_the_guides_defaults() -> None:
    hours = parse_hours({})
    assert hours.schedule.weekly == (NINE_TO_FIVE,) * 5 + ((),) * 2
    assert dict(hours.schedule.overrides) == {}
    assert hours.zone is None
    assert asdict(hours.rules) == DEFAULTS
    assert complete({}) == {
        "working_hours": {
            day: [{"start": "09:00", "end": "17:00"}] if number < 5 else []
            for number, day in enumerate(WEEKDAYS)
        },
        "overrides": {},
        "timezone": None,
        **DEFAULTS,
    }


@pytest.mark.parametrize(("name", "least", "most"), BOUNDS)
def test_every_number_has_its_bounds(name: str, least: int, most: int) -> None:
    for value in (least, most):
        rules = asdict(parse_hours({name: value}).rules)
        fields = (
            ["buffer_before_minutes", "buffer_after_minutes"]
            if name == "buffer_time_minutes"
            else [name]
        )
        assert rules == {**DEFAULTS, **dict.fromkeys(fields, value)}
    for value in (least - 1, most + 1, -(10**30), 10**30):
        assert refused({name: value}) == name


@pytest.mark.parametrize("name", [name for name, _, _ in BOUNDS])
@pytest.mark.parametrize("value", ["45", 45.0, 4.5, True, False, [], {}, "", [45]])
def test_a_number_is_a_whole_number(name: str, value: object) -> None:
    assert refused({name: value}) == name


@pytest.mark.parametrize("name", [*DEFAULTS, "working_hours", "overrides"])
def test_null_is_only_for_what_may_be_absent(name: str) -> None:
    if name in OPTIONAL:
        assert asdict(parse_hours({name: None}).rules)[name] is None
    else:
        assert refused({name: None}) == name


def test_one_buffer_or_two_never_both() -> None:
    for other in ("buffer_before_minutes", "buffer_after_minutes"):
        document = {"buffer_time_minutes": 10, other: 10}
        assert refused(document) == "buffer_time_minutes"
    two = {"buffer_before_minutes": 5, "buffer_after_minutes": 10}
    rules = parse_hours(two).rules
    assert (rules.buffer_before_minutes, rules.buffer_after_minutes) == (5, 10)
    assert rules.gap == rules.after == 2 * rules.before


@pytest.mark.parametrize("value", list(Alignment))
def test_each_alignment_has_its_word(value: str) -> None:
    assert parse_hours({"alignment": str(value)}).rules.alignment is Alignment(value)


@pytest.mark.parametrize("value", ["Window", "", "windows", None, 1, True, [], {}])
def test_another_word_is_no_alignment(value: object) -> None:
    assert refused({"alignment": value}) == "alignment"


@pytest.mark.parametrize("value", [None, 1, 0, "true", "false", [], {}])
def test_enforce_grid_is_true_or_false(value: object) -> None:
    assert refused({"enforce_grid": value}) == "enforce_grid"
    assert parse_hours({"enforce_grid": True}).rules.enforce_grid is True


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"workinghours": {}}, "workinghours"),
        ({"business_hours": {}}, "business_hours"),
        ({"buffer_minutes": 5}, "buffer_minutes"),
        ({"Overrides": {}}, "Overrides"),
        ({"": 1}, ""),
        ({"working_hours": {"Monday": []}}, "working_hours.Monday"),
        ({"working_hours": {"mon": []}}, "working_hours.mon"),
        ({"working_hours": []}, "working_hours"),
        ({"working_hours": {"monday": {}}}, "working_hours.monday"),
        ({"working_hours": {"monday": "09:00"}}, "working_hours.monday"),
        ({"working_hours": {"monday": None}}, "working_hours.monday"),
        ({"working_hours": {"monday": ["09:00"]}}, "working_hours.monday[0]"),
        (
            {"working_hours": {"monday": [{"start": "09:00", "ends": "17:00"}]}},
            "working_hours.monday[0].ends",
        ),
        (
            {"working_hours": {"monday": [{"start": "09:00"}]}},
            "working_hours.monday[0].end",
        ),
        (monday(("09:00", "10:00"), ("10:00", "x")), "working_hours.monday[1].end"),
        ({"overrides": []}, "overrides"),
        ({"overrides": {"2026-02-29": []}}, "overrides.2026-02-29"),
        ({"overrides": {"01.06.2026": []}}, "overrides.01.06.2026"),
        ({"overrides": {"2026-06-01\n": []}}, "overrides.2026-06-01\n"),
        ({"overrides": {"2026-06-01": {}}}, "overrides.2026-06-01"),
        ({"overrides": {"2026-06-01": [{}]}}, "overrides.2026-06-01[0].start"),
        ({"timezone": "Mars"}, "timezone"),
        ({"timezone": ""}, "timezone"),
        ({"timezone": 1}, "timezone"),
        ({"timezone": []}, "timezone"),
        ([], "hours"),
        (None, "hours"),
        ("{}", "hours"),
    ],
)
def test_what_cannot_be_used_is_named(document: object, field: str) -> None:
    assert refused(document) == field


@pytest.mark.parametrize(
    "text",
    [
        "9:00",
        "09:0",
        "0900",
        "09.00",
        "09:60",
        "24:01",
        "25:00",
        "-1:00",
        "09:00 ",
        "09:00\n",
        "\u0660\u0669:\u0660\u0660",
        "09:0²",
        "",
        " 9:00",
        "+9:00",
        "09:00:00",
        "\0",
        None,
        9,
        540,
        9.0,
        [],
        {},
    ],
)
def test_an_edge_is_hours_and_minutes_in_ascii(text: object) -> None:
    assert refused(monday((text, "18:00"))) == "working_hours.monday[0].start"
    assert refused(monday(("08:00", text))) == "working_hours.monday[0].end"


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([("00:00", "24:00")], ((0, 1440),)),
        ([("00:00", "23:59")], ((0, 1440),)),
        ([("23:59", "24:00")], ((1439, 1440),)),
        ([("09:00", "00:00")], ((540, 1440),)),
        ([("22:00", "06:00")], ((1320, 1800),)),
        ([("00:01", "00:00")], ((1, 1440),)),
        ([("13:00", "17:00"), ("09:00", "13:00")], ((540, 1020),)),
        ([("09:00", "13:00"), ("12:00", "17:00")], ((540, 1020),)),
        ([("09:00", "12:59"), ("13:00", "17:00")], ((540, 779), (780, 1020))),
        ([("12:00", "23:59"), ("20:00", "02:00")], ((720, 1560),)),
        ([], ()),
    ],
)
def test_an_interval_means(
    spans: list[tuple[object, object]], expected: tuple[tuple[int, int], ...]
) -> None:
    assert parse_hours(monday(*spans)).schedule.weekly == (expected, *[()] * 6)


@pytest.mark.parametrize("edge", ["00:00", "09:00", "23:59"])
def test_an_interval_is_not_empty(edge: str) -> None:
    assert refused(monday((edge, edge))) == "working_hours.monday[0].end"


def test_the_end_of_the_day_begins_nothing() -> None:
    assert refused(monday(("24:00", "06:00"))) == "working_hours.monday[0].start"


def test_weekdays_are_counted_from_monday() -> None:
    schedule = parse_hours(monday(("09:00", "10:00"))).schedule
    assert schedule.hours_on(date(2026, 6, 1)) == ((540, 600),)
    assert schedule.hours_on(date(2026, 6, 2)) == ()


def test_an_override_replaces_its_date() -> None:
    document = {
        "overrides": {
            "2026-06-01": [],
            "2026-06-06": [{"start": "10:00", "end": "23:59"}],
            "1970-01-01": [],
            "2999-12-31": [],
        }
    }
    schedule = parse_hours(document).schedule
    assert schedule.hours_on(date(2026, 6, 1)) == ()
    assert schedule.hours_on(date(2026, 6, 2)) == NINE_TO_FIVE
    assert schedule.hours_on(date(2026, 6, 6)) == ((600, 1440),)
    assert schedule.hours_on(date(2026, 6, 7)) == ()


def test_a_document_has_an_end() -> None:
    spans = [(f"{n // 4:02}:{n % 4 * 15:02}", "24:00") for n in range(96)]
    assert parse_hours(monday(*spans)).schedule.weekly[0] == ((0, 1440),)
    assert refused(monday(*spans, ("00:00", "01:00"))) == "working_hours.monday"
    days = [str(date(2026, 1, 1) + timedelta(days=n)) for n in range(3661)]
    most: dict[str, Any] = {day: [] for day in days[:-1]}
    assert len(parse_hours({"overrides": most}).schedule.overrides) == 3660
    assert refused({"overrides": {day: [] for day in days}}) == "overrides"


def test_a_zone_of_its_own() -> None:
    zone = parse_hours({"timezone": "Asia/Kathmandu"}).zone
    assert zone is not None
    assert zone.key == "Asia/Kathmandu"
    assert complete({"timezone": "Asia/Kathmandu"})["timezone"] == "Asia/Kathmandu"
    assert parse_hours({"timezone": None}).zone is None


def test_completing_spells_one_buffer_as_two() -> None:
    completed = complete({"buffer_time_minutes": 20})
    assert "buffer_time_minutes" not in completed
    assert completed["buffer_before_minutes"] == completed["buffer_after_minutes"] == 20


@given(cases())
@settings(max_examples=100)
def test_completing_changes_no_meaning_and_is_idempotent(case: Case) -> None:
    document = document_of(case.world)
    completed = complete(document)
    stored = json.dumps(completed)
    assert set(completed) == {"working_hours", "overrides", "timezone", *DEFAULTS}
    assert meaning(parse_hours(completed)) == meaning(parse_hours(document))
    assert meaning(stored_hours(stored)) == meaning(parse_hours(document))
    assert complete(json.loads(stored)) == completed
    assert stored_hours(stored) is stored_hours(stored)


def test_the_rules_of_a_document_are_those_of_the_class() -> None:
    assert asdict(BookingRules()) == DEFAULTS
