"""What follows from a provider's error, and how long it is waited for."""

import pytest

from universal_calendar.core.instant import HOUR
from universal_calendar.core.provider_errors import (
    EventChanged,
    EventGone,
    NotAuthorized,
    ProviderDown,
    ProviderError,
    Rejected,
    SyncTokenStale,
    Throttled,
)
from universal_calendar.core.retry import (
    LONGEST_ASKED,
    LONGEST_WAIT,
    QUICK_ATTEMPTS,
    SECOND,
    GiveUp,
    Reauthorize,
    Retry,
    decide,
    longest_wait,
)

ALMOST_ONE = 1 - 2**-20


def test_waits_double_to_half_a_minute_and_then_slowly_to_an_hour() -> None:
    seconds = [longest_wait(attempts) // SECOND for attempts in range(30)]
    assert seconds[:7] == [1, 2, 4, 8, 16, 30, 30]
    assert seconds[QUICK_ATTEMPTS - 1] == 30
    assert seconds[QUICK_ATTEMPTS : QUICK_ATTEMPTS + 8] == [
        *(60, 120, 240, 480, 960, 1920, 3600, 3600)
    ]
    assert longest_wait(10**9) == LONGEST_WAIT == HOUR


def test_waits_never_shrink() -> None:
    waits = [longest_wait(attempts) for attempts in range(60)]
    assert waits == sorted(waits)


@pytest.mark.parametrize("attempts", [0, 3, 19, 20, 40, 10**6])
def test_down_is_retried_for_ever_with_full_jitter(attempts: int) -> None:
    longest = longest_wait(attempts)
    assert decide(ProviderDown(), attempts, 0.0) == Retry(0, 0)
    half, most = (decide(ProviderDown(), attempts, j) for j in (0.5, ALMOST_ONE))
    assert isinstance(half, Retry)
    assert isinstance(most, Retry)
    assert half.after == longest // 2
    assert longest // 2 < most.after <= longest


def test_an_old_failure_holds_its_connection_up_for_half_a_minute_at_most() -> None:
    decision = decide(ProviderDown(), 40, ALMOST_ONE)
    assert isinstance(decision, Retry)
    assert decision.pause == 30 * SECOND < decision.after


def test_throttled_waits_as_asked_and_so_does_its_connection() -> None:
    decision = decide(Throttled(7.5), 50, 0.5)
    assert decision == Retry(8 * SECOND, 8 * SECOND)


def test_throttled_without_a_time_backs_off() -> None:
    decision = decide(Throttled(), 3, 0.5)
    assert decision == Retry(4 * SECOND, 4 * SECOND)


@pytest.mark.parametrize("asked", [1e9, float("inf")])
def test_nobody_makes_us_wait_for_days(asked: float) -> None:
    decision = decide(Throttled(asked), 0, 0.0)
    assert decision == Retry(LONGEST_ASKED, LONGEST_ASKED)


@pytest.mark.parametrize("attempts", [0, 50])
def test_final_answers(attempts: int) -> None:
    assert decide(Rejected(), attempts, 0.5) == GiveUp()
    assert decide(NotAuthorized(), attempts, 0.5) == Reauthorize(HOUR)


def test_a_new_key_is_tried_at_once_but_not_again_and_again() -> None:
    assert decide(EventGone(), 0, 0.5) == Retry(0)
    assert decide(EventGone(), 2, 0.5) == Retry(2 * SECOND)


@pytest.mark.parametrize("error", [EventChanged(), SyncTokenStale(), ProviderError()])
def test_everything_else_is_tried_again(error: ProviderError) -> None:
    decision = decide(error, 1, 0.5)
    assert isinstance(decision, Retry)
    assert decision.after == SECOND
