"""Connecting a platform's account in one step, by a key that opens it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from universal_calendar.core.errors import InvalidField
from universal_calendar.core.instant import Instant
from universal_calendar.core.provider_errors import (
    ProviderDown,
    ProviderError,
    Throttled,
)
from universal_calendar.services.booking.reserved_answers import (
    Asked,
    Keep,
    ReservedAnswers,
)
from universal_calendar.services.budget import PATIENCE_SECONDS, ended_after
from universal_calendar.services.connections.connecting import Written
from universal_calendar.services.connections.connections import (
    Connections,
    not_offered,
)
from universal_calendar.services.ports.answers import Answer, Replay
from universal_calendar.services.ports.calendars import (
    Access,
    CalendarProvider,
    ProviderAccount,
)
from universal_calendar.services.ports.identity import Actor, NewId
from universal_calendar.services.ports.units import Units

_COMPANY: Final = "companyId"
# A platform's account, and time to write down what it said.
_TWIN_SECONDS: Final = PATIENCE_SECONDS + 5


@dataclass(frozen=True, slots=True)
class Keys:
    """What opens an account; errors name it as `sent_as`.

    `company_id` is whose it must be, None: anybody's.
    """

    tenant_id: UUID
    actor: Actor
    provider: str
    secrets: Mapping[str, str] = field(repr=False)
    replay: Replay | None
    written: Written
    sent_as: str = "apiKey"
    timezone: str | None = None
    company_id: str | None = None


@dataclass(frozen=True, slots=True)
class KeyConnecting:
    """Connects accounts of platforms; nothing is kept that opens none."""

    connections: Connections
    units: Units
    offered: Mapping[str, CalendarProvider]
    new_id: NewId

    async def connect(self, keys: Keys, now: Instant) -> Answer:
        """Ask whose account it is, and keep it; retries are answered alike.

        Raises InvalidField for a key or a company that is not the account's, and, of
        the provider's errors, Throttled and ProviderDown: then try again.
        """
        asked = Asked(keys.tenant_id, keys.actor, keys.replay, now, _TWIN_SECONDS)

        async def work(keep: Keep) -> Answer:
            return await self._connect(keys, now, keep)

        return await ReservedAnswers(self.units).answer(asked, work)

    async def _connect(self, keys: Keys, now: Instant, keep: Keep) -> Answer:
        access = Access(keys.tenant_id, self.new_id(now), keys.secrets)
        account = await self._account(keys, access)
        new = self.connections.described(
            access, keys.provider, account, now, timezone=keys.timezone
        )
        async with self.units.begin(keys.tenant_id, keys.actor, now) as unit:
            connection = await self.connections.keep(unit, new)
            answer = await keep(unit, keys.written(connection))
        await self.connections.wake(connection, now)
        return answer

    async def _account(self, keys: Keys, access: Access) -> ProviderAccount:
        provider = self.offered.get(keys.provider)
        if provider is None:
            raise not_offered(self.offered)
        try:
            async with ended_after(PATIENCE_SECONDS):
                account = await provider.account(access, seconds=PATIENCE_SECONDS)
        except (Throttled, ProviderDown):
            raise
        except ProviderError:
            mend = "is not accepted there: check it"
            raise InvalidField(keys.sent_as, mend) from None
        if keys.company_id not in (None, account.account):
            raise InvalidField(_COMPANY, "is not the company that the key opens")
        return account
