"""Keys change while bookings go on: nothing is lost, and nobody waits for long."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from tests.harness.crowd import OPENING, Wish, ask, clients, day_after, statuses
from tests.harness.running import RunningService
from tests.harness.scenes.business import Business
from tests.harness.scenes.front_desk import FrontDesk, Place
from tests.store.rotating import (
    NOW,
    TESTER,
    Desk,
    plain_values,
    rotate,
    versions,
)
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.core.instant import Instant
from universal_calendar.services.ports.agendas import (
    AgendaQuery,
    AgendaReading,
    WriteOutcome,
)
from universal_calendar.services.ports.answers import Answer, Replay
from universal_calendar.services.ports.appointments import NewAppointment, Person
from universal_calendar.services.ports.privacy import StillBusy
from universal_calendar.store.answers import read_tenant_keys
from universal_calendar.store.database import Connection
from universal_calendar.store.sealing.sealed_rows import (
    APPOINTMENTS,
    SealedRows,
    SealedTable,
)
from universal_calendar.store.tenants.key_rotation import KeyTable


@dataclass
class Interrupted:
    """Agendas before whose first booking is written something else happens."""

    parts: Parts
    tenant_id: UUID
    outcomes: list[WriteOutcome]

    async def read(self, query: AgendaQuery) -> AgendaReading:
        return await self.parts.agendas.read(query)

    async def book(
        self, reading: AgendaReading, appointment: NewAppointment, now: Instant
    ) -> WriteOutcome:
        if not self.outcomes:
            await rotate(self.parts, self.tenant_id)
        self.outcomes.append(await self.parts.agendas.book(reading, appointment, now))
        return self.outcomes[-1]


async def test_a_booking_that_read_the_old_key_is_not_written_with_it(
    parts: Parts, business: Business
) -> None:
    place = Place(business.agent, day_after(1), OPENING)
    store = Interrupted(parts, business.tenant_id, [])
    booked = await FrontDesk(parts, store).book(place, NOW)  # type: ignore[arg-type]  # the other methods are not reached
    assert store.outcomes == [WriteOutcome.CHANGED, WriteOutcome.BOOKED]
    assert booked.appointment_id is not None
    found = await parts.appointments.get(business.tenant_id, booked.appointment_id)
    assert found.person.name == "John"


REPLAY = Replay("post_things", "key", None, b"request")


async def test_what_began_before_is_outlasted(parts: Parts, business: Business) -> None:
    tenant_id = business.tenant_id
    async with parts.units.begin(tenant_id, TESTER, NOW) as unit:
        await unit.answers.claim(REPLAY)
        await unit.answers.keep(REPLAY, Answer(200, b"{}"))
        rotation = asyncio.create_task(rotate(parts, tenant_id))
        await asyncio.wait({rotation}, timeout=0.5)
        assert not rotation.done()
        assert await versions(parts, tenant_id) == {1: True, 2: True}
    assert (await rotation).rows == 1
    async with parts.units.begin(tenant_id, TESTER, NOW) as unit:
        stored = await unit.answers.claim(REPLAY)
    assert stored is not None
    assert stored.answer.body == b"{}"


async def test_patience_ends(parts: Parts, business: Business, desk: Desk) -> None:
    await desk.book()
    async with parts.units.begin(business.tenant_id, TESTER, NOW):
        with pytest.raises(StillBusy):
            await rotate(parts, business.tenant_id, patience=0.1)
    assert await versions(parts, business.tenant_id) == {1: True, 2: True}
    await plain_values(parts, business.tenant_id)


@asynccontextmanager
async def being_sealed_anew(
    parts: Parts, business: Business, table: SealedTable
) -> AsyncIterator[Connection]:
    """Hold the table's rows as a rotation does, sealed anew but not committed."""
    keys = KeyTable(parts.database, parts.keyring)
    version = await keys.add_version(business.tenant_id)
    rows = SealedRows(table, business.tenant_id, parts.keyring)
    async with parts.database.transaction(business.tenant_id) as connection:
        page = await rows.page(connection, None, below=version, is_locking=True)
        assert page
        current = await read_tenant_keys(connection, parts.keyring, business.tenant_id)
        await rows.write(connection, current, page)
        yield connection


