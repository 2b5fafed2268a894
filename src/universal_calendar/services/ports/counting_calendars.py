"""The calendars that count for an agent, with what it takes to ask about them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from universal_calendar.core.instant import Instant
from universal_calendar.core.sync import OwnEvent
from universal_calendar.services.ports.calendars import Access


@dataclass(frozen=True, slots=True)
class CountingConnection:
    """A connection of calendars that take an agent's time.

    `calendars` are our ids by the provider's. `is_paused`: the provider is to be left
    alone for now. `agents` are those of a platform's technicians, by their ids.
    """

    provider: str
    access: Access
    tentative_blocks: bool
    is_paused: bool
    calendars: Mapping[str, UUID]
    agents: Mapping[str, UUID | None] = field(default_factory=dict)


class CountingCalendars(Protocol):
    """Finds the calendars that count."""

    async def of(
        self, tenant_id: UUID, agent_id: UUID, now: Instant
    ) -> Sequence[CountingConnection]:
        """Return the connections whose calendars count for the agent."""

    async def own_events(
        self,
        tenant_id: UUID,
        calendar_id: UUID,
        appointment_ids: Collection[UUID],
        began: Instant,
    ) -> Sequence[OwnEvent]:
        """Return what appointments are in a calendar.

        One whose event is not known yet waits to be written. One that is over, and had
        no event any more when the calendar was asked, at `began`, is left out: what
        bears its mark is not ours.
        """
