"""Blocks: time that somebody took out of an agent's day, or out of everybody's."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from universal_calendar.core.instant import Instant
from universal_calendar.core.interval import Interval
from universal_calendar.services.ports.appointments import Page


@dataclass(frozen=True, slots=True)
class Block:
    """A block; `agent_id` None: of every agent, those to come included.

    A soft one gives way to an emergency. Title and reason are encrypted at rest.
    """

    tenant_id: UUID
    block_id: UUID
    agent_id: UUID | None
    interval: Interval
    is_soft: bool
    created_at: Instant
    title: str | None = field(default=None, repr=False)
    reason: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class BlockedAppointment:
    """An appointment in the time of a block; it stays as it is."""

    appointment_id: UUID
    interval: Interval
    agent_id: UUID


@dataclass(frozen=True, slots=True)
class BlockFilter:
    """Which blocks to list: all that are not ruled out.

    The bounds are of their starts; an agent's are its own and those of every agent.
    """

    starts_from: Instant | None = None
    starts_before: Instant | None = None
    agent_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class BlockPage:
    """A page of blocks by start and then id, and how many there are in all."""

    blocks: Sequence[Block]
    total: int


class BlockStore(Protocol):
    """Keeps blocks; whoever adds or removes one has locked its agents."""

    async def add(
        self, block: Block, agent_ids: Sequence[UUID]
    ) -> Sequence[BlockedAppointment]:
        """Add a block, count a change of its agents, return what lies in its time."""

    async def get(self, tenant_id: UUID, block_id: UUID) -> Block:
        """Return a block; raise BlockNotFound."""

    async def page(self, tenant_id: UUID, wanted: BlockFilter, page: Page) -> BlockPage:
        """Return a page of blocks; one past the end is empty."""

    async def remove(self, block: Block, agent_ids: Sequence[UUID]) -> None:
        """Remove a block and count a change of its agents; raise BlockNotFound."""
