"""The choice of who has an appointment for which no agent was named."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from universal_calendar.core.agenda import Agenda, Authority
from universal_calendar.core.booking import (
    ALTERNATIVES,
    alternatives,
    check_availability,
    check_timing,
)
from universal_calendar.core.errors import (
    BookingRefused,
    Offer,
    SlotUnavailable,
    Unavailability,
)
from universal_calendar.core.instant import DAY, Instant
from universal_calendar.core.localtime import local_date, local_day
from universal_calendar.core.wanted import WantedTime

_BY_FIT: Final = (
    Unavailability.NO_SUCH_TIME,
    Unavailability.OUTSIDE_HOURS,
    Unavailability.BLOCKED,
    Unavailability.SLOT_TAKEN,
    Unavailability.DAILY_LIMIT,
    Unavailability.OFF_GRID,
)
"""Reasons in the order in which they are judged: the later, the better the fit."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An agent who might do it; `holds_time` if the caller's own hold is theirs."""

    agenda: Agenda
    holds_time: bool = False


@dataclass(frozen=True, slots=True)
class Fit:
    """How a wanted time fits a candidate; `refusal` is None for one who is free."""

    candidate: Candidate
    refusal: BookingRefused | None

    @property
    def agenda(self) -> Agenda:
        """Return the candidate's agenda."""
        return self.candidate.agenda


def ranked(
    candidates: Iterable[Candidate],
    time: WantedTime,
    now: Instant,
    authority: Authority = Authority.ORDINARY,
) -> list[Fit]:
    """Return how the time fits each, best first.

    Who is free goes before who is not; then whose the caller's hold is, then who has
    the fewest claims on their local day of the start, then the smaller id.
    """
    fits = [
        Fit(each, _refusal(each.agenda, time, now, authority)) for each in candidates
    ]
    return sorted(fits, key=lambda fit: _order(fit, time))


def _refusal(
    agenda: Agenda, time: WantedTime, now: Instant, authority: Authority
) -> BookingRefused | None:
    wanted = time.interval(agenda.zone)
    try:
        check_timing(agenda, wanted.start, now, authority)
        check_availability(agenda, wanted, authority)
    except BookingRefused as refusal:
        return refusal
    return None


def _order(fit: Fit, time: WantedTime) -> tuple[int, bool, int, int]:
    candidate, agenda = fit.candidate, fit.agenda
    start = time.interval(agenda.zone).start
    lack = 0 if fit.refusal is None else 1 + len(_BY_FIT) - fit_of(fit.refusal)
    return lack, not candidate.holds_time, _load(agenda, start), agenda.agent_id.int


def fit_of(refusal: BookingRefused) -> int:
    """Return how near to bookable a refused time was; 0 if it was not even in time."""
    if isinstance(refusal, SlotUnavailable):
        return 1 + _BY_FIT.index(refusal.reason)
    return 0


def _load(agenda: Agenda, start: Instant) -> int:
    day = local_day(local_date(start, agenda.zone), agenda.zone)
    starts = agenda.claims.starts
    return bisect_left(starts, day.end) - bisect_left(starts, day.start)


def offers(agendas: Sequence[Agenda], time: WantedTime, now: Instant) -> list[Offer]:
    """Return the nearest times that can be booked instead, over all these agents.

    None for what is longer than slots can be.
    """
    found = [
        (abs(near.start - wanted.start), Offer(agenda.agent_id, near))
        for agenda in agendas
        if (wanted := time.interval(agenda.zone)).length <= DAY
        for near in alternatives(agenda, wanted, now)
    ]
    found.sort(key=lambda each: each[0])
    return [offer for _, offer in found[:ALTERNATIVES]]
