"""Rotation: new keys take over while the service runs, then the old ones go."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from universal_calendar.core.errors import TenantNotFound
from universal_calendar.services.ports.privacy import KeyStore, StillBusy

GRACE_SECONDS: Final = 30.0
"""Longer than anybody works on with keys that were read in an earlier transaction."""
_PAUSE_SECONDS: Final = 0.2
_PATIENCE: Final = 60.0

Report = Callable[[int, int], None]
"""Is told how much is done, and of how much."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """A tenant's new version, what was sealed anew for it, what was destroyed."""

    tenant_id: UUID
    version: int
    rows: int
    destroyed: int


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """How many keys there was something to do for, and of how many tenants."""

    keys: int
    tenants: int


class KeyRotation:
    """Rotates master keys and data keys; every step may be repeated at any time."""

    def __init__(self, keys: KeyStore) -> None:
        """Take the port."""
        self._keys = keys

    async def count_outdated(self) -> int:
        """Return how many stored keys another master key than the current one wraps."""
        return await self._keys.count_outdated()

    async def rewrap(self, report: Report) -> Rewrapped:
        """Wrap every stored key by the current master key.

        Afterwards no other master key is needed. Raises CannotDecrypt.
        """
        tenant_ids = await self._keys.tenant_ids()
        rewrapped = await self._keys.rewrap_installation()
        for done, tenant_id in enumerate(tenant_ids, start=1):
            rewrapped += await self._keys.rewrap(tenant_id)
            report(done, len(tenant_ids))
        return Rewrapped(rewrapped, len(tenant_ids))

    async def rotate(
        self,
        tenant_ids: Sequence[UUID],
        report: Report,
        *,
        grace: float = GRACE_SECONDS,
    ) -> list[Rotated]:
        """Give tenants a new data key, seal everything anew, destroy the old keys.

        Bookings go on meanwhile. Tenants that are erased meanwhile are left out.
        Raises StillBusy and Unreadable; the old keys then stay, and what is sealed by
        them stays readable.
        """
        begun = [await self._begin(each, report) for each in tenant_ids]
        await asyncio.sleep(grace)
        await self._keys.outlast()
        ended = [await self._finish(each, report) for each in begun if each]
        return [each for each in ended if each]

    async def _begin(self, tenant_id: UUID, report: Report) -> Rotated | None:
        with suppress(TenantNotFound):
            version = await self._keys.add_version(tenant_id)
            rows = await self._reseal(tenant_id, version, report)
            return Rotated(tenant_id, version, rows, 0)
        return None

    async def _finish(self, begun: Rotated, report: Report) -> Rotated | None:
        tenant_id, version, rows = begun.tenant_id, begun.version, begun.rows
        with suppress(TenantNotFound):
            for _ in range(int(_PATIENCE / _PAUSE_SECONDS)):
                rows += await self._reseal(tenant_id, version, report)
                destroyed = await self._keys.destroy_older(tenant_id, version)
                if destroyed is not None:
                    return Rotated(tenant_id, version, rows, destroyed)
                await asyncio.sleep(_PAUSE_SECONDS)
            raise StillBusy
        return None

    async def _reseal(self, tenant_id: UUID, version: int, report: Report) -> int:
        total = await self._keys.count_older(tenant_id, version)
        rows = 0
        async for batch in self._keys.reseal(tenant_id, version):
            rows += batch
            report(rows, max(rows, total))
        return rows
