"""A worker process that uses an account at Microsoft, many times at once.

Reads a JSON object from its standard input; writes how each of its uses ended.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from conftest import settings_for
from tests.providers.means import Spending, TurnsHere
from universal_calendar.bootstrap.parts import Server, open_parts
from universal_calendar.clock import utc_now
from universal_calendar.core.provider_errors import ProviderError
from universal_calendar.outgoing.http import OutgoingRequest, Sender
from universal_calendar.providers._oauth import OAuth, Scopes
from universal_calendar.providers.provider import Means, OAuthConfig
from universal_calendar.services.ports.calendars import Access
from universal_calendar.store.connections.renewals import RenewalTable

Json = dict[str, Any]
_SECONDS = 20


async def run(order: Json) -> list[str]:
    """Use the account as often at once as is ordered."""
    server = Server(order["url"], order["url"], None)
    sender = Sender(is_guarded=False)
    async with open_parts(settings_for(Path(order["home"])), server) as parts:
        renewals = RenewalTable(parts.database, parts.keyring, utc_now)
        means = Means(sender, sender, utc_now, renewals, Spending(), TurnsHere())
        oauth = OAuth(means, OAuthConfig(**order["config"]), Scopes((), frozenset()))
        access = Access(
            UUID(order["tenant"]), UUID(order["connection"]), order["secrets"]
        )
        _say("ready")
        await asyncio.to_thread(sys.stdin.readline)
        uses = (_use(oauth, access, order) for _ in range(order["times"]))
        outcomes = await asyncio.gather(*uses)
    await sender.close()
    return outcomes


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def _use(oauth: OAuth, access: Access, order: Json) -> str:
    request = OutgoingRequest("GET", f"{order['config']['api_url']}/me")
    try:
        answer = await oauth.send(access, request, seconds=_SECONDS)
    except ProviderError as error:
        return type(error).__name__
    return str(answer.status)


if __name__ == "__main__":
    _say(json.dumps(asyncio.run(run(json.loads(sys.stdin.readline())))))
