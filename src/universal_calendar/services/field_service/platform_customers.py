"""Customers of ours that platforms are to know."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from uuid import UUID

from universal_calendar.core.instant import Instant
from universal_calendar.services.booking.reserved_answers import (
    Asked,
    Keep,
    ReservedAnswers,
)
from universal_calendar.services.budget import PATIENCE_SECONDS, ended_after
from universal_calendar.services.field_service.platforms import Platforms
from universal_calendar.services.ports.answers import Answer, Replay
from universal_calendar.services.ports.identity import Actor
from universal_calendar.services.ports.visits import Customer, PutCustomer

_TWIN_SECONDS: Final = PATIENCE_SECONDS + 5

Written: TypeAlias = Callable[[PutCustomer], Answer]
"""Writes the answer that tells of a customer."""


@dataclass(frozen=True, slots=True)
class CustomerWish:
    """Who is to be known, and at which platform."""

    tenant_id: UUID
    actor: Actor
    provider: str
    customer: Customer = field(repr=False)
    replay: Replay | None
    written: Written


@dataclass(frozen=True, slots=True)
class PlatformCustomers:
    """Finds customers at platforms, or makes them."""

    platforms: Platforms

    async def put(self, wish: CustomerWish, now: Instant) -> Answer:
        """Find the customer by phone, then by e-mail, and update; else make one.

        Retries are answered alike. Raises PlatformNotFound, PlatformNotConnected and
        the platform's errors, after which the same may be tried again.
        """
        asked = Asked(wish.tenant_id, wish.actor, wish.replay, now, _TWIN_SECONDS)

        async def work(keep: Keep) -> Answer:
            return await self._put(wish, now, keep)

        return await ReservedAnswers(self.platforms.units).answer(asked, work)

    async def _put(self, wish: CustomerWish, now: Instant, keep: Keep) -> Answer:
        whose = wish.tenant_id, wish.actor
        access = await self.platforms.opened(*whose, wish.provider, now)
        platform = self.platforms.named(wish.provider)
        async with ended_after(PATIENCE_SECONDS):
            found = await platform.put_customer(
                access, wish.customer, seconds=PATIENCE_SECONDS
            )
        async with self.platforms.units.begin(*whose, now) as unit:
            await unit.audit.record("customer.put", access.connection_id)
            return await keep(unit, wish.written(found))
