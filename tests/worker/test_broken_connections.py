"""A connection that broke is told of once, as soon as those who are told listen."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from uuid import UUID

import pytest

from tests.harness.outside.sister_services import (
    SERVICE_KEY,
    SisterServices,
    sister_services,
)
from tests.harness.paper.provider import GOOD, Paper
from tests.harness.scenes.business import Business
from tests.harness.scenes.calendars import Diary, now
from tests.resilience.test_calendar_writes import settle, writes_of
from universal_calendar.bootstrap.parts import Parts, new_id
from universal_calendar.core.provider_errors import NotAuthorized
from universal_calendar.outgoing.http import Sender
from universal_calendar.platform.alerts import AlertsService
from universal_calendar.platform.connection_service import ConnectionService
from universal_calendar.services.connections.broken_connections import (
    CONNECTION,
    BrokenConnections,
)
from universal_calendar.services.connections.connections import Connections
from universal_calendar.store.connections.connections import ConnectionTable
from universal_calendar.store.due_work import DueWorkTable


@dataclass
class Case:
    """A business whose calendar refuses us, and who tells of it."""

    parts: Parts
    tenant_id: UUID
    connection_id: UUID
    connections: Connections
    broken: BrokenConnections

    async def is_owed(self) -> bool:
        async with self.parts.database.connection() as connection:
            cursor = await connection.execute(
                "SELECT FROM due_work WHERE tenant_id = %s AND kind = %s",
                [self.tenant_id, CONNECTION],
            )
            return await cursor.fetchone() is not None

    async def tell(self) -> None:
        await self.broken.settle(self.tenant_id, self.connection_id, now())


@pytest.fixture
def sisters() -> Iterator[SisterServices]:
    with sister_services() as sisters:
        yield sisters


@pytest.fixture
async def case(
    parts: Parts, business: Business, sisters: SisterServices
) -> AsyncIterator[Case]:
    table, paper = ConnectionTable(parts.database, parts.keyring), Paper()
    connections = Connections(table, parts.units, {"paper": paper}, new_id)
    connected = await connections.add(business.tenant_id, "paper", GOOD, now())
    sender = Sender(is_guarded=False)
    broken = BrokenConnections(
        table,
        DueWorkTable(parts.database),
        AlertsService(sisters.url, SERVICE_KEY, sender),
        ConnectionService(sisters.url, SERVICE_KEY, sender),
    )
    case = Case(parts, business.tenant_id, connected.connection_id, connections, broken)
    assert not await case.is_owed()
    paper.before.append(NotAuthorized())
    diary = Diary(parts, business)
    await settle(writes_of(parts, paper), diary, await diary.book())
    yield case
    await sender.close()


async def test_told_once_when_both_listen(case: Case, sisters: SisterServices) -> None:
    assert await case.is_owed()
    sisters.fail()
    await case.tell()
    assert await case.is_owed()
    sisters.recover()
    await case.tell()
    assert not await case.is_owed()
    ((tenant_id, content),) = sisters.broadcasts
    assert tenant_id == str(case.tenant_id)
    assert content["event"] == "calendar_connection_error"
    assert content["data"]["connectionId"] == str(case.connection_id)
    (alert,) = sisters.alerts
    assert alert["severity"] == "high"


async def test_mended_meanwhile_nobody_is_told(
    case: Case, sisters: SisterServices
) -> None:
    await case.connections.add(case.tenant_id, "paper", GOOD, now())
    await case.tell()
    assert not await case.is_owed()
    assert sisters.broadcasts == sisters.alerts == []
