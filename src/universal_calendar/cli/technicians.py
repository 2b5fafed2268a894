"""`technicians`: who does jobs on connected platforms, and as which agents."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from universal_calendar.cli.connections import with_offered
from universal_calendar.cli.options import AsJson, Home, OwnTenant, read_id
from universal_calendar.cli.output import print_json, print_table, printable
from universal_calendar.cli.session import now
from universal_calendar.core.errors import InvalidField
from universal_calendar.services.connections.connections import COMMAND_LINE
from universal_calendar.services.field_service.platforms import UNASSIGNED
from universal_calendar.services.field_service.technicians import assign as assign_agent
from universal_calendar.services.ports.technicians import KnownTechnician
from universal_calendar.services.ports.visits import NOBODY

if TYPE_CHECKING:
    from universal_calendar.bootstrap.parts import Parts
    from universal_calendar.bootstrap.providers import Providers
    from universal_calendar.services.field_service.platforms import Platforms

app = typer.Typer(
    no_args_is_help=True, help="Technicians of platforms, and the agents that they are."
)

ProviderOption = Annotated[
    str, typer.Option("--provider", metavar="NAME", help="jobber or housecallpro.")
]


def _platforms(parts: "Parts", offered: "Providers") -> "Platforms":
    from universal_calendar.bootstrap.jobs import platforms

    return platforms(parts, offered)


@app.command("list")
def list_technicians(
    tenant: OwnTenant,
    provider: ProviderOption,
    home: Home = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List technicians, and the agents whose time their visits take.

    The platform is asked where they are not known yet. `unassigned` stands for visits
    that nobody is assigned to.

    Example: universal-calendar technicians list --tenant ID --provider jobber
    """
    found = with_offered(
        home,
        lambda parts, offered: _platforms(parts, offered).technicians_of(
            tenant, COMMAND_LINE, provider, now()
        ),
    )
    rows = [_as_dict(each) for each in found]
    if as_json:
        print_json(rows)
        return
    columns = ("id", "name", "e-mail", "active", "agent")
    print_table(columns, (list(each.values()) for each in rows))


@app.command("assign")
def assign(  # noqa: PLR0913 - each is an option of the command
    technician: Annotated[
        str,
        typer.Argument(metavar="TECHNICIAN_ID", help="As `technicians list` shows it."),
    ],
    tenant: OwnTenant,
    provider: ProviderOption,
    agent: Annotated[
        UUID | None,
        typer.Option("--agent", metavar="ID", parser=read_id, help="As whom."),
    ] = None,
    home: Home = None,
    *,
    is_nobody: Annotated[
        bool, typer.Option("--nobody", help="Their visits take no agent's time.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say as which agent a technician works; it counts at once.

    Example: universal-calendar technicians assign TECHNICIAN_ID --tenant ID
    --provider jobber --agent AGENT_ID
    """
    if (agent is None) is not is_nobody:
        raise InvalidField("--agent", "name an agent, or say --nobody")
    technician_id = NOBODY if technician == UNASSIGNED else technician

    async def run(parts: "Parts", offered: "Providers") -> None:
        async with parts.units.begin(tenant, COMMAND_LINE, now()) as unit:
            account = await _platforms(parts, offered).account(unit, provider)
            await assign_agent(unit, account.connection_id, technician_id, agent)

    with_offered(home, run)
    if as_json:
        print_json({"id": technician, "agent_id": agent})
        return
    whom = "no agent's time" if agent is None else f"the time of agent {agent}"
    print(f"Visits of {printable(technician)} take {whom} from now on.")


def _as_dict(known: KnownTechnician) -> dict[str, object]:
    technician = known.technician
    return {
        "id": technician.technician_id or UNASSIGNED,
        "name": technician.name,
        "email": technician.email,
        "is_active": technician.is_active,
        "agent_id": known.agent_id,
    }
