"""What follows from what was read of a calendar."""

from dataclasses import replace
from itertools import product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.syncing import (
    MOVE,
    NOW,
    REFUSED,
    WINDOW,
    Seen,
    foreign,
    gone,
    hour,
    own,
    planned,
    reading,
    seen,
)
from universal_calendar.core.busy import KINDS, BusySource, BusyType
from universal_calendar.core.instant import DAY, HOUR
from universal_calendar.core.interval import Interval
from universal_calendar.core.provider_errors import LooksEmpty
from universal_calendar.core.sync import (
    FRESH,
    SCHEDULE_DAYS_BEHIND,
    Agree,
    Cancel,
    Known,
    Move,
    OwnEvent,
    Reading,
    Refuse,
    Wait,
    Writing,
    follow,
    is_outgrown,
    window_at,
)
from universal_calendar.core.sync_plan import MirroredTime, plan

OPAQUE = KINDS.index((BusyType.BUSY, BusySource.CALENDAR))
MOVED = seen(intervals=(hour(5),))
GONE = Cancel(own().appointment_id, "own0", is_gone=True)
FREED = Cancel(own().appointment_id, "own0", is_gone=False)


@pytest.mark.parametrize(
    ("event", "action"),
    [
        (seen(), None),
        (seen(etag="old"), None),
        (seen(etag=None), None),
        (MOVED, MOVE),
        (gone(), GONE),
        (seen(busy=None), FREED),
        (replace(MOVED, busy=None), FREED),
        (seen(busy=BusyType.TENTATIVE), None),
        (seen(busy=BusyType.UNAVAILABLE), None),
        (seen(intervals=()), Refuse(own().appointment_id, "own0", "new")),
    ],
)
@pytest.mark.parametrize("is_full", [False, True])
def test_what_follows_from_an_event_of_ours(
    event: Seen, action: object, is_full: bool
) -> None:
    assert follow(own(), reading([event], is_full=is_full)) == action


def test_a_longer_or_shorter_event_moves_the_appointment_too() -> None:
    longer = Interval(hour(0).start, hour(1).end)
    action = follow(own(), reading([seen(intervals=(longer,))]))
    assert isinstance(action, Move)
    assert action.interval == longer


def test_of_a_series_the_first_time_counts() -> None:
    series = seen(intervals=(hour(48), hour(24), hour(0)))
    assert follow(own(), reading([series])) is None
    moved = seen(intervals=(hour(48), hour(24)))
    action = follow(own(), reading([moved]))
    assert isinstance(action, Move)
    assert action.interval == hour(24)


def test_what_did_not_change_says_nothing() -> None:
    assert follow(own(), reading()) is None


def test_of_everything_what_is_missing_is_gone() -> None:
    assert follow(own(), reading(is_full=True)) == GONE


@pytest.mark.parametrize(
    "interval",
    [
        Interval(WINDOW.end, WINDOW.end + HOUR),
        Interval(WINDOW.end - 1, WINDOW.end + HOUR),
        Interval(NOW - 2 * DAY, NOW - 2 * DAY + HOUR),
        Interval(NOW - HOUR, NOW),
    ],
)
def test_what_need_not_have_been_told_is_not_missed(interval: Interval) -> None:
    assert follow(own(interval=interval), reading(is_full=True)) is None


CHANGES = (MOVED, gone(), seen(busy=None), seen(intervals=()))


@pytest.mark.parametrize("event", CHANGES)
def test_a_local_change_that_waits_wins(event: Seen) -> None:
    assert follow(own(writing=Writing.WAITING), reading([event])) is None


@pytest.mark.parametrize("event", CHANGES)
def test_what_is_over_with_stays_as_it_is(event: Seen) -> None:
    assert follow(own(is_open=False), reading([event])) is None
    past = own(interval=Interval(NOW - HOUR, NOW))
    assert follow(past, reading([event])) is None


