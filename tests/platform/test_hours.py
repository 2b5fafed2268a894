import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from universal_calendar.core.errors import InvalidField
from universal_calendar.core.hours import complete, parse_hours
from universal_calendar.core.schedule import WEEKDAYS
from universal_calendar.platform.hours import hours_document

YEAR = 2026
Spans = list[dict[str, str]]


def spans(*texts: str) -> Spans:
    """Write `09:00-17:00` as the hours document does."""
    pairs = (text.split("-") for text in texts)
    return [{"start": start, "end": end} for start, end in pairs]


def normalised(hours: object, timezone: str | None = None) -> dict[str, Any]:
    document = hours_document(hours, timezone, YEAR)
    assert document is not None
    assert complete(document) == document
    return document


def week(hours: object) -> dict[str, Spans]:
    working_hours: dict[str, Spans] = normalised(hours)["working_hours"]
    assert list(working_hours) == list(WEEKDAYS)
    return working_hours


def day(value: object) -> Spans:
    """Return Monday's hours, with every other day closed."""
    found = week({"monday": value, "tuesday": None})
    assert not any(found[name] for name in WEEKDAYS[1:])
    return found["monday"]


def overrides(holidays: object, **days: object) -> dict[str, Spans]:
    hours = {"monday": None, "holidays": holidays, **days}
    found: dict[str, Spans] = normalised(hours)["overrides"]
    return found


@pytest.mark.parametrize(
    "hours",
    [
        "07:00-18:00",
        "7:00 - 18:00",
        {"start": "07:00", "end": "18:00"},
        {"start": "07:00:00", "end": "18:00:00", "timezone": "UTC"},
    ],
)
def test_one_span_holds_every_day(hours: object) -> None:
    assert week(hours) == dict.fromkeys(WEEKDAYS, spans("07:00-18:00"))


@pytest.mark.parametrize(
    "value",
    [
        "09:00-17:00",
        {"start": "09:00", "end": "17:00"},
        {"open": "09:00", "close": "17:00", "enabled": True},
        {"open": "9:00", "close": "17:00:00"},
        {"openTime": "09:00", "closeTime": "17:00", "isOpen": True},
        {"openTime": "09:00", "closeTime": "17:00", "isOpen": True, "breaks": []},
        {"openTime": "09:00", "closeTime": "17:00", "isOpen": True, "breaks": None},
    ],
)
def test_day_in_every_shape(value: object) -> None:
    assert day(value) == spans("09:00-17:00")


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        {"start": None, "end": None},
        {"open": "09:00", "close": "17:00", "enabled": False},
        {"open": None, "close": None, "enabled": False},
        {"openTime": "09:00", "closeTime": "17:00", "isOpen": False},
        {"isOpen": False},
        {"start": "09:00", "end": "09:00"},
        "00:00-00:00",
    ],
)
def test_closed_day_in_every_shape(value: object) -> None:
    assert day(value) == []


def test_absent_days_are_closed() -> None:
    found = week({"friday": "09:00-12:00"})
    assert found.pop("friday") == spans("09:00-12:00")
    assert set(map(str, found.values())) == {"[]"}


def test_shapes_may_be_mixed() -> None:
    found = week(
        {
            "monday": {"start": "08:00", "end": "12:00"},
            "tuesday": {"open": "09:00", "close": "13:00", "enabled": True},
            "wednesday": {"isOpen": True, "openTime": "10:00", "closeTime": "14:00"},
            "thursday": "11:00-15:00",
            "friday": None,
            "timezone": "UTC",
            "updatedAt": "2026-01-01T00:00:00Z",
        }
    )
    assert [found[name] for name in WEEKDAYS[:5]] == [
        spans("08:00-12:00"),
        spans("09:00-13:00"),
        spans("10:00-14:00"),
        spans("11:00-15:00"),
        [],
    ]


@pytest.mark.parametrize("end", ["24:00", "23:59", "23:59:00", "23:59:59", "24:00:00"])
def test_end_of_the_day(end: str) -> None:
    assert day({"start": "00:00", "end": end}) == spans("00:00-24:00")


def test_night_shift_runs_over_midnight() -> None:
    assert day("22:00-06:00") == spans("22:00-06:00")
    assert day("22:00-00:00") == spans("22:00-24:00")


@pytest.mark.parametrize(
    ("breaks", "left"),
    [
        (["12:00-13:00"], ["09:00-12:00", "13:00-17:00"]),
        (["12:00-13:00", "15:00-15:15"], ["09:00-12:00", "13:00-15:00", "15:15-17:00"]),
        (["15:00-15:15", "12:00-13:00"], ["09:00-12:00", "13:00-15:00", "15:15-17:00"]),
        (["12:00-13:00", "12:30-14:00"], ["09:00-12:00", "14:00-17:00"]),
        (["08:00-09:30"], ["09:30-17:00"]),
        (["16:30-18:00"], ["09:00-16:30"]),
        (["08:00-18:00"], []),
        (["09:00-17:00"], []),
        (["07:00-08:00"], ["09:00-17:00"]),
        (["12:00-12:00"], ["09:00-17:00"]),
        (["16:00-24:00"], ["09:00-16:00"]),
        (["23:00-09:30"], ["09:30-17:00"]),
    ],
)
def test_breaks_are_no_working_time(breaks: list[str], left: list[str]) -> None:
    pauses = [text.split("-") for text in breaks]
    value = {
        "isOpen": True,
        "openTime": "09:00",
        "closeTime": "17:00",
        "breaks": [{"startTime": start, "endTime": end} for start, end in pauses],
    }
    assert day(value) == spans(*left)


