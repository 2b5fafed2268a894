"""Connecting in a browser that nobody authenticated: it is asked before it is done.

A link to a consent page, or to our set-up page, may have been forwarded. So whoever
ends there is shown account and business, and only their own yes connects them: it is
said by a token that is on that very page, and nowhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from universal_calendar.core.instant import Instant
from universal_calendar.services.connections.connecting import LIFETIME, Connecting
from universal_calendar.services.connections.redeeming import (
    BROWSER,
    Brought,
    Redeeming,
    State,
)
from universal_calendar.services.ports.connecting import (
    Connectable,
    PendingConnection,
    StateUnusable,
)
from universal_calendar.services.ports.connections import Connection


@dataclass(frozen=True, slots=True)
class Question:
    """Whether this account is to be connected to this business; the token says yes."""

    token: str = field(repr=False)
    provider: Connectable
    business: str = field(repr=False)
    account: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Setup:
    """What the set-up page asks for, and what is known of it already."""

    provider: Connectable
    business: str = field(repr=False)
    given: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Visitor:
    """From where a browser asks, for the audit log."""

    address: str
    request_id: str


@dataclass(frozen=True, slots=True)
class BrowserConnecting:
    """Leads a browser from a state to a connection."""

    connecting: Connecting

    @property
    def _redeeming(self) -> Redeeming:
        return self.connecting.redeeming

    async def setup(self, text: str, now: Instant) -> Setup:
        """Return what the set-up page of a state asks for; raise StateUnusable."""
        state = State.parse(text)
        async with self._redeeming.units.begin(state.tenant_id, BROWSER, now) as unit:
            pending = await unit.pending_connections.peek(
                state.tenant_id, state.pending_id, state.secret, now
            )
            tenant = await unit.tenants.get(state.tenant_id)
        provider = self._redeeming.provider(pending.provider)
        if pending.by_consent or pending.account is not None:
            raise StateUnusable
        return Setup(provider, tenant.name, pending.credentials)

    async def receive(self, brought: Brought, now: Instant) -> Question:
        """Redeem what was brought, and return what is to be asked.

        Raises what `Redeeming.redeem` raises.
        """
        pending = await self._redeeming.redeem(brought, now)
        state = self._redeeming.making.state(pending.tenant_id, now)
        asked = replace(pending, pending_id=state.pending_id, expires_at=now + LIFETIME)
        async with self._redeeming.units.begin(
            pending.tenant_id, pending.actor, now
        ) as unit:
            await unit.pending_connections.add(asked, state.secret, now)
            tenant = await unit.tenants.get(pending.tenant_id)
        provider = self._redeeming.provider(pending.provider)
        if pending.account is None:
            raise StateUnusable
        return Question(state.text, provider, tenant.name, pending.account.account)

    async def confirm(self, token: str, visitor: Visitor, now: Instant) -> Connection:
        """Connect what was asked about, once; raise StateUnusable."""
        pending = await self._asked(token, now)
        new = self.connecting.described(pending, now)
        actor = replace(
            pending.actor, address=visitor.address, request_id=visitor.request_id
        )
        async with self._redeeming.units.begin(pending.tenant_id, actor, now) as unit:
            connection = await self.connecting.connections.keep(unit, new)
        await self.connecting.connections.wake(connection, now)
        return connection

    async def _asked(self, token: str, now: Instant) -> PendingConnection:
        return await self._redeeming.take(State.parse(token), now)

    async def abandon(self, text: str, now: Instant) -> str:
        """Forget what a state or a token stands for; return the provider's slug.

        The authorisation itself is its owner's to withdraw: it may be older than this
        attempt. Raises StateUnusable.
        """
        return (await self._asked(text, now)).provider
