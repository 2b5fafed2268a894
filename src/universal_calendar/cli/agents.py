"""`agents`: who or what is booked."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from universal_calendar.cli.options import (
    AgentId,
    AsJson,
    Home,
    OneTenant,
    OwnTenant,
    Tenant,
    Zone,
    read_id,
)
from universal_calendar.cli.output import print_json, print_table, printable
from universal_calendar.cli.schedule_text import weekly_text
from universal_calendar.cli.session import now, with_parts
from universal_calendar.services.ports.tenants import Agent

if TYPE_CHECKING:
    from universal_calendar.bootstrap.parts import Parts

app = typer.Typer(
    no_args_is_help=True, help="Who or what is booked: a person, a technician, a van."
)


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    tenant: OwnTenant,
    timezone: Zone,
    agent_id: Annotated[
        UUID | None,
        typer.Option(
            "--id", metavar="UUID", parser=read_id, help="Default: a new one."
        ),
    ] = None,
    home: Home = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Add an agent; it can be booked once it has hours.

    Example: universal-calendar agents add Ann --tenant ID --timezone Europe/Berlin
    """
    agent = with_parts(
        home,
        lambda parts: parts.tenants.add_agent(tenant, name, timezone, now(), agent_id),
    )
    if as_json:
        print_json({"id": agent.agent_id})
        return
    print(f"Added agent {printable(agent.name)}: {agent.agent_id}")
    print(f"Next: universal-calendar hours set {agent.agent_id} --file hours.json")


@app.command("list")
def list_agents(
    tenant: OneTenant = None, home: Home = None, *, as_json: AsJson = False
) -> None:
    """List the agents, tenant by tenant, oldest first.

    Example: universal-calendar agents list --tenant ID
    """
    agents = with_parts(home, lambda parts: _agents(parts, tenant))
    if as_json:
        print_json([_as_dict(agent) for agent in agents])
        return
    rows = (list(_as_dict(agent).values()) for agent in agents)
    print_table(("id", "tenant", "name", "time zone", "active"), rows)


async def _agents(parts: "Parts", tenant_id: UUID | None) -> list[Agent]:
    if tenant_id is not None:
        return list(await parts.tenants.agents(tenant_id))
    tenants = await parts.tenants.all()
    found: list[Sequence[Agent]] = [
        await parts.tenants.agents(each.tenant_id) for each in tenants
    ]
    return [agent for agents in found for agent in agents]


def _as_dict(agent: Agent) -> dict[str, object]:
    return {
        "id": agent.agent_id,
        "tenant_id": agent.tenant_id,
        "name": agent.name,
        "timezone": agent.timezone,
        "is_active": agent.is_active,
    }


@app.command("show")
def show(
    agent_id: AgentId,
    tenant: Tenant = None,
    home: Home = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show an agent with its hours.

    Example: universal-calendar agents show AGENT_ID
    """
    agent, hours = with_parts(home, lambda parts: _with_hours(parts, agent_id, tenant))
    if as_json:
        print_json({**_as_dict(agent), "hours": hours})
        return
    details = {**_as_dict(agent), "hours": weekly_text(hours)}
    print_table(("", ""), details.items())


async def _with_hours(
    parts: "Parts", agent_id: UUID, tenant_id: UUID | None
) -> tuple[Agent, dict[str, object] | None]:
    agent = await parts.tenants.agent(agent_id, tenant_id)
    return agent, await parts.tenants.hours(agent)


@app.command("update")
def update(  # noqa: PLR0913 - each is an option of the command
    agent_id: AgentId,
    tenant: Tenant = None,
    name: Annotated[str | None, typer.Option(help="A new name.")] = None,
    timezone: Annotated[
        str | None, typer.Option(metavar="TZ", help="A new IANA time zone.")
    ] = None,
    is_active: Annotated[
        bool | None,
        typer.Option(
            "--active/--inactive", help="An inactive agent is unknown to all callers."
        ),
    ] = None,
    home: Home = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Change what is given; appointments stay as they are.

    Example: universal-calendar agents update AGENT_ID --name Anna --inactive
    """

    async def change(parts: "Parts") -> Agent:
        agent = await parts.tenants.agent(agent_id, tenant)
        return await parts.tenants.update_agent(
            agent, name=name, timezone=timezone, is_active=is_active
        )

    agent = with_parts(home, change)
    if as_json:
        print_json(_as_dict(agent))
    else:
        print_table(("", ""), _as_dict(agent).items())
