"""The options and arguments that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar
from uuid import UUID

import typer

from universal_calendar.core.errors import InvalidField
from universal_calendar.core.wire import parse_date, parse_time, parse_uuid

T = TypeVar("T")


def parser(parse: Callable[[str], T]) -> Callable[[str], T]:
    """Return the parser with its InvalidField turned into a usage error."""

    def read(text: str) -> T:
        try:
            return parse(text)
        except InvalidField as error:
            raise typer.BadParameter(error.mend) from None

    return read


read_id = parser(parse_uuid)
read_day = parser(parse_date)
read_minute = parser(parse_time)

Home = Annotated[
    Path | None,
    typer.Option(
        "--home",
        metavar="DIR",
        file_okay=False,
        help="Data directory of the embedded PostgreSQL. Default: UC_HOME.",
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print JSON, and nothing else, on stdout.")
]
Tenant = Annotated[
    UUID | None,
    typer.Option(
        "--tenant",
        metavar="ID",
        parser=read_id,
        help="The agent's tenant. Needed only where two tenants use the agent's id.",
    ),
]
OwnTenant = Annotated[
    UUID,
    typer.Option(
        "--tenant", metavar="ID", parser=read_id, help="As `tenants list` shows it."
    ),
]
OneTenant = Annotated[
    UUID | None,
    typer.Option(
        "--tenant", metavar="ID", parser=read_id, help="Of this tenant alone."
    ),
]
AgentId = Annotated[
    UUID,
    typer.Argument(
        metavar="AGENT_ID", parser=read_id, help="As `agents list` shows it."
    ),
]
Zone = Annotated[
    str,
    typer.Option(
        "--timezone", metavar="TZ", help="IANA time zone, such as America/New_York."
    ),
]
Minutes = Annotated[
    int | None,
    typer.Option(
        "--duration",
        min=1,
        max=1440,
        help="Minutes. Default: the agent's default_appointment_duration.",
    ),
]
