"""Keys change while bookings go on: nothing is lost, and the old keys open nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import UUID

import pytest

from tests.harness.crowd import OPENING, Wish, ask, clients, day_after, statuses
from tests.harness.running import RunningService
from tests.harness.scenes.business import Business
from tests.harness.scenes.front_desk import FrontDesk, Place
from tests.harness.scenes.schedules import Schedule
from universal_calendar.bootstrap.parts import Parts, new_id
from universal_calendar.clock import utc_now
from universal_calendar.core.errors import TenantNotFound
from universal_calendar.core.instant import Instant, from_datetime
from universal_calendar.services.notices.webhook_endpoints import WebhookEndpoints
from universal_calendar.services.ports.agendas import (
    AgendaQuery,
    AgendaReading,
    WriteOutcome,
)
from universal_calendar.services.ports.answers import Answer, Replay
from universal_calendar.services.ports.appointments import NewAppointment, Person
from universal_calendar.services.ports.connections import NewCalendar, NewConnection
from universal_calendar.services.ports.identity import Actor, ActorKind
from universal_calendar.services.ports.privacy import StillBusy
from universal_calendar.services.ports.visits import NOBODY, Technician
from universal_calendar.services.tenants.key_rotation import KeyRotation, Rotated
from universal_calendar.store.answers import read_tenant_keys
from universal_calendar.store.connections.connections import ConnectionTable
from universal_calendar.store.database import Connection
from universal_calendar.store.notices.webhook_endpoints import WebhookEndpointTable
from universal_calendar.store.sealing.encryption import Unreadable
from universal_calendar.store.sealing.sealed_rows import (
    APPOINTMENTS,
    SEALED_TABLES,
    SealedRows,
    SealedTable,
)
from universal_calendar.store.tenants.key_rotation import KeyTable

NOW = from_datetime(utc_now())
TESTER = Actor(ActorKind.COMMAND_LINE, "test")


def silent(done: int, total: int) -> None:
    """Report nothing."""


async def rotate(parts: Parts, tenant_id: UUID, patience: float = 30) -> Rotated:
    """Rotate at once: what follows must not depend on the grace."""
    keys = KeyTable(parts.database, parts.keyring, patience=patience)
    (rotated,) = await KeyRotation(keys).rotate([tenant_id], silent, grace=0)
    return rotated


async def rows_of(
    parts: Parts, tenant_id: UUID, statement: LiteralString
) -> list[tuple[Any, ...]]:
    async with parts.database.transaction(tenant_id) as connection:
        cursor = await connection.execute(statement)
        return await cursor.fetchall()


async def versions(parts: Parts, tenant_id: UUID) -> dict[int, bool]:
    """Return the tenant's versions, and which of them can still open something."""
    rows = await rows_of(
        parts,
        tenant_id,
        "SELECT version, data_key IS NOT NULL AND index_key IS NOT NULL"
        " FROM tenant_keys ORDER BY 1",
    )
    return dict(rows)


async def plain_values(parts: Parts, tenant_id: UUID) -> dict[str, list[bytes | None]]:
    """Decrypt every sealed value of the tenant; raise for one that does not open."""
    found = {}
    for table in SEALED_TABLES:
        rows = SealedRows(table, tenant_id, parts.keyring)
        pages = [page async for page in rows.pages(parts.database)]
        found[table.name] = [row.plain for page in pages for row in page]
    return found


@dataclass(frozen=True)
class Desk:
    """A business that is booked at the running service."""

    business: Business
    url: str

    async def book(self, hour: int = 9) -> UUID:
        """Book John for half an hour of tomorrow."""
        async with clients(1) as client:
            wish = Wish(self.business, day_after(1), hour * 60)
            return UUID((await ask(client, self.url, wish)).booking_id)


@pytest.fixture
def desk(business: Business, process: RunningService) -> Desk:
    return Desk(business, process.url)


async def connect(parts: Parts, business: Business) -> None:
    """Connect a calendar, so that there are credentials and an id of a calendar."""
    calendar = NewCalendar(
        new_id(NOW), "primary", "Ann", is_primary=True, is_writable=True
    )
    connection = NewConnection(
        business.tenant_id,
        new_id(NOW),
        "fake",
        None,
        "ann@example.com",
        {"token": "of the calendar"},
        [calendar],
    )
    await ConnectionTable(parts.database, parts.keyring).add(connection, NOW)


async def listen(parts: Parts, business: Business) -> None:
    """Add a webhook endpoint, which has secrets; notices follow from it."""
    table = WebhookEndpointTable(parts.database, parts.keyring)
    endpoints = WebhookEndpoints(
        table, new_id, lambda: "whsec_of-the-tests", allows_http=True
    )
    endpoint, _ = await endpoints.add(business.tenant_id, "https://example.com/", NOW)
    await endpoints.test(business.tenant_id, endpoint.endpoint_id, NOW)


