"""Schedules of platforms between two readings: what was named, what is half read.

Platforms tell of no changes since a token, so a schedule is read whole now and then,
and what a webhook names by itself in between. A large one takes longer to read than a
task has time: what was read of it is kept, and the next task goes on.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from universal_calendar.core.instant import Duration, Instant
from universal_calendar.core.interval import Interval
from universal_calendar.services.ports.calendars import ChangedEvent
from universal_calendar.services.ports.mirror import LeasedCalendar


@dataclass(frozen=True, slots=True)
class NamedVisit:
    """What a webhook named: a visit, or a job, by the platform's id.

    `times` counts how often it was: what is named while it is read is read again.
    """

    name: str
    times: int


@dataclass(frozen=True, slots=True)
class HalfReading:
    """A whole reading up to the page that comes next; None: the first one again.

    Its events have no `visit`. `spent` is for how long it was read, pauses between
    tasks left out.
    """

    began: Instant
    window: Interval
    page_token: str | None = None
    events: Mapping[str, ChangedEvent] = field(default_factory=dict)
    spent: Duration = 0


@dataclass(frozen=True, slots=True)
class Rest:
    """When a schedule is to be read whole again.

    Until `rests_until` no webhook has it read: what reading costs stays for bookings.
    """

    whole_due_at: Instant
    rests_until: Instant


class ScheduleHints(Protocol):
    """Writes down what webhooks tell of schedules. No platform is asked anything."""

    async def hint(
        self,
        tenant_id: UUID,
        calendar_ids: Collection[UUID],
        name: str | None,
        now: Instant,
    ) -> None:
        """Have what is named read soon, or all of it once the schedules have rested.

        A hundred times is as good as once.
        """


class ScheduleStore(ScheduleHints, Protocol):
    """Keeps what is between two readings of a schedule.

    Whoever lost the lease writes nothing: LeaseLost is raised instead.
    """

    async def named(
        self, calendar: LeasedCalendar, now: Instant
    ) -> Sequence[NamedVisit]:
        """Return what was named and is to be read by now, a few at most."""

    async def events_of(self, calendar: LeasedCalendar, name: str) -> Sequence[str]:
        """Return the ids of the events that a name stands for, as far as is known."""

    async def settle(
        self,
        calendar: LeasedCalendar,
        named: Sequence[NamedVisit],
        again_at: Instant | None,
    ) -> None:
        """Forget what was read, or have it read again then."""

    async def half_read(self, calendar: LeasedCalendar) -> HalfReading | None:
        """Return how far a whole reading came that did not end."""

    async def keep(self, calendar: LeasedCalendar, half: HalfReading | None) -> None:
        """Keep how far a whole reading came; None: there is nothing to go on with."""

    async def rest(self, calendar: LeasedCalendar, began: Instant, rest: Rest) -> None:
        """Note that it was read whole, which answers every hint of before it began."""
