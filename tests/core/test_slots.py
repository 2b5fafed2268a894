"""Each sentence about slots, as a small example."""

from datetime import date, timedelta

import pytest

from tests.core.building import (
    BLOCK,
    HARD,
    MONDAY,
    TUESDAY,
    agenda,
    at,
    busy,
    every_day,
    listed,
)
from universal_calendar.core.booking import check_availability, check_timing
from universal_calendar.core.busy import Busy, BusySource, BusyType
from universal_calendar.core.instant import MINUTE
from universal_calendar.core.interval import Interval
from universal_calendar.core.localtime import from_wall_clock, wall_clock
from universal_calendar.core.slots import free_slots

MORNING = {"working_hours": every_day(("09:00", "12:00"))}
NINE_TO_TWELVE = ["09:00", "10:00", "11:00"]
SPRING, AUTUMN = date(2025, 3, 9), date(2025, 11, 2)


def with_rules(**rules: object) -> dict[str, object]:
    return {**MORNING, **rules}


def test_slots_fill_an_opening_and_touch_its_end() -> None:
    assert listed(agenda(MORNING)) == NINE_TO_TWELVE
    assert listed(agenda(MORNING), minutes=61) == ["09:00", "10:01"]
    assert listed(agenda(MORNING), minutes=180) == ["09:00"]
    assert listed(agenda(MORNING), minutes=181) == []


def test_touching_a_claim_is_not_overlapping_it() -> None:
    assert listed(agenda(MORNING, claims=[("10:00", "11:00")])) == ["09:00", "11:00"]
    assert listed(agenda(MORNING, claims=[("10:59", "11:00")])) == ["09:00", "11:00"]


def test_a_conflicting_start_is_dropped_and_the_grid_stays() -> None:
    taken = agenda(MORNING, claims=[("09:20", "09:40")])
    assert listed(taken) == ["10:00", "11:00"]


def test_compact_restarts_after_each_busy_time() -> None:
    compact = with_rules(alignment="compact")
    taken = agenda(compact, claims=[("09:20", "09:40")], busy=[busy("10:45", "10:50")])
    assert listed(taken) == ["09:40", "10:50"]
    early, late = ["09:00"], ["09:40", "10:00", "10:20", "10:50", "11:10", "11:30"]
    assert listed(taken, minutes=20) == early + late


def test_compact_waits_for_the_buffers() -> None:
    rules = with_rules(
        alignment="compact", buffer_before_minutes=10, buffer_after_minutes=5
    )
    taken = agenda(rules, claims=[("09:20", "09:40")])
    assert listed(taken) == ["09:50", "10:50"]


def test_clock_starts_on_round_labels() -> None:
    rules = {
        "working_hours": every_day(("09:12", "12:00")),
        "alignment": "clock",
        "slot_interval_minutes": 30,
    }
    assert listed(agenda(rules)) == ["09:30", "10:00", "10:30", "11:00"]
    assert listed(agenda({**rules, "slot_interval_minutes": 50})) == ["10:00", "10:50"]


def test_clock_counts_from_the_midnight_of_each_day() -> None:
    night = {
        "working_hours": every_day(("22:00", "03:00")),
        "alignment": "clock",
        "slot_interval_minutes": 50,
    }
    small_hours = ["00:00", "00:50", "01:40"]
    late = ["22:30", "23:20"]
    assert listed(agenda(night)) == small_hours + late
    assert listed(agenda(night), day=TUESDAY) == small_hours + late


def test_a_busy_time_before_midnight_does_not_shift_the_clock_after_it() -> None:
    night = {
        "working_hours": every_day(("22:00", "03:00")),
        "alignment": "clock",
        "slot_interval_minutes": 50,
    }
    free, taken = agenda(night), agenda(night, claims=[("23:00", "23:45")])
    assert listed(taken, day=TUESDAY) == listed(free, day=TUESDAY)


def test_the_interval_may_differ_from_the_duration() -> None:
    finer = agenda(with_rules(slot_interval_minutes=45))
    assert listed(finer) == ["09:00", "09:45", "10:30"]
    assert listed(finer, minutes=30) == ["09:00", "09:45", "10:30", "11:15"]


def test_each_interval_has_a_grid_of_its_own() -> None:
    two = agenda({"working_hours": every_day(("09:15", "11:00"), ("13:05", "14:10"))})
    assert listed(two) == ["09:15", "13:05"]


def test_a_slot_runs_on_into_an_opening_that_touches() -> None:
    document = {
        "working_hours": {
            "monday": [{"start": "21:30", "end": "24:00"}],
            "tuesday": [{"start": "00:00", "end": "01:30"}],
        }
    }
    assert listed(agenda(document)) == ["21:30", "22:30", "23:30"]
    assert listed(agenda(document), day=TUESDAY) == ["00:00"]


