"""Instants count microseconds since 2000, exactly."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from universal_calendar.core.instant import (
    DAY,
    EPOCH,
    HOUR,
    MINUTE,
    from_datetime,
    to_datetime,
)

FIRST, LAST = datetime.fromisoformat("1970-01-02"), datetime.fromisoformat("2999-12-30")
OFFSETS = st.integers(-14 * 60, 14 * 60).map(
    lambda minutes: timezone(timedelta(minutes=minutes))
)


def test_the_epoch_is_that_of_postgresql() -> None:
    assert from_datetime(datetime(2000, 1, 1, tzinfo=UTC)) == 0
    assert from_datetime(datetime(1999, 12, 31, 23, 59, tzinfo=UTC)) == -MINUTE
    assert (DAY, HOUR, MINUTE) == (86_400_000_000, 3_600_000_000, 60_000_000)
    assert to_datetime(0) == EPOCH


@given(st.datetimes(FIRST, LAST, timezones=OFFSETS))
def test_a_moment_of_any_zone_survives_to_the_microsecond(moment: datetime) -> None:
    assert to_datetime(from_datetime(moment)) == moment
    assert to_datetime(from_datetime(moment)).tzinfo is UTC


@given(st.integers(-30 * 366 * DAY, 900 * 366 * DAY))
def test_an_instant_survives(instant: int) -> None:
    assert from_datetime(to_datetime(instant)) == instant
