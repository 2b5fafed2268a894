"""What refuses a booking, who passes it, and what is offered instead."""

from datetime import timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.core.building import (
    BLOCK,
    CALENDAR,
    HARD,
    MONDAY,
    SOFT,
    TUESDAY,
    agenda,
    at,
    busy,
    every_day,
    span,
)
from tests.core.worlds import Case, agenda_of, cases, instant
from universal_calendar.core.agenda import Agenda, Authority
from universal_calendar.core.booking import (
    alternatives,
    check_availability,
    check_timing,
    unavailability,
    valid_until,
)
from universal_calendar.core.busy import Busy, BusySource, BusyType
from universal_calendar.core.errors import (
    BookingRefused,
    PastStart,
    SlotUnavailable,
    TooFar,
    TooSoon,
)
from universal_calendar.core.instant import DAY, HOUR, MINUTE, Instant
from universal_calendar.core.interval import Interval
from universal_calendar.core.slots import DaySlots, free_slots

ORDINARY, EMERGENCY, FORCED = Authority.ORDINARY, Authority.EMERGENCY, Authority.FORCED
MORNING = {"working_hours": every_day(("09:00", "12:00"))}
NOW = at("00:00")
TEN = span("10:00", "11:00")


def refusal(
    agenda: Agenda,
    wanted: Interval = TEN,
    authority: Authority = ORDINARY,
    now: Instant = NOW,
) -> str | None:
    """Return what refuses the booking: a reason's code, or an error's name."""
    try:
        check_timing(agenda, wanted.start, now, authority)
        check_availability(agenda, wanted, authority)
    except SlotUnavailable as unavailable:
        return unavailable.reason
    except BookingRefused as refused:
        return type(refused).__name__
    return None


@pytest.mark.parametrize(
    ("document", "claims", "taken", "wanted", "expected"),
    [
        (MORNING, [], [], TEN, None),
        (MORNING, [], [], span("09:17", "10:04"), None),  # off the grid
        (MORNING, [], [], span("09:00", "12:00"), None),
        (MORNING, [], [], span("09:00", "12:01"), "outside_hours"),
        (MORNING, [], [], span("08:59", "10:00"), "outside_hours"),
        (MORNING, [], [], span("12:00", "13:00"), "outside_hours"),
        ({"working_hours": {}}, [], [], TEN, "outside_hours"),
        (MORNING, [("10:59", "11:30")], [], TEN, "slot_taken"),
        (MORNING, [("11:00", "11:30"), ("09:00", "10:00")], [], TEN, None),
        (MORNING, [], [busy("10:59", "11:30")], TEN, "slot_taken"),
        (MORNING, [], [busy("11:00", "11:30")], TEN, None),
        (MORNING, [], [busy("10:59", "11:30", BLOCK, HARD)], TEN, "blocked"),
        (MORNING, [], [busy("10:59", "11:30", BLOCK, SOFT)], TEN, "blocked"),
        (MORNING, [], [busy("10:59", "11:30", CALENDAR, SOFT)], TEN, "slot_taken"),
        (
            {**MORNING, "max_appointments_per_day": 1},
            [("09:00", "09:30")],
            [],
            TEN,
            "daily_limit",
        ),
        ({**MORNING, "enforce_grid": True}, [], [], TEN, None),
        ({**MORNING, "enforce_grid": True}, [], [], span("10:30", "11:30"), "off_grid"),
        ({"working_hours": {}, "enforce_grid": True}, [], [], TEN, "outside_hours"),
    ],
)
def test_the_reason_against_a_time(
    document: dict[str, object],
    claims: list[tuple[str, str]],
    taken: list[Busy],
    wanted: Interval,
    expected: str | None,
) -> None:
    opened = agenda(document, claims=claims, busy=taken)
    assert unavailability(opened, wanted) == expected
    assert refusal(opened, wanted) == expected


@pytest.mark.parametrize(
    ("rules", "start", "expected"),
    [
        ({"min_advance_booking_hours": 0}, NOW - 1, PastStart),
        ({"min_advance_booking_hours": 0}, NOW, None),
        ({"min_advance_booking_hours": 0}, NOW - DAY, PastStart),
        ({"min_advance_booking_hours": 2}, NOW - DAY, PastStart),
        ({"min_advance_booking_hours": 2}, NOW + 2 * HOUR - 1, TooSoon),
        ({"min_advance_booking_hours": 2}, NOW + 2 * HOUR, None),
        ({"max_advance_booking_days": 3}, NOW + 4 * DAY - MINUTE, None),
        ({"max_advance_booking_days": 3}, NOW + 4 * DAY, TooFar),
        ({"max_advance_booking_days": 0}, NOW + DAY, TooFar),
    ],
)
def test_the_moment_of_a_start(
    rules: dict[str, object], start: Instant, expected: type[BookingRefused] | None
) -> None:
    opened = agenda({**MORNING, **rules})
    if expected is None:
        check_timing(opened, start, NOW)
    else:
        with pytest.raises(expected):
            check_timing(opened, start, NOW)


