"""A process that books, and never comes to settling: its parent kills it.

Arguments: the home, the tenant's id, the agent's id, the start, the idempotency key.
"""

import asyncio
import sys
from pathlib import Path
from uuid import UUID

from conftest import settings_for
from tests.harness.scenes.business import Business
from tests.harness.scenes.tenant_office import TenantOffice, hours_from
from universal_calendar.bootstrap.parts import open_parts, start_server
from universal_calendar.services.ports.tenants import Agent


async def hang(_tenant_id: UUID, _item_id: UUID) -> None:
    print("settling", flush=True)  # noqa: T201 - what the parent waits for
    await asyncio.Event().wait()


async def main(home: str, tenant: str, agent: str, start: str, key: str) -> None:
    settings = settings_for(Path(home))
    async with open_parts(settings, start_server(settings)) as parts:
        known = Agent(UUID(tenant), UUID(agent), "Ann", "UTC")
        office = TenantOffice(parts, Business(known.tenant_id, known, ""))
        office.notices.act = hang
        await office.book(hours_from(int(start)), key)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
