"""Tenants in the tenant API: a user's own, or the one that a service names."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from universal_calendar.services.connections.connection_usage import (
    follow_tenant_zone,
)
from universal_calendar.services.ports.answers import Answer, Replay
from universal_calendar.services.ports.identity import NewId, Role
from universal_calendar.services.ports.tenants import Tenant
from universal_calendar.services.tenants.tenancy import Tenancy
from universal_calendar.services.tenants.tenants import Tenants
from universal_calendar.web.tenant_api.envelope import success
from universal_calendar.web.tenant_api.fields import (
    Answered,
    Id,
    Inputs,
    Name,
    OfTenant,
    Zone,
)
from universal_calendar.web.tenant_api.openapi import AnyOperation
from universal_calendar.web.tenant_api.operation import (
    Arrival,
    Call,
    Data,
    Mode,
    Operation,
    Source,
)

_TAG: Final = "Tenants"
_ONE: Final = "/tenants/{tenantId}"


class NewTenant(Inputs):
    """A tenant without agents; `id` for one that others know already."""

    name: Name
    timezone: Zone = "UTC"
    id: Id | None = None


class ChangedTenant(Inputs):
    """What is to change; what is absent or null stays."""

    name: Name | None = None
    timezone: Zone | None = None


class TenantAnswer(Answered):
    """A business; its reminders are in /notice-settings."""

    id: UUID
    name: str
    timezone: str


class OneTenant(Answered):
    """A tenant."""

    tenant: TenantAnswer


class TenantList(Answered):
    """The tenants that the credential reaches: one."""

    tenants: list[TenantAnswer]


@dataclass(frozen=True, slots=True)
class TenantsApi:
    """The handlers, with what they need."""

    tenancy: Tenancy
    new_id: NewId
    id_from_key: Callable[[str], UUID]
    """Makes the id that every retry under an idempotency key finds again."""

    def operations(self) -> list[AnyOperation]:
        """Return the endpoints."""
        return [
            Operation(
                "GET",
                "/tenants",
                "List the tenants that one may see",
                _TAG,
                Role.VIEWER,
                OfTenant,
                self.list,
                TenantList,
            ),
            Operation(
                "POST",
                "/tenants",
                "Add a tenant",
                _TAG,
                Role.OWNER,
                NewTenant,
                self.create,
                OneTenant,
                source=Source.BODY,
                mode=Mode.OWN,
                errors={409: "CONFLICT: details.reason is already_exists"},
                for_services=True,
                tenant_of=self.place,
            ),
            Operation(
                "GET",
                _ONE,
                "Read a tenant",
                _TAG,
                Role.VIEWER,
                OfTenant,
                self.read,
                OneTenant,
            ),
            Operation(
                "PUT",
                _ONE,
                "Change name or zone",
                _TAG,
                Role.OWNER,
                ChangedTenant,
                self.update,
                OneTenant,
                source=Source.BODY,
            ),
        ]

    async def list(self, call: Call, _inputs: OfTenant) -> Data:
        """Return the caller's tenant, as a list."""
        return {"tenants": [await _current(call)]}

    async def place(self, arrival: Arrival, inputs: NewTenant) -> UUID:
        """Return the new tenant's id: the given one, or one that retries find."""
        if inputs.id is not None:
            return inputs.id
        key = None if arrival.replay is None else arrival.replay.idempotency_key
        return self.new_id(arrival.now) if key is None else self.id_from_key(key)

    async def create(self, call: Call, inputs: NewTenant) -> Answer:
        """Add a tenant."""
        tenant = Tenant(call.tenant_id, inputs.name, inputs.timezone)
        data = {"tenant": _written(tenant)}
        replay = call.replay or Replay("", None, None, b"")
        return await self.tenancy.create(
            tenant, call.actor, call.now, replay, success(data)
        )

    async def read(self, call: Call, _inputs: OfTenant) -> Data:
        """Return a tenant."""
        return {"tenant": await _current(call)}

    async def update(self, call: Call, inputs: ChangedTenant) -> Data:
        """Change a tenant."""
        unit = call.unit
        tenants = Tenants(unit.tenants, unit.agents, self.new_id)
        before = await tenants.get(call.tenant_id)
        tenant = await tenants.update(
            before, name=inputs.name, timezone=inputs.timezone
        )
        if tenant.timezone != before.timezone:
            await follow_tenant_zone(unit)
        await unit.audit.record("tenant.updated", call.tenant_id)
        return {"tenant": _written(tenant)}


async def _current(call: Call) -> Data:
    return _written(await call.unit.tenants.get(call.tenant_id))


def _written(tenant: Tenant) -> Data:
    return {
        "id": tenant.tenant_id,
        "name": tenant.name,
        "timezone": tenant.timezone,
    }
