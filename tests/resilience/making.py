"""A process that has customers and jobs made at a platform, all of them at once.

Reads a JSON object from its standard input; writes how often it succeeded.
"""

import asyncio
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

from conftest import settings_for
from tests.contracts.drafts import a_draft
from universal_calendar.bootstrap.outside import open_outside
from universal_calendar.bootstrap.parts import Server, open_parts
from universal_calendar.bootstrap.providers import providers
from universal_calendar.services.ports.calendars import Access, EventDraft
from universal_calendar.services.ports.visits import Customer, VisitDraft
from universal_calendar.store.connections.connections import ConnectionTable

_SECONDS = 40.0


async def run(order: dict[str, Any]) -> int:
    """Make what is ordered."""
    server = Server(order["url"], order["url"], None)
    settings = settings_for(Path(order["home"]), **order["settings"])
    async with open_parts(settings, server) as parts, open_outside(settings) as outside:
        platform = providers(parts, outside)[order["provider"]].field_service
        assert platform is not None
        place = UUID(order["tenant"]), UUID(order["connection"])
        access = await ConnectionTable(parts.database, parts.keyring).access(*place)
        _say("ready")
        await asyncio.to_thread(sys.stdin.readline)
        made = [
            *(
                platform.put_customer(access, each, seconds=_SECONDS)
                for each in _customers(order, "new")
            ),
            *(
                platform.put_event(access, "schedule", each, None, seconds=_SECONDS)
                for each in _drafts(order, access)
            ),
        ]
        return len(await asyncio.gather(*made))


def _customers(order: dict[str, Any], name: str) -> Iterator[Customer]:
    """Return customers that all processes have, as long as they are called alike."""
    for number in range(order["times"]):
        phone = f"+1212555{len(name)}{number:03}"
        yield Customer(f"{name.title()} {number}", phone)


def _drafts(order: dict[str, Any], access: Access) -> Iterator[EventDraft]:
    """Return this process's own appointments, for customers that all have."""
    for number, customer in enumerate(_customers(order, "wanting")):
        draft = a_draft(1_000 * order["which"] + number)
        yield replace(
            draft,
            tenant_id=access.tenant_id,
            visit=VisitDraft(customer),
            is_first=True,
        )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _say(str(asyncio.run(run(json.loads(sys.stdin.readline())))))
