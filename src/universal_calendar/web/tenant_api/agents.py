"""Agents in the tenant API: who is booked, and when they are open."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from universal_calendar.core.errors import InvalidField, UnknownName
from universal_calendar.services.ports.identity import NewId, Role
from universal_calendar.services.ports.tenants import Agent
from universal_calendar.services.tenants.tenants import Tenants
from universal_calendar.web.tenant_api.errors import invalid_input
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
    Call,
    Data,
    Operation,
    Source,
)

_TAG: Final = "Agents"
_ID: Final = "agentId"
_ONE: Final = f"/agents/{{{_ID}}}"
_HOURS: Final = f"{_ONE}/hours"


class NewAgent(Inputs):
    """An agent without hours; its zone is the tenant's unless it is given."""

    tenant_id: Id | None = None
    name: Name
    timezone: Zone | None = None
    id: Id | None = None


class ChangedAgent(Inputs):
    """What is to change; what is absent or null stays."""

    tenant_id: Id | None = None
    name: Name | None = None
    timezone: Zone | None = None
    is_active: bool | None = None


class NewHours(Inputs):
    """All hours and rules, as docs/hours.md has them; what is absent is the default."""

    tenant_id: Id | None = None
    hours: dict[str, Any]


class AgentAnswer(Answered):
    """An agent; an inactive one cannot be booked."""

    id: UUID
    name: str
    timezone: str
    is_active: bool


class OneAgent(Answered):
    """An agent."""

    agent: AgentAnswer


class AgentList(Answered):
    """All agents, oldest first."""

    agents: list[AgentAnswer]


class HoursAnswer(Answered):
    """The hours document in full; null where none was ever set."""

    agent_id: UUID
    hours: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class AgentsApi:
    """The handlers, with what they need."""

    new_id: NewId

    def operations(self) -> list[AnyOperation]:
        """Return the endpoints."""
        return [*self._reading(), *self._writing()]

    def _reading(self) -> list[AnyOperation]:
        return [
            Operation(
                "GET",
                "/agents",
                "List the agents",
                _TAG,
                Role.VIEWER,
                OfTenant,
                self.list,
                AgentList,
            ),
            Operation(
                "GET",
                _ONE,
                "Read an agent",
                _TAG,
                Role.VIEWER,
                OfTenant,
                self.read,
                OneAgent,
            ),
            Operation(
                "GET",
                _HOURS,
                "Read an agent's hours and rules",
                _TAG,
                Role.VIEWER,
                OfTenant,
                self.hours,
                HoursAnswer,
            ),
        ]

    def _writing(self) -> list[AnyOperation]:
        return [
            Operation(
                "POST",
                "/agents",
                "Add an agent",
                _TAG,
                Role.OWNER,
                NewAgent,
                self.create,
                OneAgent,
                source=Source.BODY,
                errors={409: "CONFLICT: details.reason is already_exists"},
            ),
            Operation(
                "PUT",
                _ONE,
                "Rename, move or deactivate an agent",
                _TAG,
                Role.OWNER,
                ChangedAgent,
                self.update,
                OneAgent,
                source=Source.BODY,
            ),
            Operation(
                "PUT",
                _HOURS,
                "Set an agent's hours and rules",
                _TAG,
                Role.OWNER,
                NewHours,
                self.set_hours,
                HoursAnswer,
                source=Source.BODY,
            ),
        ]

    async def list(self, call: Call, _inputs: OfTenant) -> Data:
        """Return every agent, inactive ones too."""
        agents = await self._tenants(call).agents(call.tenant_id)
        return {"agents": [_written(each) for each in agents]}

    async def read(self, call: Call, _inputs: OfTenant) -> Data:
        """Return an agent."""
        return {"agent": _written(await self._agent(call))}

    async def create(self, call: Call, inputs: NewAgent) -> Data:
        """Add an agent."""
        tenants = self._tenants(call)
        zone = inputs.timezone or (await tenants.get(call.tenant_id)).timezone
        agent = await tenants.add_agent(
            call.tenant_id, inputs.name, zone, call.now, inputs.id
        )
        await call.unit.audit.record("agent.created", agent.agent_id)
        return {"agent": _written(agent)}

    async def update(self, call: Call, inputs: ChangedAgent) -> Data:
        """Change an agent."""
        agent = await self._tenants(call).update_agent(
            await self._agent(call),
            name=inputs.name,
            timezone=inputs.timezone,
            is_active=inputs.is_active,
        )
        await call.unit.audit.record("agent.updated", agent.agent_id)
        return {"agent": _written(agent)}

    async def hours(self, call: Call, _inputs: OfTenant) -> Data:
        """Return an agent's hours document."""
        agent = await self._agent(call)
        document = await self._tenants(call).hours(agent)
        return {"agentId": agent.agent_id, "hours": document}

    async def set_hours(self, call: Call, inputs: NewHours) -> Data:
        """Replace an agent's hours document."""
        agent = await self._agent(call)
        try:
            document = await self._tenants(call).set_hours(agent, inputs.hours)
        except InvalidField as error:
            raise invalid_input(_place_of(error), error.mend) from None
        await call.unit.audit.record("hours.updated", agent.agent_id)
        return {"agentId": agent.agent_id, "hours": document}

    def _tenants(self, call: Call) -> Tenants:
        return Tenants(call.unit.tenants, call.unit.agents, self.new_id)

    async def _agent(self, call: Call) -> Agent:
        return await self._tenants(call).agent(call.id(_ID), call.tenant_id)


def _place_of(error: InvalidField) -> str:
    """Return where the mistake is, without the name that somebody made up."""
    place = error.place if isinstance(error, UnknownName) else error.field
    return f"hours.{place}" if place else "hours"


def _written(agent: Agent) -> Data:
    return {
        "id": agent.agent_id,
        "name": agent.name,
        "timezone": agent.timezone,
        "isActive": agent.is_active,
    }
