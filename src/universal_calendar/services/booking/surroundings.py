"""What is around a time that cannot be booked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum
from uuid import UUID

from universal_calendar.core.agenda import Agenda
from universal_calendar.core.assignment import offers
from universal_calendar.core.booking import ALTERNATIVE_DAYS
from universal_calendar.core.busy import Busy
from universal_calendar.core.errors import Conflict, Nearby
from universal_calendar.core.instant import Instant
from universal_calendar.core.interval import Interval
from universal_calendar.core.wanted import WantedTime
from universal_calendar.services.ports.agendas import AgendaQuery, AgendaStore
from universal_calendar.services.ports.identity import Caller

ALTERNATIVE_REACH = timedelta(days=ALTERNATIVE_DAYS)


class Outlook(Enum):
    """How much a refusal says of what is around."""

    NOTHING = "nothing"
    ALTERNATIVES = "alternatives"
    CONFLICTS = "alternatives, and what is in the way"


@dataclass(frozen=True, slots=True)
class Place:
    """A wanted time of an agent.

    The caller's own hold and the appointment that they are moving are not in the way.
    `found` is what providers have just told of.
    """

    agenda: Agenda
    time: WantedTime
    hold_id: UUID | None = None
    moved_id: UUID | None = None
    found: Sequence[Busy] = ()


async def look_around(
    store: AgendaStore, place: Place, now: Instant, outlook: Outlook
) -> Nearby | None:
    """Return what is in the way of a time, and the nearest bookable ones."""
    if outlook is Outlook.NOTHING:
        return None
    wide = (await store.read(_wide_query(place, now))).found.with_found(place.found)
    found, known = offers([wide], place.time, now), place.agenda.knowledge
    nearby = Nearby(wide.zone, found, silences=known.silences)
    if outlook is Outlook.ALTERNATIVES:
        return nearby
    return replace(nearby, conflicts=await conflicts_at(store, place, now))


def _wide_query(place: Place, now: Instant) -> AgendaQuery:
    first, last = place.time.days
    return AgendaQuery(
        Caller(tenant_id=place.agenda.tenant_id),
        place.agenda.agent_id,
        first - ALTERNATIVE_REACH,
        last + ALTERNATIVE_REACH,
        now,
        hold_id=place.hold_id,
        moved_id=place.moved_id,
    )


async def conflicts_at(
    store: AgendaStore, place: Place, now: Instant
) -> list[Conflict]:
    """Return what is in the way of a time or nearer than the agent's buffers."""
    agenda, own = place.agenda, (place.hold_id, place.moved_id)
    wanted, gap = place.time.interval(agenda.zone), agenda.rules.gap
    padded = Interval(wanted.start - gap, wanted.end + gap)
    known = [each for each in own if each is not None]
    kept = list(await store.conflicts(agenda, padded, now, known))
    told = [Conflict("calendar", busy.interval) for busy in place.found]
    if agenda.knowledge.is_closed:
        told = [Conflict("calendar", wanted)]
    more = [each for each in told if each not in kept]
    return sorted([*kept, *more], key=lambda each: each.interval.start)