def test_earlier_today_is_too_soon_where_there_is_a_notice() -> None:
    """The order of the guide: only a past date, or notice 0, reads as the past."""
    with pytest.raises(TooSoon):
        check_timing(agenda({"min_advance_booking_hours": 2}), NOW, NOW + HOUR)


def test_a_refusal_says_the_guides_sentence() -> None:
    opened = agenda({"min_advance_booking_hours": 3, "max_advance_booking_days": 5})
    expected = {
        NOW - DAY: "Cannot book in the past",
        NOW: "Bookings must be made at least 3 hours in advance",
        NOW + 9 * DAY: "Cannot book more than 5 days in advance",
    }
    for start, sentence in expected.items():
        with pytest.raises(BookingRefused, match=rf"^{sentence}$"):
            check_timing(opened, start, NOW)


_ALL = {ORDINARY, EMERGENCY, FORCED}
_STRICT = {
    **MORNING,
    "min_advance_booking_hours": 48,
    "max_advance_booking_days": 2,
    "buffer_time_minutes": 30,
    "enforce_grid": True,
}
_SOON = {**MORNING, "min_advance_booking_hours": 48}
_FAR = {**MORNING, "max_advance_booking_days": 0}
_FULL = {**MORNING, "max_appointments_per_day": 1}
_PADDED = {**MORNING, "buffer_time_minutes": 30}
_GRID = {**MORNING, "enforce_grid": True}
_EARLY = [("09:00", "10:00")]


@pytest.mark.parametrize(
    ("name", "opened", "wanted", "passing"),
    [
        ("nothing", agenda(MORNING), TEN, _ALL),
        (
            "soft block",
            agenda(MORNING, busy=[busy("10:00", "10:30", BLOCK, SOFT)]),
            TEN,
            {EMERGENCY, FORCED},
        ),
        ("notice", agenda(_SOON), TEN, {EMERGENCY, FORCED}),
        ("window", agenda(_FAR), span("10:00", "11:00", TUESDAY), {FORCED}),
        ("limit", agenda(_FULL, claims=_EARLY), TEN, {FORCED}),
        ("grid", agenda(_GRID), span("10:10", "11:10"), {FORCED}),
        ("hours", agenda(MORNING), span("13:00", "14:00"), {FORCED}),
        ("no hours", agenda({"working_hours": {}}), TEN, {FORCED}),
        ("day off", agenda({"overrides": {"2026-06-01": []}}), TEN, {FORCED}),
        ("claim's buffer", agenda(_PADDED, claims=_EARLY), TEN, {FORCED}),
        (
            "event's buffer",
            agenda(_PADDED, busy=[busy("09:00", "10:00")]),
            TEN,
            {FORCED},
        ),
        (
            "block's buffer",
            agenda(_PADDED, busy=[busy("09:00", "10:00", BLOCK, HARD)]),
            TEN,
            {FORCED},
        ),
        (
            "hard block",
            agenda(MORNING, busy=[busy("10:00", "10:30", BLOCK, HARD)]),
            TEN,
            set(),
        ),
        ("busy", agenda(MORNING, busy=[busy("10:00", "10:30")]), TEN, set()),
        (
            "tentative",
            agenda(MORNING, busy=[busy("10:00", "10:30", CALENDAR, SOFT)]),
            TEN,
            set(),
        ),
        ("claim", agenda(MORNING, claims=[("10:30", "12:00")]), TEN, set()),
        ("past", agenda(MORNING), span("10:00", "11:00", MONDAY - timedelta(1)), set()),
        ("all", agenda(_STRICT), span("07:10", "08:10"), {FORCED}),
    ],
)
def test_who_passes_what(
    name: str, opened: Agenda, wanted: Interval, passing: set[Authority]
) -> None:
    passed = {each for each in Authority if refusal(opened, wanted, each) is None}
    assert passed == passing, name


@pytest.mark.parametrize("authority", list(Authority))
def test_nobody_passes_the_past(authority: Authority) -> None:
    always = agenda({"working_hours": every_day(("00:00", "24:00"))})
    now = TEN.start + 1
    assert refusal(always, TEN, authority, now) == "PastStart"
    assert refusal(always, TEN, authority, TEN.start) is None


@pytest.mark.parametrize("kind", list(BusyType))
@pytest.mark.parametrize("source", list(BusySource))
@pytest.mark.parametrize("authority", list(Authority))
def test_of_all_busy_times_only_a_soft_block_gives_way(
    authority: Authority, source: BusySource, kind: BusyType
) -> None:
    taken = agenda(MORNING, busy=[busy("10:00", "11:00", source, kind)])
    gives_way = (source, kind) == (BLOCK, SOFT) and authority is not ORDINARY
    assert (refusal(taken, TEN, authority) is None) is gives_way


