"""Blocking time, and giving it back."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from universal_calendar.core.errors import InvalidField
from universal_calendar.core.instant import Instant
from universal_calendar.core.interval import Interval
from universal_calendar.services.booking.appointment_reading import Days, starts_within
from universal_calendar.services.ports.appointments import Page
from universal_calendar.services.ports.blocks import (
    Block,
    BlockedAppointment,
    BlockFilter,
    BlockPage,
)
from universal_calendar.services.ports.identity import NewId
from universal_calendar.services.ports.units import Unit


@dataclass(frozen=True, slots=True)
class NewBlock:
    """A block to be; `agent_id` None: for every agent."""

    start: Instant
    end: Instant
    agent_id: UUID | None = None
    is_soft: bool = False
    title: str | None = field(default=None, repr=False)
    reason: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Blocks:
    """Adds, lists and removes the blocks of a unit's tenant."""

    new_id: NewId

    async def add(
        self, unit: Unit, new: NewBlock
    ) -> tuple[Block, Sequence[BlockedAppointment]]:
        """Block the time, whatever is in it, and return what is.

        Raises InvalidField and AgentNotFound.
        """
        if new.end <= new.start:
            raise InvalidField("endTime", "use a time after startTime")
        block = Block(
            unit.tenant_id,
            self.new_id(unit.now),
            new.agent_id,
            Interval(new.start, new.end),
            new.is_soft,
            unit.now,
            new.title,
            new.reason,
        )
        agent_ids = await unit.agents.lock(unit.tenant_id, new.agent_id)
        conflicting = await unit.blocks.add(block, agent_ids)
        await unit.audit.record("block.created", block.block_id)
        return block, conflicting

    async def page(
        self, unit: Unit, days: Days, agent_id: UUID | None, page: Page
    ) -> BlockPage:
        """Return the blocks that start on the days; raise InvalidRange."""
        starts_from, starts_before = await starts_within(unit, days)
        wanted = BlockFilter(starts_from, starts_before, agent_id)
        return await unit.blocks.page(unit.tenant_id, wanted, page)

    async def remove(self, unit: Unit, block_id: UUID) -> None:
        """Give the time back; raise BlockNotFound."""
        block = await unit.blocks.get(unit.tenant_id, block_id)
        agent_ids = await unit.agents.lock(unit.tenant_id, block.agent_id)
        await unit.blocks.remove(block, agent_ids)
        await unit.audit.record("block.removed", block_id)
