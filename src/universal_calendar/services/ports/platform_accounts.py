"""Accounts at field-service platforms, as the platforms' webhooks name them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from universal_calendar.core.instant import Instant


@dataclass(frozen=True, slots=True)
class ConnectedAccount:
    """A tenant's connection of an account; `schedules` are those that are read."""

    tenant_id: UUID
    connection_id: UUID
    schedules: Sequence[UUID]


class PlatformAccountStore(Protocol):
    """Finds connections by the account, and ends them."""

    async def connections(
        self, provider: str, account: str
    ) -> Sequence[ConnectedAccount]:
        """Return the connections of an account, whosesoever they are."""

    async def end(
        self, tenant_id: UUID, connection_id: UUID, ended_at: Instant, now: Instant
    ) -> None:
        """Forget what opens the account: its owner must connect it again.

        Whoever watches is told. Nothing changes if it was connected since `ended_at`,
        or has ended before.
        """
