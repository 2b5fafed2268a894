"""Our reading of rules against dateutil's, which goes another way."""

import re
import time
from datetime import datetime, timedelta
from itertools import islice

import pytest
from dateutil.rrule import rrulestr
from hypothesis import Phase, assume, example, given, settings
from hypothesis import strategies as st

from tests.providers.caldav.objects import shown
from universal_calendar.providers._icalendar.errors import TooMany, Unreadable
from universal_calendar.providers._icalendar.rules import (
    MOST_STEPS,
    Frequency,
    read_rule,
    starts,
)

ANCHOR = shown(2024, 2, 29, 9, 30)
WEEKDAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]


def some(values: st.SearchStrategy[int], most: int = 3) -> st.SearchStrategy[list[int]]:
    return st.lists(values, min_size=1, max_size=most, unique=True)


def non_zero(most: int) -> st.SearchStrategy[int]:
    return st.integers(-most, most).filter(bool)


@st.composite
def rules(draw: st.DrawFn) -> str:
    frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    parts = [f"FREQ={frequency}", f"INTERVAL={draw(st.integers(1, 5))}"]
    choices = {
        "BYMONTH": some(st.integers(1, 12)),
        "BYMONTHDAY": some(non_zero(31)),
        "BYHOUR": some(st.integers(0, 23), 2),
        "BYMINUTE": some(st.integers(0, 59), 2),
    }
    if frequency == "WEEKLY":
        del choices["BYMONTHDAY"]
    if frequency == "YEARLY":
        choices |= {"BYYEARDAY": some(non_zero(366)), "BYWEEKNO": some(non_zero(53))}
    names = st.lists(st.sampled_from(sorted(choices)), max_size=2, unique=True)
    parts += [
        f"{name}={','.join(map(str, draw(choices[name])))}" for name in draw(names)
    ]
    if draw(st.booleans()):
        parts.append(f"BYDAY={','.join(draw(weekdays(frequency)))}")
    if frequency in {"MONTHLY", "YEARLY"} and draw(st.booleans()) and len(parts) > 2:
        parts.append(f"BYSETPOS={','.join(map(str, draw(some(non_zero(4)))))}")
    if draw(st.booleans()):
        parts.append(f"COUNT={draw(st.integers(1, 40))}")
    parts.append(f"WKST={draw(st.sampled_from(WEEKDAYS))}")
    return ";".join(parts)


def weekdays(frequency: str) -> st.SearchStrategy[list[str]]:
    day = st.sampled_from(WEEKDAYS)
    if frequency in {"MONTHLY", "YEARLY"}:
        place = st.sampled_from(["1", "2", "-1", "-2", "5"])
        placed = st.builds(str.__add__, place, day)
        # The others take "MO,1MO" for what is both, RFC 5545 for what is either.
        return _some_days(day) | _some_days(placed)
    return _some_days(day)


def _some_days(day: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(day, min_size=1, max_size=3, unique=True)


@given(
    rule=rules(),
    anchor=st.datetimes(shown(1990, 1, 1), shown(2027, 1, 1)),
    days=st.integers(0, 2000),
)
@example("FREQ=YEARLY;BYWEEKNO=-1;BYDAY=FR;WKST=TH", ANCHOR, 0)
@example("FREQ=YEARLY;BYDAY=53MO", ANCHOR, 0)
@example("FREQ=YEARLY", ANCHOR, 0)
# What never happens takes dateutil seconds: no time to look for the simplest failure.
@settings(max_examples=250, phases=[Phase.explicit, Phase.generate])
def test_rules_are_read_as_others_read_them(
    rule: str, anchor: datetime, days: int
) -> None:
    # RFC 5545 §3.3.10 forbids numbered days beside weeks: nobody can be right there.
    assume("BYWEEKNO" not in rule or not re.search(r"BYDAY=[^;]*\d", rule))
    anchor = anchor.replace(microsecond=0)
    first = anchor + timedelta(days=days)
    last = first + timedelta(days=800)
    ours = list(starts(read_rule(rule), anchor, first, last))
    theirs = rrulestr(rule, dtstart=anchor).xafter(first, inc=True)
    expected = []
    for each in islice(theirs, 50_000):
        if each > last:
            break
        expected.append(each)
    assert ours == expected


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=HOURLY;INTERVAL=5",
        "FREQ=HOURLY;BYDAY=MO;BYHOUR=9,12;BYMINUTE=0,30",
        "FREQ=HOURLY;INTERVAL=7;COUNT=300",
        "FREQ=MINUTELY;INTERVAL=90;BYMONTHDAY=1,15",
        "FREQ=MINUTELY;INTERVAL=45;BYSECOND=0,30",
        "FREQ=SECONDLY;INTERVAL=3607",
    ],
)
def test_rules_within_a_day(rule: str) -> None:
    first, last = ANCHOR + timedelta(days=40), ANCHOR + timedelta(days=70)
    ours = list(starts(read_rule(rule), ANCHOR, first, last))
    assert ours == rrulestr(rule, dtstart=ANCHOR).between(first, last, inc=True)
    assert ours


def test_leap_second_is_the_one_before() -> None:
    rule = read_rule("FREQ=DAILY;BYSECOND=60")
    (found,) = starts(rule, ANCHOR, ANCHOR, ANCHOR + timedelta(hours=23))
    assert found.second == 59


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY",
        "FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYHOUR=" + ",".join(map(str, range(24)))
        + ";BYMINUTE=" + ",".join(map(str, range(60)))
        + ";BYSECOND=" + ",".join(map(str, range(60))),
        "FREQ=DAILY;COUNT=99999999;BYMONTH=2;BYMONTHDAY=30",
    ],
)  # fmt: skip
def test_bombs_are_noticed_in_no_time(rule: str) -> None:
    anchor, last = shown(1900, 1, 1), shown(2027, 1, 1)
    began = time.thread_time()
    with pytest.raises(TooMany):
        for _ in starts(read_rule(rule), anchor, last - timedelta(days=400), last):
            pass
    assert time.thread_time() - began < 0.5


@pytest.mark.parametrize("frequency", Frequency)
def test_what_never_happens_ends_at_once(frequency: Frequency) -> None:
    text = f"FREQ={frequency.name};BYMONTH=2;BYMONTHDAY=30"
    began = time.thread_time()
    found = starts(read_rule(text), ANCHOR, ANCHOR, ANCHOR + timedelta(hours=5))
    assert list(found) == []
    assert time.thread_time() - began < 0.5


def test_a_series_of_long_ago_costs_nothing() -> None:
    first = shown(2026, 6, 1)
    began = time.thread_time()
    found = starts(
        read_rule("FREQ=DAILY"), shown(1604, 1, 1, 9), first, first + timedelta(7)
    )
    assert len(list(found)) == 7
    assert time.thread_time() - began < 0.1
    assert (first - shown(1604, 1, 1)).days > MOST_STEPS


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "FREQ=FORTNIGHTLY",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=-1",
        "FREQ=DAILY;INTERVAL=\u0661",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;BYMONTH=13",
        "FREQ=DAILY;BYHOUR=24",
        "FREQ=DAILY;BYDAY=XX",
        "FREQ=WEEKLY;WKST=1",
        "FREQ=DAILY;BYMONTHDAY=first",
    ],
)
def test_what_is_no_rule(rule: str) -> None:
    with pytest.raises(Unreadable):
        read_rule(rule)