def test_break_in_a_night_shift_cuts_it_on_the_right_day() -> None:
    night = {
        "isOpen": True,
        "openTime": "22:00",
        "closeTime": "06:00",
        "breaks": [
            {"startTime": "02:00", "endTime": "02:30"},
            {"startTime": "23:00", "endTime": "23:30"},
        ],
    }
    found = week({"sunday": night, "monday": "09:00-12:00"})
    assert found["sunday"] == spans("22:00-23:00", "23:30-02:00")
    assert found["monday"] == spans("09:00-12:00", "02:30-06:00")
    assert found["tuesday"] == []


def test_holidays_are_closed() -> None:
    found = overrides(
        [
            {"date": "2026-12-24", "isRecurring": False},
            {"date": "2027-01-06T00:00:00.000Z"},
            {"date": "2026-05-01", "isRecurring": None, "name": "Labour Day"},
        ]
    )
    assert found == {"2026-05-01": [], "2026-12-24": [], "2027-01-06": []}


def test_recurring_holiday_comes_back_for_three_years() -> None:
    found = overrides([{"date": "2019-12-25", "isRecurring": True}])
    assert found == {"2026-12-25": [], "2027-12-25": [], "2028-12-25": []}


def test_29_february_recurs_in_leap_years() -> None:
    found = overrides([{"date": "2020-02-29", "isRecurring": True}])
    assert found == {"2028-02-29": []}


def test_holidays_outside_the_years_are_left_out() -> None:
    assert overrides([{"date": "2025-12-31"}, {"date": "2029-01-01"}]) == {}
    assert overrides(None) == overrides([]) == {}


def test_holiday_ends_the_night_that_begins_on_it_and_no_other() -> None:
    night = {
        "isOpen": True,
        "openTime": "22:00",
        "closeTime": "06:00",
        "breaks": [{"startTime": "02:00", "endTime": "03:00"}],
    }
    # 2026-12-24 is a Thursday.
    found = overrides([{"date": "2026-12-24"}], wednesday=night, thursday=night)
    assert found == {"2026-12-24": spans("03:00-06:00"), "2026-12-25": []}
    both = [{"date": "2026-12-24"}, {"date": "2026-12-23"}]
    assert overrides(both, wednesday=night, thursday=night) == {
        "2026-12-23": [],
        "2026-12-24": [],
        "2026-12-25": [],
    }


def test_zone_is_part_of_the_document() -> None:
    assert normalised("07:00-18:00", "America/Los_Angeles")["timezone"] == (
        "America/Los_Angeles"
    )
    assert normalised("07:00-18:00")["timezone"] is None
    with pytest.raises(InvalidField):
        normalised("07:00-18:00", "Mars/Olympus")


def test_rules_are_the_default_ones() -> None:
    document = normalised("07:00-18:00")
    own = {"working_hours", "overrides", "timezone"}
    rules = {name: document[name] for name in document if name not in own}
    assert rules == {n: v for n, v in complete({}).items() if n not in own}


@pytest.mark.parametrize("hours", [None, {}])
def test_no_hours_at_all(hours: object) -> None:
    assert hours_document(hours, None, YEAR) is None


@pytest.mark.parametrize(
    "hours",
    [
        "",
        "always",
        "07:00",
        "07:00-",
        "07:00-18:00-19:00",
        "07:00-25:00",
        "24:00-08:00",
        "07:60-18:00",
        "\u0660\u0667:\u0660\u0660-18:00",
        "07:00-18:00\n19:00",
        7,
        True,
        [],
        ["07:00-18:00"],
        {"hours": "07:00-18:00"},
        {"start": "07:00"},
        {"end": "18:00"},
        {"start": 7, "end": 18},
        {"enabled": True},
        {"monday": "closed"},
        {"monday": 9},
        {"monday": []},
        {"monday": True},
        {"monday": {"start": "09:00"}},
        {"monday": {"start": "09:00", "end": None}},
        {"monday": {"start": "09:00:30", "end": "17:00"}},
        {"monday": {"open": "09:00", "close": "17:00", "enabled": "yes"}},
        {"monday": {"open": "09:00", "close": "17:00", "enabled": 1}},
        {"monday": {"isOpen": True}},
        {"monday": {"isOpen": True, "openTime": "9am", "closeTime": "5pm"}},
        {"monday": {"start": "09:00", "end": "17:00", "breaks": {}}},
        {"monday": {"start": "09:00", "end": "17:00", "breaks": [None]}},
        {"monday": {"start": "09:00", "end": "17:00", "breaks": ["12:00"]}},
        {"monday": {"start": "09:00", "end": "17:00", "breaks": [{}]}},
        {"monday": None, "holidays": {}},
        {"monday": None, "holidays": ["2026-12-25"]},
        {"monday": None, "holidays": [{}]},
        {"monday": None, "holidays": [{"date": None}]},
        {"monday": None, "holidays": [{"date": 20261225}]},
        {"monday": None, "holidays": [{"date": "12-25", "isRecurring": True}]},
        {"monday": None, "holidays": [{"date": "2026-02-30"}]},
        {"monday": None, "holidays": [{"date": "2026-12-25", "isRecurring": "no"}]},
    ],
)
def test_what_has_no_known_shape(hours: object) -> None:
    with pytest.raises(InvalidField):
        hours_document(hours, None, YEAR)


NAMES = [*WEEKDAYS, "start", "end", "open", "close", "enabled", "isOpen"]
NAMES += ["breaks", "holidays", "date", "isRecurring", "startTime", "endTime"]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from(["09:00", "17:00", "24:00", "09:00-17:00", "2026-12-25", "x"])
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_json_is_hours_or_refused(hours: object) -> None:
    try:
        document = hours_document(json.loads(json.dumps(hours)), "UTC", YEAR)
    except InvalidField:
        return
    if document is not None:
        parse_hours(document)