def test_round_the_clock_restarts_at_each_midnight() -> None:
    always = agenda({"working_hours": every_day(("00:00", "24:00"))})
    sevens = ["00:00", "07:00", "14:00", "21:00"]
    assert listed(always, minutes=420) == sevens
    assert listed(always, minutes=420, day=TUESDAY) == sevens
    assert listed(always, minutes=1440) == ["00:00"]


def test_a_start_that_two_openings_share_is_listed_once() -> None:
    document = {
        "working_hours": {
            "monday": [{"start": "22:00", "end": "02:00"}],
            "tuesday": [{"start": "01:00", "end": "03:00"}],
        }
    }
    assert listed(agenda(document), day=TUESDAY) == ["00:00", "01:00", "02:00"]


@pytest.mark.parametrize(("before", "after"), [(0, 30), (30, 0), (30, 30), (30, 10)])
def test_between_claims_the_longer_buffer_counts_on_both_sides(
    before: int, after: int
) -> None:
    rules = with_rules(
        buffer_before_minutes=before,
        buffer_after_minutes=after,
        slot_interval_minutes=15,
    )
    taken = agenda(rules, claims=[("10:00", "10:15")])
    assert listed(taken, minutes=30) == ["09:00", "10:45", "11:00", "11:15", "11:30"]


@pytest.mark.parametrize(
    "taken", [busy("10:00", "10:15"), busy("10:00", "10:15", BLOCK, HARD)]
)
def test_beside_events_and_blocks_only_the_own_buffers_count(taken: Busy) -> None:
    rules = with_rules(slot_interval_minutes=15)
    after = agenda({**rules, "buffer_after_minutes": 30}, busy=[taken])
    assert listed(after, minutes=30)[:2] == ["09:00", "10:15"]
    before = agenda({**rules, "buffer_before_minutes": 30}, busy=[taken])
    assert listed(before, minutes=30)[:4] == ["09:00", "09:15", "09:30", "10:45"]


def test_buffers_may_reach_outside_the_opening() -> None:
    padded = agenda(with_rules(buffer_time_minutes=120))
    assert listed(padded) == NINE_TO_TWELVE


def test_a_claim_outside_the_opening_keeps_its_distance() -> None:
    padded = with_rules(buffer_time_minutes=30)
    assert listed(agenda(padded, claims=[("12:29", "13:00")])) == ["09:00", "10:00"]
    assert listed(agenda(padded, claims=[("12:30", "13:00")])) == NINE_TO_TWELVE
    assert listed(agenda(padded, claims=[("08:00", "08:31")])) == ["10:00", "11:00"]
    assert listed(agenda(padded, claims=[("08:00", "08:30")])) == NINE_TO_TWELVE


def test_a_claim_counts_behind_an_opening_that_a_longer_one_contains() -> None:
    document = {
        "working_hours": {
            "sunday": [{"start": "22:00", "end": "06:00"}],
            "monday": [{"start": "01:00", "end": "02:00"}],
        }
    }
    taken = agenda(document, claims=[("04:30", "04:45")])
    assert listed(taken) == ["00:00", "01:00", "02:00", "03:00", "05:00"]


@pytest.mark.parametrize("kind", list(BusyType))
@pytest.mark.parametrize("source", list(BusySource))
def test_soft_and_tentative_times_are_hidden_as_hard_ones(
    source: BusySource, kind: BusyType
) -> None:
    taken = agenda(MORNING, busy=[busy("09:30", "10:00", source, kind)])
    assert listed(taken) == ["10:00", "11:00"]


def test_busy_times_may_overlap_in_any_order() -> None:
    nested = [busy("09:00", "11:00"), busy("09:10", "09:20"), busy("08:00", "09:30")]
    assert listed(agenda(MORNING, busy=nested)) == ["11:00"]
    assert listed(agenda(MORNING, busy=nested[::-1])) == ["11:00"]


@pytest.mark.parametrize(("hair", "expected"), [(0, 2), (-1, 2), (1, 1)])
def test_the_boundary_of_the_notice_is_bookable(hair: int, expected: int) -> None:
    noticed = agenda(with_rules(min_advance_booking_hours=2))
    assert len(listed(noticed, now=at("08:00") + hair)) == expected


def test_without_notice_a_slot_is_listed_until_it_starts() -> None:
    assert listed(agenda(MORNING), now=at("10:00")) == ["10:00", "11:00"]
    assert listed(agenda(MORNING), now=at("10:00") + 1) == ["11:00"]


