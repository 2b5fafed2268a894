"""What reading a platform's schedule takes besides reading a calendar.

Whose time a visit takes is told by technicians, so who they are here is settled before
any visit is judged. Visits themselves are kept as they are read: what is judged once
all of them are read is times alone, however much the platform tells of each.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from universal_calendar.core.instant import Instant
from universal_calendar.core.sync import Reading
from universal_calendar.services.field_service.technicians import Agents, Technicians
from universal_calendar.services.ports.calendars import ChangedEvent
from universal_calendar.services.ports.changed_customers import ChangedCustomerStore
from universal_calendar.services.ports.field_service import FieldServiceProvider
from universal_calendar.services.ports.mirror import LeasedCalendar
from universal_calendar.services.ports.schedules import ScheduleStore
from universal_calendar.services.ports.visit_store import VisitStore
from universal_calendar.services.ports.visits import NOBODY, Visit


@dataclass(frozen=True, slots=True)
class Schedules:
    """What syncs of schedules work with; platforms by slug."""

    platforms: Mapping[str, FieldServiceProvider]
    technicians: Technicians
    visits: VisitStore
    store: ScheduleStore
    customers: ChangedCustomerStore

    async def keep(
        self,
        calendar: LeasedCalendar,
        found: Sequence[ChangedEvent],
        agents: Agents,
        asked_at: Instant,
    ) -> Sequence[ChangedEvent]:
        """Keep visits; return their events without them.

        Whoever is unknown among technicians counts as nobody.
        """
        known = calendar.tenant_id, calendar.calendar_id
        visits = {each.event_id: each.visit for each in found if each.visit is not None}
        if visits:
            # First, or nobody would know any more once this is interrupted.
            await self._ask_about_customers(calendar, visits, asked_at)
            await self.visits.keep(*known, visits, asked_at)
        return list(_judged(found, agents))

    async def _ask_about_customers(
        self, calendar: LeasedCalendar, visits: Mapping[str, Visit], now: Instant
    ) -> None:
        """Have those asked about of whom no webhook may have told."""
        changed = await self.visits.customers_changed(
            calendar.tenant_id, calendar.calendar_id, visits
        )
        if changed:
            connection_id = calendar.access.connection_id
            await self.customers.want(calendar.tenant_id, connection_id, changed, now)

    async def retire_named(self, calendar: LeasedCalendar, reading: Reading) -> None:
        """Call visits cancelled that are gone, by what was read of them by name."""
        known = calendar.tenant_id, calendar.calendar_id
        for each in reading.events.values():
            if each.is_deleted:
                await self.visits.cancel(*known, each.event_id, reading.began)

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


def _judged(found: Sequence[ChangedEvent], agents: Agents) -> Iterator[ChangedEvent]:
    for each in found:
        technicians = each.technicians
        if technicians is not None:
            technicians = tuple(
                name if name in agents else NOBODY for name in technicians
            )
        yield each._replace(technicians=technicians, visit=None)
