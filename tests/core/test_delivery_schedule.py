"""Retries: at least eight attempts, spread over a day, never in step."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from universal_calendar.core.delivery_schedule import (
    LONGEST_WAITS,
    MOST_ATTEMPTS,
    PATIENCE,
    SECOND,
    next_try,
)
from universal_calendar.core.instant import DAY, HOUR, Instant

CHANCES = st.floats(0, 1, exclude_max=True)


def attempts_of_a_day(chance: float) -> list[Instant]:
    """Return when the attempts are of a message that nobody ever accepts."""
    moments: list[Instant] = [0]
    while (again := next_try(len(moments), moments[-1], PATIENCE, chance)) is not None:
        moments.append(again)
    return moments


@given(st.floats(0.01, 1, exclude_max=True))
def test_a_message_has_at_least_eight_attempts(chance: float) -> None:
    assert len(attempts_of_a_day(chance)) >= 8


def test_the_slowest_schedule_lasts_a_day() -> None:
    moments = attempts_of_a_day(0.999999)
    assert moments[-1] == DAY
    assert len(moments) == 13
    gaps = [late - early for early, late in itertools.pairwise(moments)]
    assert all(gap <= 4 * HOUR for gap in gaps)


def test_the_fastest_schedule_ends() -> None:
    assert len(attempts_of_a_day(0.0)) == MOST_ATTEMPTS


@given(st.integers(1, MOST_ATTEMPTS - 1), CHANCES)
def test_a_wait_is_anything_up_to_the_longest(attempts: int, chance: float) -> None:
    longest = LONGEST_WAITS[min(attempts, len(LONGEST_WAITS)) - 1]
    again = next_try(attempts, 0, PATIENCE, chance)
    assert again is not None
    assert SECOND <= again <= longest


def test_the_other_side_is_left_alone_as_long_as_it_asks() -> None:
    assert next_try(1, 0, PATIENCE, 0.5, asked=HOUR) == HOUR
    assert next_try(7, 0, PATIENCE, 0.5, asked=HOUR) == 2 * HOUR


def test_the_last_attempt_is_at_the_end() -> None:
    assert next_try(7, DAY - 1, DAY, 0.9) == DAY
    assert next_try(7, 0, DAY, 0.9, asked=9 * DAY) == DAY
    assert next_try(7, DAY, DAY, 0.9) is None
