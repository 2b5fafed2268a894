"""API keys: made, listed, rotated, revoked; the environment's key follows it."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from universal_calendar.core.errors import AgentNotFound, AlreadyExists, KeyNotFound
from universal_calendar.core.instant import from_datetime
from universal_calendar.services.ports.api_keys import ApiKey, ApiKeyStore
from universal_calendar.services.ports.identity import NewId
from universal_calendar.services.ports.tenants import AgentStore, TenantStore

NewSecret = Callable[[], str]

ENVIRONMENT_LABEL: Final = "CALENDAR_API_KEY"


class ApiKeys:
    """Makes and ends API keys."""

    def __init__(
        self,
        keys: ApiKeyStore,
        tenants: TenantStore,
        agents: AgentStore,
        new_id: NewId,
        new_secret: NewSecret,
    ) -> None:
        """Take the ports."""
        self._keys, self._tenants, self._agents = keys, tenants, agents
        self._new_id, self._new_secret = new_id, new_secret

    async def create(
        self,
        tenant_id: UUID,
        now: datetime,
        *,
        label: str = "",
        agent_ids: Sequence[UUID] | None = None,
        expires_at: datetime | None = None,
    ) -> tuple[ApiKey, str]:
        """Make a key for all agents of a tenant, or for some; return it and its secret.

        Raises TenantNotFound, or AgentNotFound for an agent that is not the tenant's.
        """
        await self._tenants.get(tenant_id)
        await self._check_agents(tenant_id, agent_ids or ())
        key = ApiKey(
            tenant_id,
            self._new_id(from_datetime(now)),
            label,
            None if agent_ids is None else tuple(agent_ids),
            now,
            expires_at,
        )
        secret = self._new_secret()
        await self._keys.add(key, secret)
        return key, secret

    async def _check_agents(self, tenant_id: UUID, agent_ids: Sequence[UUID]) -> None:
        known = {each.agent_id for each in await self._agents.of_tenant(tenant_id)}
        for agent_id in agent_ids:
            if agent_id not in known:
                raise AgentNotFound(agent_id)

    async def all(self, tenant_id: UUID) -> Sequence[ApiKey]:
        """Return the tenant's keys, oldest first, revoked ones included."""
        await self._tenants.get(tenant_id)
        return await self._keys.of_tenant(tenant_id)

    async def find(self, key_id: UUID) -> ApiKey:
        """Return a key by its id, whoever's it is; raise KeyNotFound."""
        for tenant_id in await self._tenants.ids():
            for key in await self._keys.of_tenant(tenant_id):
                if key.key_id == key_id:
                    return key
        raise KeyNotFound

    async def revoke(self, key: ApiKey, now: datetime) -> None:
        """End a key at once."""
        await self._keys.end(key.tenant_id, key.key_id, at=now, now=now)

    async def rotate(
        self, key: ApiKey, now: datetime, overlap: timedelta
    ) -> tuple[ApiKey, str]:
        """Make a key with the same scope, and let the old one last for the overlap."""
        made = await self.create(
            key.tenant_id, now, label=key.label, agent_ids=key.agent_ids
        )
        await self._keys.end(key.tenant_id, key.key_id, at=now + overlap, now=now)
        return made

    async def follow_environment(
        self, tenant_id: UUID, secret: str | None, now: datetime
    ) -> None:
        """Make the environment's key work, and no key of an earlier environment.

        It covers all agents of the tenant. Without a secret there is none.
        """
        holder = None if secret is None else await self._keys.with_secret(secret)
        for key in await self._keys.of_tenant(tenant_id):
            if key.is_from_environment and key.key_id != holder:
                await self.revoke(key, now)
        if holder is not None:
            await self._keys.reinstate(tenant_id, holder)
        elif secret is not None:
            await self._add_environment_key(tenant_id, secret, now)

    async def _add_environment_key(
        self, tenant_id: UUID, secret: str, now: datetime
    ) -> None:
        key = ApiKey(
            tenant_id,
            self._new_id(from_datetime(now)),
            ENVIRONMENT_LABEL,
            None,
            now,
            is_from_environment=True,
        )
        # Several processes may start at once; the first to come adds it.
        with suppress(AlreadyExists):
            await self._keys.add(key, secret)
