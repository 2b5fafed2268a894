"""Connections to calendars: added, listed, renewed and forgotten."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from universal_calendar.core.errors import AgentNotFound, InvalidField
from universal_calendar.core.instant import Instant
from universal_calendar.services.budget import PATIENCE_SECONDS
from universal_calendar.services.connections.opening import (
    Opened,
    Opening,
    telling_what_is_lost,
)
from universal_calendar.services.field_service.technicians import give_nobodys_visits
from universal_calendar.services.ports.authorization import AuthorizingProvider
from universal_calendar.services.ports.calendars import (
    Access,
    CalendarProvider,
    ProviderAccount,
    ProviderCalendar,
)
from universal_calendar.services.ports.connections import (
    Connection,
    ConnectionNotFound,
    ConnectionStore,
    NewCalendar,
    NewConnection,
)
from universal_calendar.services.ports.identity import Actor, ActorKind, NewId
from universal_calendar.services.ports.units import Unit, Units

COMMAND_LINE: Final = Actor(ActorKind.COMMAND_LINE, "connections")
TECHNICIANS_SAY: Final = (
    "leave it out: whose time a platform's visits take, its technicians say"
)


class Connections:
    """Manages the accounts that tenants connected."""

    def __init__(
        self,
        connections: ConnectionStore,
        units: Units,
        providers: Mapping[str, CalendarProvider],
        new_id: NewId,
        authorizers: Mapping[str, AuthorizingProvider] | None = None,
    ) -> None:
        """Take the providers that this installation offers, by name.

        `authorizers` renew the tokens of accounts that are being connected.
        """
        self._connections, self._units = connections, units
        self._providers, self._new_id = providers, new_id
        self._opening = Opening(providers, authorizers or {})

    async def add(
        self,
        tenant_id: UUID,
        provider: str,
        secrets: Mapping[str, str],
        now: Instant,
        agent_id: UUID | None = None,
        *,
        actor: Actor = COMMAND_LINE,
    ) -> Connection:
        """Connect an account, or renew the credentials of one that is connected.

        The provider is asked whose account it is. Where the agent, or without one the
        tenant, writes to no calendar yet, its primary calendar is written to from now
        on, and it is read in any case. Raises InvalidField for a provider that is not
        offered and for an agent given to a platform's schedule, AgentNotFound, and the
        provider's errors.
        """
        access = Access(tenant_id, self._new_id(now), secrets)
        opened = await self.open(provider, access)
        with telling_what_is_lost(is_renewed=opened.is_renewed):
            new = self.described(opened.access, provider, opened.account, now, agent_id)
            async with self._units.begin(tenant_id, actor, now) as unit:
                connection = await self.keep(unit, new)
        await self.wake(connection, now)
        return connection

    async def open(self, provider: str, access: Access) -> Opened:
        """Ask whose account it is that is to be connected; renew tokens that ended.

        Raises InvalidField for a provider that is not offered, and the provider's
        errors.
        """
        self._offered(provider)
        return await self._opening.open(provider, access)

    def _offered(self, provider: str) -> CalendarProvider:
        try:
            return self._providers[provider]
        except KeyError:
            raise not_offered(self._providers) from None

    def described(
        self,
        access: Access,
        provider: str,
        account: ProviderAccount,
        now: Instant,
        agent_id: UUID | None = None,
        timezone: str | None = None,
    ) -> NewConnection:
        """Return the connection that the account is to be."""
        return NewConnection(
            access.tenant_id,
            access.connection_id,
            provider,
            agent_id,
            account.account,
            access.secrets,
            self._calendars(account, now),
            timezone,
            account.timezone,
        )

    def _calendars(
        self, account: ProviderAccount, now: Instant
    ) -> Sequence[NewCalendar]:
        main = _main(account.calendars)
        return [
            NewCalendar(
                self._new_id(now),
                each.external_id,
                each.name,
                is_primary=each is main,
                is_writable=each.is_writable,
                is_read=each is main,
                is_schedule=each.is_schedule,
            )
            for each in account.calendars
        ]

    async def keep(self, unit: Unit, new: NewConnection) -> Connection:
        """Keep the account, and have it read at once.

        Once this is committed, `wake` what waited for it. Raises AgentNotFound, and
        InvalidField for an agent that is given to a platform's schedule.
        """
        agent_ids = await unit.agents.lock(unit.tenant_id)
        is_schedule = any(each.is_schedule for each in new.calendars)
        if is_schedule and new.agent_id is not None:
            raise InvalidField("agentId", TECHNICIANS_SAY)
        if new.agent_id is not None and new.agent_id not in agent_ids:
            raise AgentNotFound(new.agent_id)
        kept = await unit.connections.add(new, unit.now)
        if is_schedule:
            await give_nobodys_visits(unit, kept.connection_id, self._new_id)
        await unit.connections.count_change(unit.tenant_id, agent_ids)
        connection = await found(unit.connections, unit.tenant_id, kept.connection_id)
        await unit.sync_requests.want(
            unit.tenant_id, connection.read_calendars, unit.now
        )
        action = "connection.added" if kept.is_new else "connection.renewed"
        await unit.audit.record(action, kept.connection_id)
        return connection

    async def wake(self, connection: Connection, now: Instant) -> None:
        """Make due at once what waited for the connection to work again."""
        known = connection.tenant_id, connection.connection_id
        await self._connections.wake(*known, now)

    async def all(self, tenant_id: UUID) -> Sequence[Connection]:
        """Return the tenant's connections, oldest first."""
        return await self._connections.all(tenant_id)

    async def get(self, tenant_id: UUID, connection_id: UUID) -> Connection:
        """Return a connection; raise ConnectionNotFound."""
        return await found(self._connections, tenant_id, connection_id)

    async def access(self, tenant_id: UUID, connection_id: UUID) -> Access:
        """Return what opens the account; raise ConnectionNotFound."""
        return await self._connections.access(tenant_id, connection_id)

    async def test(self, tenant_id: UUID, connection_id: UUID) -> ProviderAccount:
        """Ask the provider whose account it is, now.

        Raises ConnectionNotFound, InvalidField for a provider that is offered no more,
        and the provider's errors.
        """
        connection = await self.get(tenant_id, connection_id)
        access = await self.access(tenant_id, connection_id)
        asked = self._offered(connection.provider)
        return await asked.account(access, seconds=PATIENCE_SECONDS)

    async def remove(
        self,
        tenant_id: UUID,
        connection_id: UUID,
        now: Instant,
        *,
        actor: Actor = COMMAND_LINE,
    ) -> None:
        """Forget the account and everything known by it; raise ConnectionNotFound.

        Events that were written stay at the provider: nothing is left to open it with.
        """
        async with self._units.begin(tenant_id, actor, now) as unit:
            agent_ids = await unit.agents.lock(tenant_id)
            await unit.connections.remove(tenant_id, connection_id)
            await unit.connections.count_change(tenant_id, agent_ids)
            await unit.audit.record("connection.removed", connection_id)


async def found(
    connections: ConnectionStore, tenant_id: UUID, connection_id: UUID
) -> Connection:
    """Return a connection; raise ConnectionNotFound."""
    for each in await connections.all(tenant_id):
        if each.connection_id == connection_id:
            return each
    raise ConnectionNotFound


def not_offered(offered: Mapping[str, object]) -> InvalidField:
    """Return the error for a provider that this installation does not offer."""
    names = ", ".join(sorted(offered)) or "none"
    mend = (
        f"is not offered here; these are: {names}. A provider for development"
        " needs ENVIRONMENT=development"
    )
    return InvalidField("provider", mend)


def _main(calendars: Sequence[ProviderCalendar]) -> ProviderCalendar | None:
    """Return the primary calendar, else the first that can be written to, else one."""
    ordered = sorted(
        calendars, key=lambda each: (not each.is_primary, not each.is_writable)
    )
    return ordered[0] if ordered else None
