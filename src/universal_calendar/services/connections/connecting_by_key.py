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
from universal_calendar.services.connections.connecting import Written
from universal_calendar.services.connections.connections import Connections
from universal_calendar.services.connections.opening import (
    OPENING_SECONDS,
    Opened,
    telling_what_is_lost,
)
from universal_calendar.services.ports.answers import Answer, Replay
from universal_calendar.services.ports.calendars import Access
from universal_calendar.services.ports.identity import Actor, NewId
from universal_calendar.services.ports.units import Units

_COMPANY: Final = "companyId"
# And time to write down what the platform said.
_TWIN_SECONDS: Final = OPENING_SECONDS + 5


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
    new_id: NewId

    async def connect(self, keys: Keys, now: Instant) -> Answer:
        """Ask whose account it is, and keep it; retries are answered alike.

        Raises InvalidField for a key or a company that is not the account's, and, of
        the provider's errors, Throttled and ProviderDown: then try again. They say so
        where a refresh token is used up.
        """
        asked = Asked(keys.tenant_id, keys.actor, keys.replay, now, _TWIN_SECONDS)

        async def work(keep: Keep) -> Answer:
            return await self._connect(keys, now, keep)

        return await ReservedAnswers(self.units).answer(asked, work)

    async def _connect(self, keys: Keys, now: Instant, keep: Keep) -> Answer:
        access = Access(keys.tenant_id, self.new_id(now), keys.secrets)
        opened = await self._opened(keys, access)
        with telling_what_is_lost(is_renewed=opened.is_renewed):
            new = self.connections.described(
                opened.access, keys.provider, opened.account, now, None, keys.timezone
            )
            async with self.units.begin(keys.tenant_id, keys.actor, now) as unit:
                connection = await self.connections.keep(unit, new)
                answer = await keep(unit, keys.written(connection))
        await self.connections.wake(connection, now)
        return answer

    async def _opened(self, keys: Keys, access: Access) -> Opened:
        try:
            opened = await self.connections.open(keys.provider, access)
        except (Throttled, ProviderDown):
            raise
        except ProviderError as error:
            refusal = InvalidField(keys.sent_as, "is not accepted there: check it")
            for note in getattr(error, "__notes__", ()):
                refusal.add_note(note)
            raise refusal from None
        if keys.company_id not in (None, opened.account.account):
            raise InvalidField(_COMPANY, "is not the company that the key opens")
        return opened
