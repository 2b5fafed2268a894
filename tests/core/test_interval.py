"""The laws of intervals, against plain sets of integers."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from universal_calendar.core.interval import (
    Interval,
    clip,
    intersect,
    merge,
    subtract,
)

ONE = st.builds(
    lambda start, length: Interval(start, start + length),
    st.integers(-30, 30),
    st.integers(1, 12),
)
SOME = st.lists(ONE, max_size=8)


def points(intervals: list[Interval] | tuple[Interval, ...]) -> set[int]:
    return {point for each in intervals for point in range(each.start, each.end)}


def is_tidy(intervals: tuple[Interval, ...]) -> bool:
    """Sorted, disjoint and not even touching."""
    return all(left.end < right.start for left, right in pairwise(intervals))


@pytest.mark.parametrize("end", [5, 4, -1])
def test_an_interval_is_never_empty_nor_reversed(end: int) -> None:
    with pytest.raises(ValueError, match="must end after its start"):
        Interval(5, end)


def test_an_interval_is_a_value() -> None:
    assert Interval(1, 3) == Interval(1, 3)
    assert len({Interval(1, 3), Interval(1, 3)}) == 1
    assert Interval(1, 3) < Interval(1, 4) < Interval(2, 3)
    with pytest.raises(AttributeError):
        setattr(Interval(1, 3), "start", 0)  # noqa: B010 - typed code cannot try it


def test_an_interval_shows_both_ends_in_utc() -> None:
    shown = repr(Interval(0, 60_000_000))
    assert shown == "[2000-01-01T00:00:00+00:00, 2000-01-01T00:01:00+00:00)"


@given(ONE, ONE)
def test_overlap_and_containment_are_those_of_the_points(
    one: Interval, other: Interval
) -> None:
    ours, theirs = points([one]), points([other])
    assert one.overlaps(other) is bool(ours & theirs)
    assert one.overlaps(other) is other.overlaps(one)
    assert one.contains(other) is (theirs <= ours)
    assert one.length == len(ours)


@given(st.integers(), st.integers(1), st.integers(1))
def test_touching_is_not_overlapping(start: int, first: int, second: int) -> None:
    left = Interval(start, start + first)
    right = Interval(left.end, left.end + second)
    assert not left.overlaps(right)
    assert not right.overlaps(left)
    assert intersect([left], [right]) == ()
    assert subtract([left], [right]) == (left,)
    assert merge([right, left]) == (Interval(left.start, right.end),)


@given(SOME)
def test_merge_keeps_the_points_and_is_idempotent(some: list[Interval]) -> None:
    merged = merge(some)
    assert points(merged) == points(some)
    assert is_tidy(merged)
    assert merge(merged) == merged


@given(SOME)
def test_nothing_is_left_of_itself(some: list[Interval]) -> None:
    assert subtract(some, some) == ()
    assert subtract(some, ()) == intersect(some, some) == merge(some)
    assert subtract((), some) == intersect((), some) == ()


@given(SOME, SOME)
def test_subtract_and_intersect_partition(
    left: list[Interval], right: list[Interval]
) -> None:
    rest, common = subtract(left, right), intersect(left, right)
    assert points(rest) == points(left) - points(right)
    assert points(common) == points(left) & points(right)
    assert not points(rest) & points(common)
    assert merge(rest + common) == merge(left)
    assert is_tidy(rest)
    assert is_tidy(common)
    assert common == intersect(right, left)


@given(SOME, ONE)
def test_clip_keeps_what_lies_in_the_window(
    some: list[Interval], window: Interval
) -> None:
    clipped = clip(some, window)
    assert points(clipped) == points(some) & points([window])
    assert all(window.contains(each) for each in clipped)
    assert clip(clipped, window) == clipped