def labels(intervals: list[Interval]) -> list[tuple[int, str]]:
    """Return days after Monday and the hour, for each."""
    found = []
    for each in intervals:
        days, rest = divmod(each.start - NOW, DAY)
        found.append((days, f"{rest // HOUR:02}:{rest % HOUR // MINUTE:02}"))
    return found


def test_alternatives_are_the_three_nearest_and_the_earlier_of_two() -> None:
    taken = agenda(MORNING, claims=[("10:00", "11:00")])
    offered = alternatives(taken, TEN, NOW)
    assert labels(offered) == [(0, "09:00"), (0, "11:00"), (1, "09:00")]
    assert all(each.length == TEN.length for each in offered)


def test_alternatives_lie_within_fourteen_days() -> None:
    hours = {
        "working_hours": {},
        "overrides": {
            "2026-06-15": [{"start": "09:00", "end": "12:00"}],
            "2026-06-16": [{"start": "09:00", "end": "12:00"}],
        },
    }
    offered = alternatives(agenda(hours), TEN, NOW)
    assert labels(offered) == [(14, "09:00"), (14, "10:00")]  # 11:00 is an hour too far
    assert alternatives(agenda({"working_hours": {}}), TEN, NOW) == []


def test_alternatives_lie_neither_in_the_past_nor_beyond_the_window() -> None:
    narrow = {
        **MORNING,
        "min_advance_booking_hours": 1,
        "max_advance_booking_days": 1,
    }
    offered = alternatives(agenda(narrow), span("08:00", "09:00"), at("09:30"))
    assert labels(offered) == [(0, "11:00"), (1, "09:00"), (1, "10:00")]


thorough = settings(max_examples=60)


@given(cases(), st.integers(-1440, 1440))
@thorough
def test_alternatives_are_bookable_and_none_is_nearer(case: Case, minute: int) -> None:
    opened, now = agenda_of(case.world), instant(case.now)
    start = opened_day(opened, case) + minute * MINUTE
    wanted = Interval(start, start + case.length)
    offered = alternatives(opened, wanted, now)
    for each in offered:
        assert each.length == case.length
        assert refusal(opened, each, now=now) is None
    first, last = (case.middle + timedelta(days=n) for n in (-17, 17))
    days = free_slots(opened, first, last, case.length, now)
    distances = sorted(abs(s - start) for each in days for s in each.starts)
    expected = [each for each in distances if each <= 14 * DAY][:3]
    assert [abs(each.start - start) for each in offered] == expected


def opened_day(opened: Agenda, case: Case) -> Instant:
    """Return midnight of the day in the middle."""
    return at("00:00", case.middle, opened.zone.key)


def first_start(days: list[DaySlots]) -> Instant | None:
    return days[0].starts[0] if days else None


def test_an_answer_holds_until_midnight_hold_or_notice_whichever_is_first() -> None:
    rules = {**MORNING, "min_advance_booking_hours": 2}
    now, midnight = at("01:00"), at("00:00", TUESDAY)

    def until(opened: Agenda, now: Instant = now) -> Instant:
        found = free_slots(opened, MONDAY, MONDAY, HOUR, now)
        return valid_until(opened, first_start(found), now)

    assert until(agenda(rules)) == at("07:00") + 1
    assert until(agenda(rules, next_expiry=now + MINUTE)) == now + MINUTE
    assert until(agenda(rules), at("07:00")) == at("07:00") + 1
    assert until(agenda(rules), at("07:00") + 1) == at("08:00") + 1
    assert until(agenda(rules), at("12:00")) == midnight
    assert until(agenda({"working_hours": {}})) == midnight


@given(cases(), st.floats(0, 1), st.data())
@thorough
def test_an_answer_stays_the_same_until_it_goes_out_of_date(
    case: Case, part: float, data: st.DataObject
) -> None:
    """Holds are claims with an expiry; nothing is written meanwhile."""
    expiries = st.one_of(st.none(), st.integers(1, 900))
    count = len(case.world.claims)
    drawn = data.draw(st.lists(expiries, min_size=count, max_size=count))
    now = instant(case.now)
    holds = [None if s is None else now + s * 1_000_000 for s in drawn]

    def answer(moment: Instant) -> tuple[object, Instant]:
        opened = live_agenda(case, holds, moment)
        days = free_slots(opened, case.first, case.last, case.length, moment)
        starts = [(each.day.date, list(each.starts)) for each in days]
        return starts, valid_until(opened, first_start(days), moment)

    before, until = answer(now)
    assert now < until
    last = until - 1
    between = now + int((last - now) * part)
    assume(now <= between <= last)
    for moment in (between, last):
        assert answer(moment) == (before, until)


def live_agenda(case: Case, holds: list[Instant | None], now: Instant) -> Agenda:
    """Return the agenda without the holds that have expired by now."""
    world = case.world
    live = [each is None or each > now for each in holds]
    kept = [span for span, alive in zip(world.claims, live, strict=True) if alive]
    expiries = [each for each in holds if each is not None and each > now]
    held = type(world)(**{**vars(world), "claims": tuple(kept)})
    return agenda_of(held, min(expiries, default=None))