async def test_everything_is_sealed_anew_and_the_old_key_destroyed(
    parts: Parts, business: Business, desk: Desk
) -> None:
    await connect(parts, business)
    await listen(parts, business)
    appointment_id = await desk.book()
    before = await plain_values(parts, business.tenant_id)
    rotated = await rotate(parts, business.tenant_id)
    assert (rotated.version, rotated.destroyed) == (2, 1)
    assert rotated.rows == sum(map(len, before.values())) >= 5
    assert await versions(parts, business.tenant_id) == {1: False, 2: True}
    assert await plain_values(parts, business.tenant_id) == before
    found = await parts.appointments.get(business.tenant_id, appointment_id)
    assert found.person.name == "John"
    (connection,) = await ConnectionTable(parts.database, parts.keyring).all(
        business.tenant_id
    )
    assert connection.account == "ann@example.com"


async def test_technicians_and_visits_are_sealed_anew(
    parts: Parts, schedule: Schedule
) -> None:
    team = [Technician(NOBODY, ""), Technician("t-1", "Ann", "ann@example.com")]
    await schedule.technicians.keep(*schedule.account, team)
    visit = schedule.visit("a")
    await schedule.visits.keep(*schedule.ids, {"a": visit}, schedule.began)
    before = await plain_values(parts, schedule.tenant_id)
    assert [len(before[name]) for name in ("technicians", "visits")] == [2, 1]
    rotated = await rotate(parts, schedule.tenant_id)
    assert (rotated.version, rotated.destroyed) == (2, 1)
    assert await plain_values(parts, schedule.tenant_id) == before
    (known,) = await schedule.visits.of_job(*schedule.ids, "job-a")
    assert (known.visit, known.technician_name) == (visit, "Ann")
    count = "SELECT xmin::text FROM visits"
    written = await schedule.rows(count)
    await schedule.visits.keep(*schedule.ids, {"a": visit}, schedule.began)
    assert await schedule.rows(count) == written


async def test_rotating_again_destroys_what_an_unfinished_rotation_left(
    parts: Parts, business: Business, desk: Desk
) -> None:
    await desk.book()
    await KeyTable(parts.database, parts.keyring).add_version(business.tenant_id)
    await desk.book(hour=10)
    rotated = await rotate(parts, business.tenant_id)
    assert (rotated.version, rotated.rows, rotated.destroyed) == (3, 2, 2)


async def test_more_rows_than_a_page(parts: Parts, business: Business) -> None:
    """Sealed rows of a table whose key has two parts, and one whose key has one."""
    async with parts.database.transaction(business.tenant_id) as connection:
        keys = await read_tenant_keys(connection, parts.keyring, business.tenant_id)
        await connection.cursor().executemany(
            "INSERT INTO idempotency_keys (tenant_id, route, key, fingerprint, status,"
            " key_version, sealed, created_at)"
            " VALUES (%s, %s, %s, '', 200, %s, %s, %s)",
            [
                [
                    business.tenant_id,
                    f"route {number % 7}",
                    f"key {number}",
                    keys.version,
                    keys.seal(
                        b"{}",
                        "idempotency_keys",
                        "sealed",
                        f"route {number % 7}/key {number}",
                    ),
                    utc_now(),
                ]
                for number in range(1203)
            ],
        )
    assert (await rotate(parts, business.tenant_id)).rows == 1203
    values = await plain_values(parts, business.tenant_id)
    assert values["idempotency_keys"] == [b"{}"] * 1203


async def test_blind_indexes_stay(parts: Parts, business: Business) -> None:
    async with parts.database.transaction(business.tenant_id) as connection:
        before = await read_tenant_keys(connection, parts.keyring, business.tenant_id)
    await rotate(parts, business.tenant_id)
    async with parts.database.transaction(business.tenant_id) as connection:
        after = await read_tenant_keys(connection, parts.keyring, business.tenant_id)
    assert before.data != after.data
    assert before.blind_index("phone", "1") == after.blind_index("phone", "1")


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


async def test_what_cannot_be_opened_stops_everything(
    parts: Parts, business: Business, desk: Desk
) -> None:
    await desk.book()
    async with parts.database.transaction(business.tenant_id) as connection:
        await connection.execute("UPDATE appointments SET sealed = '\\x00'")
    with pytest.raises(Unreadable, match="appointments/sealed"):
        await rotate(parts, business.tenant_id)
    assert await versions(parts, business.tenant_id) == {1: True, 2: True}


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


async def test_an_unknown_tenant_is_left_out(parts: Parts) -> None:
    keys = KeyTable(parts.database, parts.keyring)
    unknown = new_id(NOW)
    assert await KeyRotation(keys).rotate([unknown], silent, grace=0) == []
    with pytest.raises(TenantNotFound):
        await keys.add_version(unknown)
