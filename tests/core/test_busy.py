"""Busy times in their packed form."""

from hypothesis import given
from hypothesis import strategies as st

from tests.core.building import (
    BLOCK,
    CALENDAR,
    HARD,
    SOFT,
    agenda,
    busy,
    every_day,
    listed,
    span,
)
from universal_calendar.core.agenda import Agenda, Authority
from universal_calendar.core.booking import unavailability
from universal_calendar.core.busy import (
    ALL_TIME,
    KINDS,
    TENTATIVE_EVENT,
    Busy,
    BusySource,
    BusyTimes,
    BusyType,
)
from universal_calendar.core.errors import Unavailability
from universal_calendar.core.interval import Interval, merge

_SPANS = st.lists(
    st.builds(
        lambda start, length: Interval(start, start + length),
        st.integers(-50, 50),
        st.integers(1, 30),
    ),
    max_size=12,
)


def events(intervals: list[Interval]) -> list[Busy]:
    return [Busy(each, BusyType.BUSY, BusySource.CALENDAR) for each in intervals]


def test_kinds_stay_where_rows_of_the_database_have_them() -> None:
    assert [f"{kind} {source}" for kind, source in KINDS] == [
        "BUSY-UNAVAILABLE block",
        "BUSY-TENTATIVE block",
        "BUSY block",
        "BUSY-UNAVAILABLE calendar",
        "BUSY-TENTATIVE calendar",
        "BUSY calendar",
    ]
    assert TENTATIVE_EVENT == 4


@given(_SPANS)
def test_the_union_is_all_time_that_is_taken(intervals: list[Interval]) -> None:
    union = BusyTimes.of(events(intervals)).union
    pairs = zip(union.starts, union.ends, strict=True)
    assert tuple(Interval(*pair) for pair in pairs) == merge(intervals)


@given(_SPANS, _SPANS)
def test_joined_is_as_if_all_had_been_there(
    some: list[Interval], more: list[Interval]
) -> None:
    joined = BusyTimes.of(events(some)).joined(events(more))
    assert joined == BusyTimes.of(events([*some, *more]))


HOURS = {"working_hours": every_day(("09:00", "12:00"))}


def test_what_providers_tell_takes_time_beside_what_is_known() -> None:
    known = agenda(HOURS, busy=[busy("09:00", "10:00", BLOCK, SOFT)])
    told = known.with_found([busy("11:00", "11:30")])
    assert listed(known) == ["10:00", "11:00"]
    assert listed(told) == ["10:00"]
    assert known.with_found([]) is known
    forced = told.seen_by(Authority.EMERGENCY)
    assert listed(forced) == ["09:00", "10:00"]


def closed() -> Agenda:
    known = agenda(HOURS)
    return Agenda(
        known.tenant_id,
        known.agent_id,
        1,
        known.zone,
        known.schedule,
        known.rules,
        busy=ALL_TIME,
    )


def test_nothing_is_bookable_for_anybody_in_all_time() -> None:
    assert listed(closed()) == []
    for authority in Authority:
        seen = closed().seen_by(authority)
        taken = Unavailability.SLOT_TAKEN
        assert unavailability(seen, span("09:00", "10:00")) is taken


def test_blocks_are_named_before_events() -> None:
    both = agenda(
        HOURS,
        busy=[busy("09:00", "10:00", CALENDAR), busy("09:00", "10:00", BLOCK, HARD)],
    )
    assert unavailability(both, span("09:00", "10:00")) is Unavailability.BLOCKED
