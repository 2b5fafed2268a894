"""Connecting an account: begun by an owner, finished by the same owner at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from urllib.parse import urlencode
from uuid import UUID

from universal_calendar.core.errors import AgentNotFound
from universal_calendar.core.instant import MINUTE, Instant
from universal_calendar.services.booking.reserved_answers import (
    Asked,
    Keep,
    ReservedAnswers,
)
from universal_calendar.services.connections.connections import (
    Connections,
)
from universal_calendar.services.connections.opening import OPENING_SECONDS
from universal_calendar.services.connections.redeeming import Brought, Redeeming
from universal_calendar.services.ports.answers import Answer, Replay
from universal_calendar.services.ports.calendars import Access
from universal_calendar.services.ports.connecting import (
    Finisher,
    PendingConnection,
    StateUnusable,
)
from universal_calendar.services.ports.connections import Connection, NewConnection
from universal_calendar.services.ports.units import Unit

LIFETIME_SECONDS: Final = 600
LIFETIME: Final = LIFETIME_SECONDS * (MINUTE // 60)
SETUP: Final = "/calendar/setup"
# And time to write down what the provider said.
_TWIN_SECONDS: Final = OPENING_SECONDS + 5

Written: TypeAlias = Callable[[Connection], Answer]
"""Writes the answer that tells of a connection."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Which account is to be connected, and whose calendars they will be."""

    provider: str
    agent_id: UUID | None = None
    timezone: str | None = None
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the owner's browser is to go, and the state that it will bring back."""

    url: str = field(repr=False)
    state: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Finish:
    """Who finishes what; `written` makes the answer that retries get too."""

    tenant_id: UUID
    finisher: Finisher
    brought: Brought
    replay: Replay | None
    written: Written


@dataclass(frozen=True, slots=True)
class Connecting:
    """Connects accounts in two steps."""

    connections: Connections
    redeeming: Redeeming

    async def begin(self, unit: Unit, wish: Wish) -> Begun:
        """Return where the owner is to go, within ten minutes.

        That is the provider's consent page where it has one, unless credentials that
        it takes as well were given. Raises AgentNotFound, and InvalidField for a
        provider that is not offered.
        """
        provider = self.redeeming.provider(wish.provider)
        making = self.redeeming.making
        await _check_agent(unit, wish.agent_id)
        state = making.state(unit.tenant_id, unit.now)
        query = urlencode({"state": state.text})
        url, verifier = f"{making.public_url}{SETUP}?{query}", None
        names = {each.name for each in provider.credentials} & wish.credentials.keys()
        if provider.authorizer is not None and not names:
            verifier = making.new_secret()
            url = self.redeeming.consent_url(provider.authorizer, state, verifier)
        pending = PendingConnection(
            unit.tenant_id,
            state.pending_id,
            wish.provider,
            unit.actor,
            wish.agent_id,
            wish.timezone,
            unit.now + LIFETIME,
            verifier,
            {name: wish.credentials[name] for name in names},
        )
        await unit.pending_connections.add(pending, state.secret, unit.now)
        return Begun(url, state.text)

    async def finish(self, finish: Finish, now: Instant) -> Answer:
        """Connect the account for whoever began, and answer every retry alike.

        Raises InvalidField for a state, a code or credentials that cannot be used, and
        the provider's errors, after which the same may be tried again.
        """
        actor = finish.finisher.actor
        asked = Asked(finish.tenant_id, actor, finish.replay, now, _TWIN_SECONDS)

        async def work(keep: Keep) -> Answer:
            return await self._finish(finish, now, keep)

        return await ReservedAnswers(self.redeeming.units).answer(asked, work)

    async def _finish(self, finish: Finish, now: Instant, keep: Keep) -> Answer:
        if finish.brought.state.tenant_id != finish.tenant_id:
            raise StateUnusable
        pending = await self.redeeming.redeem(finish.brought, now, finish.finisher)
        new = self.described(pending, now)
        units, actor = self.redeeming.units, finish.finisher.actor
        async with units.begin(finish.tenant_id, actor, now) as unit:
            connection = await self.connections.keep(unit, new)
            answer = await keep(unit, finish.written(connection))
        await self.connections.wake(connection, now)
        return answer

    def described(self, pending: PendingConnection, now: Instant) -> NewConnection:
        """Return the connection that a redeemed account is to be."""
        if pending.secrets is None or pending.account is None:
            raise StateUnusable
        access = Access(pending.tenant_id, pending.pending_id, pending.secrets)
        return self.connections.described(
            access,
            pending.provider,
            pending.account,
            now,
            agent_id=pending.agent_id,
            timezone=pending.timezone,
        )


async def _check_agent(unit: Unit, agent_id: UUID | None) -> None:
    agents = await unit.agents.of_tenant(unit.tenant_id)
    if agent_id is not None and agent_id not in {each.agent_id for each in agents}:
        raise AgentNotFound(agent_id)
