"""What the providers of these tests are given to work with."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from uuid import UUID

from universal_calendar.clock import utc_now
from universal_calendar.core.provider_errors import ProviderDown
from universal_calendar.outgoing.http import Sender
from universal_calendar.providers.provider import Means, OAuthConfig, PlatformConfig
from universal_calendar.services.ports.authorization import Renew, Secrets
from universal_calendar.services.ports.calendars import Access
from universal_calendar.services.ports.quotas import Bucket

NOWHERE = "http://127.0.0.1:9"
REGISTRATIONS = {
    slug: OAuthConfig("client", "secret", NOWHERE, NOWHERE, NOWHERE, NOWHERE)
    for slug in ("google", "microsoft")
}
PLATFORMS = {
    slug: PlatformConfig(NOWHERE, 100, "secret", "2025-04-16")
    for slug in ("housecallpro", "jobber")
}


@dataclass
class KeptSecrets:
    """Renewals of one process, in memory; `tests/store` examines the real ones."""

    newest: dict[UUID, Secrets] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def renewed(
        self, access: Access, used: Secrets, renew: Renew, *, seconds: float
    ) -> Secrets:
        """Renew once, however many ask."""
        try:
            async with asyncio.timeout(seconds), self.lock:
                known = self.newest.get(access.connection_id, access.secrets)
                if known == used:
                    known = self.newest[access.connection_id] = await renew(used)
                return known
        except TimeoutError:
            raise ProviderDown from None


@dataclass
class Spending:
    """A quota of one process that never ends; `tests/store` examines the real one."""

    spent: list[tuple[UUID, Bucket, float]] = field(default_factory=list)
    learned: list[tuple[UUID, Bucket, float]] = field(default_factory=list)
    unspent: list[float] = field(default_factory=list)

    async def spend(self, connection_id: UUID, bucket: Bucket, amount: float) -> None:
        """Note what was spent."""
        self.spent.append((connection_id, bucket, amount))

    async def learn(
        self,
        connection_id: UUID,
        bucket: Bucket,
        left: float,
        unspent: float = 0.0,
    ) -> None:
        """Note what is left, and what was not needed."""
        self.learned.append((connection_id, bucket, left))
        self.unspent.append(unspent)


@dataclass
class TurnsHere:
    """Turns of one process; `tests/store` examines the real ones."""

    locks: dict[UUID, asyncio.Lock] = field(
        default_factory=lambda: defaultdict(asyncio.Lock)
    )

    @asynccontextmanager
    async def of(self, access: Access, *, seconds: float) -> AsyncIterator[None]:
        """Wait for as long as need be."""
        assert seconds > 0
        async with self.locks[access.connection_id]:
            yield


def means_of(
    sender: Sender,
    oauth: Mapping[str, OAuthConfig] = REGISTRATIONS,
    platforms: Mapping[str, PlatformConfig] = MappingProxyType({}),
) -> Means:
    """Return means that send everything through one sender."""
    return Means(
        sender,
        sender,
        utc_now,
        KeptSecrets(),
        Spending(),
        TurnsHere(),
        oauth,
        dict(platforms),
    )


@asynccontextmanager
async def open_means(
    oauth: Mapping[str, OAuthConfig] = REGISTRATIONS,
) -> AsyncIterator[Means]:
    """Make means with a sender of their own, closed with the block."""
    sender = Sender(is_guarded=False)
    try:
        yield means_of(sender, oauth, PLATFORMS)
    finally:
        await sender.close()
