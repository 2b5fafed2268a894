"""Which tenants exist: known ones pass, credentials that may bring new ones do so."""

from uuid import UUID

from universal_calendar.core.errors import (
    AlreadyExists,
    IdempotencyMismatch,
    TenantNotFound,
)
from universal_calendar.core.instant import Instant
from universal_calendar.services.ports.answers import Answer, Replay
from universal_calendar.services.ports.identity import Actor, ActorKind
from universal_calendar.services.ports.platform import (
    HoursSource,
    PlatformFailed,
    PlatformTenant,
)
from universal_calendar.services.ports.tenants import Tenant, TenantStore
from universal_calendar.services.ports.units import Units


class Tenancy:
    """Lets tenants in, and adds those that a credential may add."""

    def __init__(
        self, tenants: TenantStore, units: Units, source: HoursSource | None
    ) -> None:
        """Take the tenant service, None where there is none."""
        self._tenants, self._units, self._source = tenants, units, source

    async def admit(self, tenant_id: UUID, actor: Actor, now: Instant) -> None:
        """Make sure of the tenant of a request; ask outside of any transaction.

        An unknown one is added for a user, whose token names it, and for a service
        only if the tenant service knows it. Raises TenantNotFound.
        """
        # Nothing is remembered from one request to the next: an erased tenant is shut
        # out at once, in every process.
        if not await self._tenants.exists(tenant_id):
            await self._add_unknown(tenant_id, actor, now)

    async def create(
        self, tenant: Tenant, actor: Actor, now: Instant, replay: Replay, answer: Answer
    ) -> Answer:
        """Add a tenant and return the answer; a retry gets the first one's.

        Raises AlreadyExists and IdempotencyMismatch.
        """
        try:
            return await self._added_once(tenant, actor, now, replay, answer)
        except AlreadyExists:
            if replay.idempotency_key is None:
                raise
        # A concurrent twin may have been first; then its answer is there by now.
        return await self._added_once(tenant, actor, now, replay, answer)

    async def _added_once(
        self, tenant: Tenant, actor: Actor, now: Instant, replay: Replay, answer: Answer
    ) -> Answer:
        async with self._units.begin(tenant.tenant_id, actor, now) as unit:
            is_keyed = replay.idempotency_key is not None
            stored = await unit.answers.read(replay) if is_keyed else None
            if stored is not None:
                if not stored.is_same_request:
                    raise IdempotencyMismatch
                return stored.answer
            await unit.tenants.add(tenant, now)
            await unit.audit.record("tenant.created", tenant.tenant_id)
            if is_keyed:
                # Not before: the key belongs to the tenant.
                await unit.answers.claim(replay)
                await unit.answers.keep(replay, answer)
            return answer

    async def _add_unknown(self, tenant_id: UUID, actor: Actor, now: Instant) -> None:
        told = await self._described(tenant_id, now)
        if told is None:
            if actor.kind is not ActorKind.USER:
                raise TenantNotFound
            told = PlatformTenant(f"Tenant {str(tenant_id)[:8]}", None, None)
        tenant = Tenant(tenant_id, told.name, told.timezone or "UTC")
        try:
            async with self._units.begin(tenant_id, actor, now) as unit:
                await unit.tenants.add(tenant, now)
                await unit.audit.record("tenant.created", tenant_id)
        except AlreadyExists:
            # Added by another request at once, or erased, which is for good.
            await self._tenants.get(tenant_id)

    async def _described(self, tenant_id: UUID, now: Instant) -> PlatformTenant | None:
        """Return what the tenant service says, None where it cannot be asked."""
        if self._source is None:
            return None
        try:
            return await self._source.fetch(tenant_id, now)
        except (TenantNotFound, PlatformFailed):
            return None
