"""What is said of calendars that do not answer: by age, outage, policy, and asking."""

from uuid import UUID

import pytest

from tests.core.building import MONDAY, agenda, at, every_day
from universal_calendar.core.booking import valid_until
from universal_calendar.core.instant import DAY, HOUR, MINUTE, Instant
from universal_calendar.core.silence import (
    MIRROR_MAX_AGE,
    NOTHING_OUTSIDE,
    RECHECK,
    Knowledge,
    Reading,
    SilenceCode,
    knowledge_of,
)

NOW = at("12:00")
FAILED = NOW - HOUR
A, B = UUID(int=1), UUID(int=2)
TOO_OLD = NOW - MIRROR_MAX_AGE - 1


def reading(
    read_at: Instant | None,
    failing_since: Instant | None = None,
    *,
    closed: bool = False,
    live: bool = False,
    connection_id: UUID = A,
) -> Reading:
    return Reading(connection_id, "google", read_at, failing_since, closed, live)


def known(*readings: Reading) -> Knowledge:
    return knowledge_of(readings, NOW, MIRROR_MAX_AGE)


def said(*readings: Reading) -> list[str]:
    return [str(each.code) for each in known(*readings).silences]


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("failing_since", [None, FAILED])
@pytest.mark.parametrize(
    ("read_at", "is_known"),
    [
        (NOW, True),
        (NOW - MIRROR_MAX_AGE, True),
        (TOO_OLD, False),
        (NOW - 9 * DAY, False),
        (None, False),
    ],
)
def test_by_age_outage_and_policy(
    read_at: Instant | None,
    failing_since: Instant | None,
    *,
    is_known: bool,
    closed: bool,
) -> None:
    found = known(reading(read_at, failing_since, closed=closed))
    if is_known:
        expected = [] if failing_since is None else [SilenceCode.STALE]
    else:
        expected = [SilenceCode.CLOSED if closed else SilenceCode.UNKNOWN]
    assert [each.code for each in found.silences] == expected
    assert all(each.is_verified for each in found.silences) == is_known
    assert found.is_closed == (closed and not is_known)


def test_another_age_may_be_allowed() -> None:
    readings = [reading(NOW - 2 * HOUR)]
    assert knowledge_of(readings, NOW, 2 * HOUR).silences == ()
    (silence,) = knowledge_of(readings, NOW, HOUR).silences
    assert silence.code is SilenceCode.UNKNOWN


def test_one_closed_calendar_closes_all() -> None:
    found = known(reading(NOW), reading(None, closed=True, connection_id=B))
    assert found.is_closed
    assert not known(reading(NOW), reading(None, connection_id=B)).is_closed


@pytest.mark.parametrize(
    ("read_at", "failing_since", "closed", "text"),
    [
        (
            NOW - 2 * HOUR,
            FAILED,
            False,
            "The google calendar has not answered since 2026-06-01T11:00:00Z;"
            " busy times are as of 2026-06-01T10:00:00Z.",
        ),
        (
            TOO_OLD,
            FAILED,
            False,
            "The google calendar has not answered since 2026-06-01T11:00:00Z;"
            " what is busy there is unknown.",
        ),
        (
            NOW - 2 * DAY,
            None,
            False,
            "The google calendar has not been read since 2026-05-30T12:00:00Z;"
            " what is busy there is unknown.",
        ),
        (
            None,
            None,
            False,
            "The google calendar has not been read yet; what is busy there is unknown.",
        ),
        (
            None,
            FAILED,
            True,
            "The google calendar has not answered since 2026-06-01T11:00:00Z;"
            " nothing can be booked until it is read.",
        ),
    ],
)
def test_texts(
    read_at: Instant | None, failing_since: Instant | None, *, closed: bool, text: str
) -> None:
    (silence,) = known(reading(read_at, failing_since, closed=closed)).silences
    assert silence.message == text


class TestUnchecked:
    """Who was asked about a time, and did not answer."""

    def test_that_is_all_there_is_to_say(self) -> None:
        found = known(reading(NOW - HOUR, live=True)).unchecked({A})
        (silence,) = found.silences
        assert silence.code is SilenceCode.UNCHECKED
        assert not silence.is_verified
        assert silence.message == (
            "The google calendar did not answer in time;"
            " busy times are as of 2026-06-01T11:00:00Z."
        )

    def test_it_stands_in_for_what_was_said_of_the_outage(self) -> None:
        found = known(reading(NOW - 2 * HOUR, FAILED, live=True)).unchecked({A})
        (silence,) = found.silences
        assert (silence.code, silence.since) == (SilenceCode.UNCHECKED, FAILED)
        assert "since 2026-06-01T11:00:00Z; busy times are as of" in silence.message

    @pytest.mark.parametrize("closed", [False, True])
    def test_what_is_unknown_stays_so(self, *, closed: bool) -> None:
        before = known(reading(None, closed=closed, live=True))
        assert before.unchecked({A}) == before

    def test_others_are_left_alone(self) -> None:
        readings = reading(NOW), reading(NOW - HOUR, FAILED, connection_id=B)
        before = known(*readings)
        assert before.unchecked(set()) == before
        codes = {
            each.connection_id: each.code for each in before.unchecked({A}).silences
        }
        assert codes == {B: SilenceCode.STALE, A: SilenceCode.UNCHECKED}


def test_any_connection_may_want_the_providers_asked() -> None:
    assert not NOTHING_OUTSIDE.checks_live
    assert not known(reading(NOW)).checks_live
    assert known(reading(NOW), reading(NOW, live=True, connection_id=B)).checks_live


class TestHowLongAnAnswerHolds:
    """A cached answer must not outlive what it says of calendars."""

    def test_as_ever_without_calendars(self) -> None:
        assert NOTHING_OUTSIDE.valid_until is None
        assert known() == NOTHING_OUTSIDE

    def test_until_somebody_may_have_begun_to_fail(self) -> None:
        assert known(reading(NOW)).valid_until == NOW + RECHECK

    def test_until_the_oldest_is_too_old(self) -> None:
        edge = NOW - MIRROR_MAX_AGE
        found = known(reading(NOW), reading(edge + 5, connection_id=B))
        assert found.valid_until == NOW + 6
        assert said(reading(edge + 5)) == []
        later = knowledge_of([reading(edge + 5)], NOW + 5, MIRROR_MAX_AGE)
        assert later.silences == ()
        after = knowledge_of([reading(edge + 5)], NOW + 6, MIRROR_MAX_AGE)
        assert len(after.silences) == 1

    def test_not_at_all_while_anything_is_said(self) -> None:
        assert known(reading(NOW, FAILED)).valid_until == NOW
        assert known(reading(None)).valid_until == NOW

    def test_agendas_answer_no_longer(self) -> None:
        opened = agenda({"working_hours": every_day(("09:00", "17:00"))})
        assert valid_until(opened, None, NOW) == at("00:00", MONDAY) + DAY
        read = agenda(
            {"working_hours": every_day(("09:00", "17:00"))},
            knowledge=known(reading(NOW)),
        )
        assert valid_until(read, None, NOW) == NOW + MINUTE