@pytest.mark.parametrize("event", CHANGES)
@pytest.mark.parametrize(
    "fresh",
    [
        own(writing=Writing.RUNNING),
        own(written_at=NOW),
        own(written_at=NOW + HOUR),
        own(written_at=NOW - FRESH + 1),
    ],
)
def test_what_may_be_older_than_our_write_proves_nothing(
    event: Seen, fresh: OwnEvent
) -> None:
    assert follow(fresh, reading([event])) == Wait(own().appointment_id)
    assert follow(fresh, reading([seen()])) is None


def test_after_a_while_it_does() -> None:
    assert follow(own(written_at=NOW - FRESH), reading([MOVED])) == MOVE


def test_what_is_missing_a_moment_after_it_was_written_is_waited_for() -> None:
    fresh = own(written_at=NOW - 1)
    assert follow(fresh, reading(is_full=True)) == Wait(own().appointment_id)


def test_a_refused_move_is_not_tried_again() -> None:
    again = replace(MOVED, etag="refused")
    assert follow(REFUSED, reading([again])) is None
    away = seen(intervals=(), etag="refused")
    assert follow(REFUSED, reading([away])) is None


def test_after_a_refused_move_its_owner_may_change_it_again() -> None:
    assert follow(REFUSED, reading([MOVED])) == MOVE
    assert follow(REFUSED, reading([gone()])) == GONE
    back = Agree(own().appointment_id, "own0", "new")
    assert follow(REFUSED, reading([seen()])) == back


def test_without_etags_a_refused_move_is_tried_when_it_is_told_of() -> None:
    nameless = replace(REFUSED, etag=None)
    event = replace(MOVED, etag=None)
    assert follow(nameless, reading([event])) == replace(MOVE, etag=None)


@given(
    writing=st.sampled_from(Writing),
    is_open=st.booleans(),
    written=st.integers(-2 * FRESH, 2 * FRESH),
    is_full=st.booleans(),
)
def test_an_event_that_is_as_the_appointment_changes_nothing(
    writing: Writing, is_open: bool, written: int, is_full: bool
) -> None:
    known = own(writing=writing, is_open=is_open, written_at=NOW + written)
    action = follow(known, reading([seen()], is_full=is_full))
    assert action is None or isinstance(action, Agree | Wait)
    if writing is not Writing.REFUSED:
        assert action is None


# The mirror


@pytest.mark.parametrize(
    ("busy", "kind"),
    [
        (BusyType.BUSY, (BusyType.BUSY, BusySource.CALENDAR)),
        (BusyType.TENTATIVE, (BusyType.TENTATIVE, BusySource.CALENDAR)),
        (BusyType.UNAVAILABLE, (BusyType.UNAVAILABLE, BusySource.CALENDAR)),
    ],
)
def test_what_takes_time_is_mirrored_as_its_kind(
    busy: BusyType, kind: tuple[BusyType, BusySource]
) -> None:
    found = planned(Known(), reading([foreign(1, busy=busy)])).times
    assert [KINDS[each.kind] for each in found] == [kind]


def test_every_time_of_a_series_is_mirrored() -> None:
    found = planned(Known(), reading([foreign(1, hour(0), hour(24))])).times
    assert found == [
        MirroredTime("foreign1", each.start, each.end, OPAQUE)
        for each in (hour(0), hour(24))
    ]


def test_of_two_times_from_one_start_the_longer_counts() -> None:
    short, long = hour(0), Interval(hour(0).start, hour(3).end)
    for pair in ((short, long), (long, short)):
        (only,) = planned(Known(), reading([foreign(1, *pair)])).times
        assert (only.start, only.end) == (long.start, long.end)


def test_what_takes_no_time_is_not_mirrored() -> None:
    free = [foreign(1, busy=None), Seen("deleted", is_deleted=True), foreign(2)]
    found = planned(Known(), reading(free)).times
    assert [each.event_id for each in found] == ["foreign2"]


