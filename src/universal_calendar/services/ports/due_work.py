"""Work that is not done yet, over all tenants, and the tasks that wake for it."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias
from uuid import UUID

from universal_calendar.core.instant import Instant

Settler: TypeAlias = Callable[[UUID, UUID, Instant], Awaitable[object]]
"""Settles an item of one kind: takes the tenant's id, the item's, and now."""


@dataclass(frozen=True, slots=True)
class DueItem:
    """Something unsettled, by ids alone; items of one lane are settled in turn."""

    tenant_id: UUID
    kind: str
    item_id: UUID
    lane: UUID | None = None


class DueWorkStore(Protocol):
    """Keeps what is due."""

    async def take(
        self, kinds: Collection[str], now: Instant, again_at: Instant, limit: int
    ) -> Sequence[DueItem]:
        """Return what is due, longest waiting first, and put it off to `again_at`."""


class FinishedWork(Protocol):
    """Forgets what is done."""

    async def finish(self, item: DueItem) -> None:
        """Delete the item's row."""


class TaskQueue(Protocol):
    """Wakes whoever settles items."""

    async def wake(self, item: DueItem) -> None:
        """Add a task for the item, unless one waits already."""
