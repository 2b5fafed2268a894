"""What reading a platform's schedule takes besides reading a calendar.

Whose time a visit takes is told by technicians, so who they are here is settled before
any visit is judged. Visits themselves are kept page by page: what is judged once all of
them are read is times alone, however much the platform tells of each.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from universal_calendar.core.instant import Instant
from universal_calendar.core.sync import Reading
from universal_calendar.services.field_service.technicians import Technicians
from universal_calendar.services.ports.calendars import ChangedEvent, ChangesPage
from universal_calendar.services.ports.field_service import FieldServiceProvider
from universal_calendar.services.ports.mirror import LeasedCalendar
from universal_calendar.services.ports.visit_store import VisitStore
from universal_calendar.services.ports.visits import NOBODY

Agents: TypeAlias = Mapping[str, UUID | None]
"""Agents by technicians' ids, NOBODY among them; None: no agent here."""


@dataclass(frozen=True, slots=True)
class Schedules:
    """What syncs of schedules work with; platforms by slug."""

    platforms: Mapping[str, FieldServiceProvider]
    technicians: Technicians
    visits: VisitStore

    async def keep(
        self,
        calendar: LeasedCalendar,
        page: ChangesPage,
        agents: Agents,
        asked_at: Instant,
    ) -> Sequence[ChangedEvent]:
        """Keep a page's visits; return its events without them.

        Whoever is unknown among technicians counts as nobody.
        """
        visits = {
            each.event_id: each.visit for each in page.events if each.visit is not None
        }
        if visits:
            await self.visits.keep(
                calendar.tenant_id, calendar.calendar_id, visits, asked_at
            )
        return list(_judged(page, agents))

    async def retire(self, calendar: LeasedCalendar, reading: Reading) -> None:
        """Call visits cancelled that were not told of any more.

        What is told of one without a time is kept already: it may have been done.
        """
        await self.visits.retire(
            calendar.tenant_id,
            calendar.calendar_id,
            reading.window,
            list(reading.events),
            reading.began,
        )


def _judged(page: ChangesPage, agents: Agents) -> Iterator[ChangedEvent]:
    for each in page.events:
        technicians = each.technicians
        if technicians is not None:
            technicians = tuple(
                name if name in agents else NOBODY for name in technicians
            )
        yield each._replace(technicians=technicians, visit=None)