def test_ours_are_never_mirrored() -> None:
    mine, other = UUID(int=7), UUID(int=8)
    events = [
        seen(0),
        foreign(1, appointment_id=mine),
        foreign(2, appointment_id=other),
    ]
    known = Known(own=[own(0, is_open=False)], appointment_ids={mine})
    found = planned(known, reading(events)).times
    assert [each.event_id for each in found] == ["foreign2"]


def test_what_is_freed_comes_before_what_is_taken() -> None:
    events = [seen(0, intervals=(hour(1),)), gone(1)]
    found = planned(Known([own(0), own(1)]), reading(events)).actions
    assert [type(each) for each in found] == [Cancel, Move]


# A calendar that suddenly looks empty


def looks_empty(known: Known, found: Reading) -> bool:
    assert planned(known, found)  # its owner may say that it is so
    try:
        plan(known, found)
    except LooksEmpty:
        return True
    return False


def owns(count: int) -> list[OwnEvent]:
    return [own(number) for number in range(count)]


@pytest.mark.parametrize(
    ("cancelled", "ahead"), [*product((3, 4, 5, 6), (6, 10, 12, 13))]
)
def test_many_deletions_at_once_are_not_believed(cancelled: int, ahead: int) -> None:
    events = [gone(number) for number in range(cancelled)]
    expected = cancelled >= 5 and 2 * cancelled >= ahead
    assert looks_empty(Known(owns(ahead)), reading(events)) is expected
    left = [seen(number) for number in range(cancelled, ahead)]
    full = reading(left, is_full=True)
    assert looks_empty(Known(owns(ahead)), full) is expected


@pytest.mark.parametrize("busy", [None, BusyType.BUSY])
def test_events_that_are_free_all_at_once_are_not_believed(
    busy: BusyType | None,
) -> None:
    events = [seen(number, busy=busy) for number in range(5)]
    assert looks_empty(Known(owns(5)), reading(events)) is (busy is None)


@pytest.mark.parametrize(("count", "expected"), [(1, False), (2, False), (3, True)])
def test_none_of_ours_is_not_believed(count: int, expected: bool) -> None:
    others = reading([foreign(1)], is_full=True)
    assert looks_empty(Known(owns(count)), others) is expected
    one = reading([foreign(1), seen(0)], is_full=True)
    assert not looks_empty(Known(owns(count)), one)


@pytest.mark.parametrize(
    "unproven",
    [
        {"is_open": False},
        {"writing": Writing.WAITING},
        {"writing": Writing.RUNNING},
        {"written_at": NOW - 1},
        {"interval": Interval(NOW - HOUR, NOW)},
        {"interval": Interval(WINDOW.end, WINDOW.end + HOUR)},
    ],
)
def test_only_events_that_must_be_there_prove_anything(
    unproven: dict[str, object],
) -> None:
    known = Known([own(number, **unproven) for number in range(3)])
    assert not looks_empty(known, reading(is_full=True))


@pytest.mark.parametrize(("times", "expected"), [(9, False), (10, True)])
def test_nothing_at_all_is_not_believed_where_there_was_much(
    times: int, expected: bool
) -> None:
    known = Known(mirrored_times=times)
    assert looks_empty(known, reading(is_full=True)) is expected
    assert not looks_empty(known, reading())
    assert not looks_empty(known, reading([foreign(1)], is_full=True))


# The window


def test_windows_are_whole_days() -> None:
    edges = (WINDOW.start, WINDOW.end)
    assert edges == (9_999 * DAY, 10_400 * DAY)
    assert window_at(10_000 * DAY) == WINDOW
    assert window_at(10_001 * DAY - 1) == WINDOW
    wide = window_at(NOW, SCHEDULE_DAYS_BEHIND)
    assert (wide.start, wide.end) == (9_969 * DAY, 10_400 * DAY)


def test_windows_roll() -> None:
    assert is_outgrown(None, NOW)
    assert not is_outgrown(WINDOW.end, NOW)
    assert not is_outgrown(WINDOW.end, NOW + 29 * DAY)
    assert is_outgrown(WINDOW.end, NOW + 30 * DAY)
