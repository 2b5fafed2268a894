"""The agendas of a tenant's agents, all at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol
from uuid import UUID

from universal_calendar.core.agenda import Agenda
from universal_calendar.core.instant import Instant


@dataclass(frozen=True, slots=True)
class AgendaStamp:
    """What the agendas of a tenant were made of: its zone, its agents, their revisions.

    While that stands they are unchanged, but for what time itself changes.
    """

    timezone: str
    agent_ids: tuple[UUID, ...]
    revisions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TenantAgendaQuery:
    """Which agendas of a tenant to read; `agent_id` None: those of all active agents.

    The days are the agents', both included. Where `known` still holds, none are read.
    """

    tenant_id: UUID
    agent_id: UUID | None
    first: date
    last: date
    now: Instant
    known: AgendaStamp | None = None


@dataclass(frozen=True, slots=True)
class TenantReading:
    """The agendas of all agents that have hours, by the agents' ids.

    None where what was known still holds.
    """

    stamp: AgendaStamp
    agendas: Sequence[Agenda] | None


class TenantAgendaStore(Protocol):
    """Reads all agendas in one round trip."""

    async def read(self, query: TenantAgendaQuery) -> TenantReading:
        """Read agendas of a tenant; raise TenantNotFound or AgentNotFound."""
