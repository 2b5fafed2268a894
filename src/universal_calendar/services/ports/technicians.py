"""Technicians of connected platforms, and the agents as whom they are known here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from universal_calendar.core.errors import NotFound
from universal_calendar.services.ports.visits import Technician


class TechnicianNotFound(NotFound):
    """No such technician; GET /integrations/{provider}/technicians lists them."""


@dataclass(frozen=True, slots=True)
class KnownTechnician:
    """A technician, and the agent whose time their visits take; None: nobody's.

    `is_fallback`: no agent had their name, and nobody has said who they are here.
    """

    technician: Technician
    agent_id: UUID | None
    is_fallback: bool = False


class TechnicianStore(Protocol):
    """Keeps technicians, one of them being NOBODY.

    Whoever changes whose time is taken counts a change of the agents concerned, which
    the caller has locked.
    """

    async def keep(
        self, tenant_id: UUID, connection_id: UUID, found: Sequence[Technician]
    ) -> Mapping[str, UUID | None]:
        """Add, rename or retire technicians; return the agents of all, by their ids.

        One that is new becomes the active agent of the same name, if that is nobody
        else's here, else whoever takes the visits of nobody: as a fallback, until an
        agent has their name, or somebody assigns them.
        """

    async def knows(
        self, tenant_id: UUID, connection_id: UUID, found: Sequence[Technician]
    ) -> bool:
        """Tell whether `keep` would change nothing."""

    async def agents(
        self, tenant_id: UUID, connection_id: UUID
    ) -> Mapping[str, UUID | None]:
        """Return the agents by technicians' ids."""

    async def all(
        self, tenant_id: UUID, connection_id: UUID
    ) -> Sequence[KnownTechnician]:
        """Return the technicians, NOBODY first, then by name."""

    async def assign(
        self,
        tenant_id: UUID,
        connection_id: UUID,
        technician_id: str,
        agent_id: UUID | None,
    ) -> None:
        """Say whose time their visits take.

        Raises TechnicianNotFound and AgentNotFound.
        """

    async def of_agent(
        self, tenant_id: UUID, connection_id: UUID, agent_id: UUID
    ) -> Sequence[str]:
        """Return the ids of active technicians who work as the agent.

        The first gets the agent's visits.
        """
