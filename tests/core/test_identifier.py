"""Ids sort by their moment and say what they are (RFC 9562 §5.7)."""

from datetime import UTC, datetime
from uuid import RFC_4122

from hypothesis import given
from hypothesis import strategies as st

from universal_calendar.core.identifier import RANDOM_BITS, uuid7
from universal_calendar.core.instant import DAY, from_datetime

INSTANTS = st.integers(-30 * 365 * DAY, 1000 * 365 * DAY)
RANDOM = st.integers(0, 2**RANDOM_BITS - 1)


def test_the_example_of_the_rfc() -> None:
    moment = from_datetime(datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC))
    random = 0xCC3 << 62 | 0x18C4DC0C0C07398F
    assert str(uuid7(moment, random)) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


@given(INSTANTS, RANDOM)
def test_version_variant_moment_and_randomness(now: int, random: int) -> None:
    identifier = uuid7(now, random)
    assert identifier.version == 7
    assert identifier.variant == RFC_4122
    assert identifier.int >> 80 == now // 1000 + 946_684_800_000
    high, low = identifier.int >> 64 & 0xFFF, identifier.int & 2**62 - 1
    assert high << 62 | low == random


@given(INSTANTS, st.integers(1000, DAY), RANDOM, RANDOM)
def test_a_later_millisecond_sorts_later(
    now: int, later: int, one: int, other: int
) -> None:
    first, second = uuid7(now, one), uuid7(now + later, other)
    assert first < second
    assert str(first) < str(second)


@given(INSTANTS, RANDOM, RANDOM)
def test_two_random_numbers_are_two_ids(now: int, one: int, other: int) -> None:
    assert (uuid7(now, one) == uuid7(now, other)) is (one == other)
