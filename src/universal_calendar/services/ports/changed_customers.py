"""Customers that changed at their platforms, and are to be asked about."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from universal_calendar.core.instant import Instant
from universal_calendar.services.ports.calendars import Access
from universal_calendar.services.ports.mirror import Trouble

CUSTOMER: Final = "customer"
"""The kind of due work whose items are changes of customers."""


@dataclass(frozen=True, slots=True)
class ChangedCustomer:
    """A customer who changed, and all it takes to ask about them.

    `schedules` are those of the connection that are read. `changes` counts how often
    the platform told of it, `attempts` the failures since it was last asked well.
    """

    tenant_id: UUID
    change_id: UUID
    provider: str
    access: Access
    customer_id: str
    schedules: Sequence[UUID]
    changes: int
    attempts: int


class ChangedCustomerStore(Protocol):
    """Keeps changes until they are carried over. Nothing here waits for a platform."""

    async def want(
        self,
        tenant_id: UUID,
        connection_id: UUID,
        customer_ids: Collection[str],
        now: Instant,
    ) -> None:
        """Have customers asked about at once; a hundred times is as good as once.

        One who is being asked about is asked about again.
        """

    async def get(
        self, tenant_id: UUID, change_id: UUID, now: Instant
    ) -> ChangedCustomer | None:
        """Return a change; None if there is none, or it waits for its connection."""

    async def record(
        self,
        change: ChangedCustomer,
        now: Instant,
        due: Instant | None,
        trouble: Trouble | None = None,
    ) -> None:
        """Write down what became of it, and when it is due again.

        None: it is over, unless the platform told of it again since it was returned.
        """
