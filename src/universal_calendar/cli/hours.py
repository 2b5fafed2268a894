"""`hours`: when an agent can be booked, and by which rules."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Final, cast

import orjson
import typer

from universal_calendar.cli.options import AgentId, AsJson, Home, Tenant
from universal_calendar.cli.output import print_json, print_table, printable
from universal_calendar.cli.schedule_text import day_text, weekly_text
from universal_calendar.cli.session import with_parts
from universal_calendar.core.errors import InvalidField
from universal_calendar.services.ports.tenants import Agent

if TYPE_CHECKING:
    from universal_calendar.bootstrap.parts import Parts

app = typer.Typer(
    no_args_is_help=True, help="When an agent can be booked, and by which rules."
)
Document = dict[str, object]
_SHOWN_APART: Final = ("working_hours", "overrides", "timezone")


@app.command("show")
def show(
    agent_id: AgentId,
    tenant: Tenant = None,
    home: Home = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show an agent's hours and rules; the JSON is what `hours set` reads.

    Example: universal-calendar hours show AGENT_ID --json > hours.json
    """

    async def read(parts: "Parts") -> tuple[Agent, Document | None]:
        agent = await parts.tenants.agent(agent_id, tenant)
        return agent, await parts.tenants.hours(agent)

    agent, document = with_parts(home, read)
    if as_json:
        print_json(document)
    elif document is None:
        print(
            f"{printable(agent.name)} has no hours yet. Next:"
            f" universal-calendar hours set {agent_id} --file hours.json"
        )
    else:
        print_table(("", ""), _rows(agent, document))


def _rows(agent: Agent, document: Document) -> Iterator[tuple[str, object]]:
    weekly = cast("Mapping[str, list[dict[str, str]]]", document["working_hours"])
    for day, spans in weekly.items():
        yield day, day_text(spans) or "closed"
    special = cast("Mapping[str, list[dict[str, str]]]", document["overrides"])
    for day, spans in sorted(special.items()):
        yield day, day_text(spans) or "closed"
    yield "timezone", document["timezone"] or agent.timezone
    for name, value in document.items():
        if name not in _SHOWN_APART:
            yield name, value


@app.command("set")
def set_hours(
    agent_id: AgentId,
    file: Annotated[
        typer.FileBinaryRead,
        typer.Option("--file", metavar="FILE", help="A JSON object; - reads stdin."),
    ],
    tenant: Tenant = None,
    home: Home = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Replace all hours and rules; what the file leaves out gets its default.

    Example: universal-calendar hours set AGENT_ID --file hours.json
    """
    given = _read(file.read())

    async def write(parts: "Parts") -> tuple[Agent, Document]:
        agent = await parts.tenants.agent(agent_id, tenant)
        return agent, await parts.tenants.set_hours(agent, given)

    agent, document = with_parts(home, write)
    if as_json:
        print_json(document)
    else:
        print(f"Hours of {printable(agent.name)}: {weekly_text(document)}")


def _read(text: bytes) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidField("--file", f"no JSON ({error})") from None
