import pytest
from hypothesis import given
from hypothesis import strategies as st

from universal_calendar_client import RetryPolicy
from universal_calendar_client._answer import Answer
from universal_calendar_client._requests import Failure
from universal_calendar_client._retries import Effort, retry_delay

LOST = Failure(ConnectionError(), temporary=True)
POLICY = RetryPolicy(tries=4, first_delay=0.5, longest_delay=8, total_seconds=30)


def answered(status: int, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, named, b"")


def delay(outcome, tries=1, elapsed=0.0, chance=1.0, policy=POLICY):
    return retry_delay(outcome, Effort(tries, elapsed, chance), policy)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(status):
    assert delay(answered(status)) == 0.5


@pytest.mark.parametrize(
    "status", [200, 201, 301, 400, 401, 403, 404, 405, 409, 413, 415, 422, 501]
)
def test_what_will_not_change_is_not_tried_again(status):
    assert delay(answered(status, retry_after="1")) is None


def test_a_lost_connection_is_tried_again_and_a_broken_request_is_not():
    assert delay(LOST) == 0.5
    assert delay(Failure(ValueError(), temporary=False)) is None


def test_delays_double_up_to_the_longest():
    many = RetryPolicy(tries=10, first_delay=0.5, longest_delay=8, total_seconds=99)
    delays = [delay(LOST, tries, policy=many) for tries in range(1, 8)]
    assert delays == [0.5, 1, 2, 4, 8, 8, 8]


def test_tries_end():
    assert delay(LOST, tries=3) is not None
    assert delay(LOST, tries=4) is None
    assert delay(LOST, policy=RetryPolicy(tries=1)) is None


def test_no_try_begins_after_the_total():
    assert delay(LOST, elapsed=29.5) == 0.5
    assert delay(LOST, elapsed=29.6) is None


def test_the_service_may_ask_for_a_longer_wait():
    assert delay(answered(429, retry_after="7"), chance=0.0) == 7
    assert delay(answered(503, retry_after="7"), chance=1.0) == 7.5


def test_a_wait_beyond_the_policy_is_not_cut_short():
    assert delay(answered(429, retry_after="31")) is None


def test_a_date_in_retry_after_counts_from_the_date_of_the_answer():
    later = "Wed, 21 Oct 2026 07:28:09 GMT"
    now = "Wed, 21 Oct 2026 07:28:00 GMT"
    assert answered(503, retry_after=later, date=now).retry_after == 9
    assert answered(503, retry_after=now, date=later).retry_after == 0
    assert answered(503, retry_after=later).retry_after is None


@pytest.mark.parametrize("text", ["", "soon", "-1", "1.5", "٣", "Wed, 99 Foo"])
def test_an_unreadable_retry_after_says_nothing(text):
    date = "Wed, 21 Oct 2026 07:28:00 GMT"
    assert answered(503, retry_after=text, date=date).retry_after is None


def test_an_endless_retry_after_ends_the_call():
    assert delay(answered(429, retry_after="9" * 400)) is None


@pytest.mark.parametrize(
    "limits",
    [{"tries": 0}, {"first_delay": -1}, {"longest_delay": -1}, {"total_seconds": -1}],
)
def test_a_policy_that_bounds_nothing_is_refused(limits):
    with pytest.raises(ValueError, match=r"at least 1|negative"):
        RetryPolicy(**limits)


@given(
    st.integers(1, 10_000),
    st.floats(0, 1e6),
    st.floats(0, 1),
    st.floats(0, 100),
    st.floats(0, 100),
)
def test_every_wait_is_bounded(tries, elapsed, chance, longest, total):
    policy = RetryPolicy(20_000, 0.5, longest, total)
    wait = retry_delay(LOST, Effort(tries, elapsed, chance), policy)
    assert wait is None or (0 <= wait <= longest and elapsed + wait <= total)
