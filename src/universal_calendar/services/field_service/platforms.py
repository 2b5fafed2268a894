"""Field-service platforms, and a tenant's accounts there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from universal_calendar.core.errors import InvalidField, NotFound
from universal_calendar.core.instant import Instant
from universal_calendar.services.budget import PATIENCE_SECONDS
from universal_calendar.services.field_service.technicians import Technicians
from universal_calendar.services.ports.calendars import Access
from universal_calendar.services.ports.connections import Connection
from universal_calendar.services.ports.field_service import FieldServiceProvider
from universal_calendar.services.ports.identity import Actor
from universal_calendar.services.ports.technicians import (
    KnownTechnician,
    TechnicianNotFound,
)
from universal_calendar.services.ports.units import Unit, Units
from universal_calendar.services.ports.visits import NOBODY

UNASSIGNED: Final = "unassigned"
"""How callers say NOBODY, which is no text that a path could hold."""


class PlatformNotFound(NotFound):
    """No such field-service platform."""


class PlatformNotConnected(NotFound):
    """The platform is not connected."""

    def __init__(self, provider: str) -> None:
        """Name a platform that there is, and the next step."""
        step = f"POST /integrations/{provider}/connect or /calendar/connect"
        super().__init__(f"{provider} is not connected; connect it with {step}")


@dataclass(frozen=True, slots=True)
class Platforms:
    """The platforms that this installation offers, by slug."""

    offered: Mapping[str, FieldServiceProvider]
    units: Units
    technicians: Technicians

    def named(self, provider: str) -> FieldServiceProvider:
        """Return a platform; raise PlatformNotFound."""
        try:
            return self.offered[provider]
        except KeyError:
            raise PlatformNotFound from None

    async def accounts(self, unit: Unit, provider: str) -> Sequence[Connection]:
        """Return the accounts there: that which is written to by default comes first.

        Raises PlatformNotFound and PlatformNotConnected.
        """
        self.named(provider)
        found = [
            each
            for each in await unit.connections.all(unit.tenant_id)
            if each.provider == provider and each.schedule is not None
        ]
        if not found:
            raise PlatformNotConnected(provider)
        return sorted(found, key=lambda each: not _is_written_by(each, None))

    async def account(
        self, unit: Unit, provider: str, agent_id: UUID | None = None
    ) -> Connection:
        """Return the account that this agent's jobs are made in.

        That is their own, else the one that is written to by default, else the oldest.
        """
        accounts = await self.accounts(unit, provider)
        own = (each for each in accounts if _is_written_by(each, agent_id))
        return next(own, accounts[0])

    async def opened(
        self, tenant_id: UUID, actor: Actor, provider: str, now: Instant
    ) -> Access:
        """Return what opens the account.

        Raises PlatformNotFound and PlatformNotConnected.
        """
        async with self.units.begin(tenant_id, actor, now) as unit:
            account = await self.account(unit, provider)
            return await unit.connections.access(tenant_id, account.connection_id)

    async def technicians_of(
        self, tenant_id: UUID, actor: Actor, provider: str, now: Instant
    ) -> Sequence[KnownTechnician]:
        """Return who does jobs there; the platform is asked if that is not known yet.

        Raises PlatformNotFound, PlatformNotConnected and the platform's errors.
        """
        access = await self.opened(tenant_id, actor, provider, now)
        known = await self.technicians.all(tenant_id, access.connection_id)
        if any(each.technician.technician_id != NOBODY for each in known):
            return known
        await self.technicians.refresh(
            self.named(provider), access, now, seconds=PATIENCE_SECONDS
        )
        return await self.technicians.all(tenant_id, access.connection_id)


def schedule_of(account: Connection) -> UUID:
    """Return the id of an account's schedule."""
    if account.schedule is None:
        raise LookupError("an account of a platform has a schedule")
    return account.schedule.calendar_id


async def agent_of(
    unit: Unit,
    account: Connection,
    technician_id: str | None,
    agent_id: UUID | None,
) -> UUID | None:
    """Return the agent that a technician is; without one, the agent that was named.

    Raises TechnicianNotFound, and InvalidField for a technician who is no agent, or
    another one, or who does not work there any more.
    """
    if technician_id is None:
        return agent_id
    ids = unit.tenant_id, account.connection_id
    agents = await unit.technicians.agents(*ids)
    if technician_id not in agents or technician_id == NOBODY:
        raise TechnicianNotFound
    found = agents[technician_id]
    if found is None:
        raise unusable("give this technician an agent first")
    if agent_id not in (None, found):
        raise unusable("is not that agent; send one of the two")
    if technician_id not in await unit.technicians.of_agent(*ids, found):
        raise unusable("does not work there any more")
    return found


def unusable(mend: str) -> InvalidField:
    """Return the error for a technician who cannot be given the job."""
    return InvalidField("technicianId", mend)


def _is_written_by(account: Connection, agent_id: UUID | None) -> bool:
    """Tell whether the agent has it written to; None: those without one of theirs."""
    return any(agent_id in each.written_by for each in account.calendars)
