"""Who did what, when and from where: ids only."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from universal_calendar.core.instant import Instant
from universal_calendar.services.ports.identity import Actor


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing that was done."""

    entry_id: UUID
    at: Instant
    actor: Actor
    action: str
    subject_id: str


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries: `first` to before `before`; None: whatever it is."""

    first: Instant | None = None
    before: Instant | None = None
    actor_id: str | None = None
    action: str | None = None
    subject_id: str | None = None


@dataclass(frozen=True, slots=True)
class AuditPage:
    """A page of entries, the latest first, and how many there are in all."""

    entries: Sequence[AuditEntry]
    total: int
