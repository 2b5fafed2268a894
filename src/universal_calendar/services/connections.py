"""Connections to calendars: added, listed, removed; which calendar is written to."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from universal_calendar.core.errors import InvalidField
from universal_calendar.core.instant import Instant
from universal_calendar.services.ports.calendars import (
    Access,
    CalendarProvider,
    ProviderAccount,
)
from universal_calendar.services.ports.connections import (
    Connection,
    ConnectionNotFound,
    ConnectionStore,
    NewCalendar,
    NewConnection,
)
from universal_calendar.services.ports.identity import NewId

PATIENCE_SECONDS: Final = 10.0


class Connections:
    """Manages the accounts that tenants connected."""

    def __init__(
        self,
        connections: ConnectionStore,
        providers: Mapping[str, CalendarProvider],
        new_id: NewId,
    ) -> None:
        """Take the providers that this installation offers, by name."""
        self._connections, self._providers = connections, providers
        self._new_id = new_id

    async def add(
        self,
        tenant_id: UUID,
        provider: str,
        secrets: Mapping[str, str],
        now: Instant,
        agent_id: UUID | None = None,
    ) -> Connection:
        """Connect an account, or renew the credentials of one that is connected.

        The provider is asked whose account it is. Where the agent, or without one the
        tenant, writes to no calendar yet, its primary calendar is written to from now
        on. Raises InvalidField for a provider that is not offered, AgentNotFound, and
        the provider's errors.
        """
        asked = self._offered(provider)
        connection_id = self._new_id(now)
        access = Access(tenant_id, connection_id, secrets)
        account = await asked.account(access, seconds=PATIENCE_SECONDS)
        kept = await self._connections.add(
            NewConnection(
                tenant_id,
                connection_id,
                provider,
                agent_id,
                account.account,
                secrets,
                self._calendars(account, now),
            ),
            now,
        )
        return await self.get(tenant_id, kept)

    def _offered(self, provider: str) -> CalendarProvider:
        try:
            return self._providers[provider]
        except KeyError:
            names = ", ".join(sorted(self._providers)) or "none"
            mend = (
                f"is not offered here; these are: {names}. A provider for development"
                " needs ENVIRONMENT=development"
            )
            raise InvalidField("provider", mend) from None

    def _calendars(
        self, account: ProviderAccount, now: Instant
    ) -> Sequence[NewCalendar]:
        return [
            NewCalendar(
                self._new_id(now),
                each.external_id,
                each.name,
                each.is_primary,
                each.is_writable,
            )
            for each in account.calendars
        ]

    async def all(self, tenant_id: UUID) -> Sequence[Connection]:
        """Return the tenant's connections, oldest first."""
        return await self._connections.all(tenant_id)

    async def get(self, tenant_id: UUID, connection_id: UUID) -> Connection:
        """Return a connection; raise ConnectionNotFound."""
        for each in await self._connections.all(tenant_id):
            if each.connection_id == connection_id:
                return each
        raise ConnectionNotFound

    async def access(self, tenant_id: UUID, connection_id: UUID) -> Access:
        """Return what opens the account; raise ConnectionNotFound."""
        return await self._connections.access(tenant_id, connection_id)

    async def remove(self, tenant_id: UUID, connection_id: UUID) -> None:
        """Forget the account and everything known by it; raise ConnectionNotFound.

        Events that were written stay at the provider: nothing is left to open it with.
        """
        await self._connections.remove(tenant_id, connection_id)

    async def set_write_calendar(
        self, tenant_id: UUID, calendar_id: UUID, agent_id: UUID | None = None
    ) -> None:
        """Write future appointments there: the agent's, or those of agents without.

        Appointments that are booked already stay where they were written. Raises
        CalendarNotFound, AgentNotFound, and InvalidField for one that cannot be
        written to.
        """
        for connection in await self._connections.all(tenant_id):
            for each in connection.calendars:
                if each.calendar_id == calendar_id and not each.is_writable:
                    raise InvalidField("calendar", "choose one that is writable")
        await self._connections.set_write_calendar(tenant_id, calendar_id, agent_id)
