"""What the doctor looks at of calendars: registrations, and accounts in trouble."""

import asyncio
from typing import TYPE_CHECKING, Final

from universal_calendar.cli.checks import Ailment
from universal_calendar.settings import Settings

if TYPE_CHECKING:
    from universal_calendar.bootstrap.parts import Server
    from universal_calendar.store.connections.troubled_connections import (
        TroubledConnection,
    )

_SHOWN: Final = 5


def check_registrations(settings: Settings) -> str:
    """Tell which registrations with providers there are; raise Ailment for a half."""
    registered = []
    for name, client_id, secret in (
        (
            "GOOGLE_CALENDAR",
            settings.google_calendar_client_id,
            settings.google_calendar_client_secret,
        ),
        (
            "MICROSOFT_GRAPH",
            settings.microsoft_graph_client_id,
            settings.microsoft_graph_client_secret,
        ),
        # Its secret alone is of use too: webhooks are signed with it.
        ("JOBBER", settings.jobber_client_id, None),
    ):
        if client_id is None and secret is not None:
            detail = f"{name}_CLIENT_SECRET is set without {name}_CLIENT_ID"
            raise Ailment(detail, f"Set {name}_CLIENT_ID, or neither of them")
        if client_id is not None:
            registered.append(name)
    if registered and settings.public_base_url is None:
        raise Ailment(
            f"{registered[0]}_CLIENT_ID is set, but PUBLIC_BASE_URL is not: nobody can"
            " connect an account",
            "Set PUBLIC_BASE_URL to where browsers reach this service",
        )
    return f"registered: {', '.join(registered) or 'none'}"


def check_connections(server: "Server") -> str:
    """Tell that every connected account answers; raise Ailment."""
    from universal_calendar.store.connections.troubled_connections import (
        troubled_connections,
    )
    from universal_calendar.store.database import Database

    async def look() -> "list[TroubledConnection]":
        database = Database(server.url, size=1)
        await database.open()
        try:
            return await troubled_connections(database)
        finally:
            await database.close()

    found = asyncio.run(look())
    if not found:
        return "no connected account is in trouble"
    shown = ", ".join(
        f"{each.provider} {each.connection_id} of tenant {each.tenant_id}"
        f" ({_words(each.status)})"
        for each in found[:_SHOWN]
    )
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    raise Ailment(
        f"In trouble: {shown}{more}",
        "Run universal-calendar connections test --tenant ID CONNECTION_ID; it says"
        " what to do",
    )


def _words(status: str) -> str:
    return "failing" if status == "active" else status.replace("_", " ")