async def waiting(parts: Parts) -> bool:
    (count,) = await parts.database.call(
        "SELECT count(*) FROM pg_locks WHERE NOT granted", []
    )
    return bool(count)


async def until_someone_waits(parts: Parts, task: "asyncio.Task[Any]") -> None:
    deadline = asyncio.get_running_loop().time() + 10
    while not await waiting(parts):
        assert not task.done(), "it did not wait"
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.01)


async def test_who_waits_for_a_row_finds_it_under_its_new_key(
    parts: Parts, business: Business, desk: Desk
) -> None:
    appointment_id = await desk.book()

    async def locked() -> Person:
        async with parts.units.begin(business.tenant_id, TESTER, NOW) as unit:
            return (await unit.appointment_editor.lock(appointment_id)).person

    async with being_sealed_anew(parts, business, APPOINTMENTS):
        task = asyncio.create_task(locked())
        await until_someone_waits(parts, task)
    assert (await task).name == "John"


async def test_a_rotation_leaves_alone_what_others_use(
    parts: Parts, business: Business, desk: Desk
) -> None:
    """It waits for nobody while it holds rows, so it can never be in a deadlock."""
    first, second = [await desk.book(hour) for hour in (9, 10)]
    keys = KeyTable(parts.database, parts.keyring)
    async with parts.units.begin(business.tenant_id, TESTER, NOW) as unit:
        await unit.appointment_editor.lock(second)
        reader = KeyTable(parts.database, parts.keyring)
        # Its first step locks agents; what is under test is the second.
        version = 2
        await _insert_version(parts, business.tenant_id, version)
        batches = [rows async for rows in reader.reseal(business.tenant_id, version)]
        assert batches == [1]
        assert await keys.destroy_older(business.tenant_id, version) is None
    assert await keys.count_older(business.tenant_id, version) == 1
    assert first != second


async def _insert_version(parts: Parts, tenant_id: UUID, version: int) -> None:
    async with parts.database.transaction(tenant_id) as connection:
        await connection.execute(
            "INSERT INTO tenant_keys SELECT tenant_id, %s, %s, index_key"
            " FROM tenant_keys",
            [version, parts.keyring.new_data_key(tenant_id)],
        )


async def test_bookings_go_on_while_keys_rotate(
    parts: Parts, business: Business, process: RunningService
) -> None:
    wishes = [
        Wish(
            business,
            day_after(1 + number // 30),
            OPENING + number % 30 * 15,
            minutes=15,
            name=f"Customer {number}",
            idempotency_key=f"wish-{number}",
        )
        for number in range(180)
    ]
    rotations = 0
    async with clients(8) as client:
        gate = asyncio.Semaphore(8)

        async def wish_for(wish: Wish) -> Any:
            async with gate:
                return await ask(client, process.url, wish)

        asked = asyncio.gather(*map(wish_for, wishes))
        while not asked.done():
            await rotate(parts, business.tenant_id)
            rotations += 1
            await plain_values(parts, business.tenant_id)
        replies = await asked
        assert statuses(replies) == {201: len(wishes)}
        again = await asyncio.gather(*map(wish_for, wishes))
    assert rotations >= 3
    assert [each.body for each in again] == [each.body for each in replies]
    for reply in replies:
        found = await parts.appointments.get(business.tenant_id, UUID(reply.booking_id))
        assert found.person.name == reply.wish.name
    last = await rotate(parts, business.tenant_id)
    left = await versions(parts, business.tenant_id)
    assert [version for version, opens in left.items() if opens] == [last.version]
