"""The agents of a tenant as candidates for one appointment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol
from uuid import UUID

from universal_calendar.core.assignment import Candidate
from universal_calendar.core.instant import Instant


@dataclass(frozen=True, slots=True)
class CandidateQuery:
    """Whose agents to read, and around which days, first and last included.

    The time of the caller's own hold is free to them.
    """

    tenant_id: UUID
    first: date
    last: date
    now: Instant
    hold_id: UUID | None = None


class CandidateStore(Protocol):
    """Reads all agents at once."""

    async def read(self, query: CandidateQuery) -> Sequence[Candidate]:
        """Return the active agents that have hours, in one round trip."""