@pytest.mark.parametrize("days", [0, 1, 13])
def test_the_last_day_of_the_booking_window_is_bookable(days: int) -> None:
    near = agenda(with_rules(max_advance_booking_days=days))
    late = at("23:59", MONDAY - timedelta(days=days))
    assert listed(near, now=late if days else at("08:00")) == NINE_TO_TWELVE
    assert listed(near, day=TUESDAY, now=late) == []


def test_today_is_the_agents_own() -> None:
    honolulu = agenda(with_rules(max_advance_booking_days=0), zone="Pacific/Honolulu")
    still_sunday = at("09:59")  # 23:59 of the day before in Honolulu
    assert listed(honolulu, now=still_sunday) == []
    assert listed(honolulu, now=at("10:00")) == NINE_TO_TWELVE


def test_past_days_and_days_without_slots_are_left_out() -> None:
    weekdays = agenda(
        {"working_hours": {"monday": [{"start": "09:00", "end": "10:00"}]}}
    )
    first, last = MONDAY - timedelta(days=7), MONDAY + timedelta(days=8)
    days = free_slots(weekdays, first, last, 60 * MINUTE, at("12:00", first))
    assert [each.day.date for each in days] == [MONDAY, MONDAY + timedelta(days=7)]
    assert free_slots(weekdays, last, first, 60 * MINUTE, at("00:00", first)) == []


@pytest.mark.parametrize(("limit", "left"), [(1, []), (2, []), (3, ["11:00"])])
def test_the_daily_limit_counts_what_starts_on_the_local_day(
    limit: int, left: list[str]
) -> None:
    full = agenda(
        with_rules(max_appointments_per_day=limit),
        claims=[("09:00", "10:00"), ("10:00", "11:00")],
    )
    assert listed(full) == left
    assert listed(full, day=TUESDAY) == NINE_TO_TWELVE


def test_a_claim_over_midnight_counts_on_the_day_it_starts() -> None:
    always = {"working_hours": every_day(("00:00", "24:00"))}
    full = agenda(
        {**always, "max_appointments_per_day": 1}, claims=[("23:00", "23:30")]
    )
    assert listed(full, minutes=720) == []
    assert listed(full, minutes=720, day=TUESDAY) == ["00:00", "12:00"]


def test_the_day_of_a_slot_is_that_of_its_start() -> None:
    late = agenda({"working_hours": every_day(("23:30", "00:30"))})
    assert listed(late) == ["23:30"]
    assert listed(late, minutes=30) == ["00:00", "23:30"]


def test_no_slot_starts_in_a_gap_and_the_grid_keeps_real_minutes() -> None:
    document = {"working_hours": every_day(("00:30", "05:00"))}
    spring = agenda(document, zone="America/New_York")
    now = at("00:00", SPRING - timedelta(days=3))
    expected = ["00:30", "01:30", "03:30"]
    assert listed(spring, day=SPRING, now=now) == expected


def test_a_label_that_occurs_twice_is_listed_the_first_time() -> None:
    document = {
        "working_hours": every_day(("00:00", "03:00")),
        "slot_interval_minutes": 30,
    }
    autumn = agenda(document, zone="America/New_York")
    now = at("00:00", AUTUMN - timedelta(days=3))
    [autumn_day] = free_slots(autumn, AUTUMN, AUTUMN, 30 * MINUTE, now)
    wanted = ("04:00", "04:30", "05:00", "05:30", "07:00", "07:30")  # in UTC
    assert autumn_day.starts == tuple(at(label, AUTUMN) for label in wanted)


@pytest.mark.parametrize("alignment", ["window", "compact", "clock"])
def test_an_event_that_ends_within_a_minute_leaves_whole_labels(alignment: str) -> None:
    """Calendars keep seconds; a label of ours has none and must be bookable."""
    event = Interval(at("09:10") - 1_500_000, at("09:40") + 1_500_000)
    taken = agenda(
        with_rules(alignment=alignment, slot_interval_minutes=10),
        busy=[Busy(event, BusyType.BUSY, BusySource.CALENDAR)],
    )
    now = at("00:00")
    found = [
        start
        for each in free_slots(taken, MONDAY, MONDAY, 10 * MINUTE, now)
        for start in each.starts
    ]
    assert found[0] == at("09:50" if alignment != "compact" else "09:41")
    for start in found:
        shown = wall_clock(start, taken.zone)
        label = from_wall_clock(
            shown.date(), shown.hour * 60 + shown.minute, taken.zone
        )
        assert label == start
        check_timing(taken, label, now)
        check_availability(taken, Interval(label, label + 10 * MINUTE))
