"""A tenant is forgotten while it is in use: nothing is left, and nothing comes back."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from psycopg import sql

from tests.harness.crowd import OPENING, Wish, ask, clients, day_after
from tests.harness.running import RunningService, clean_environment
from tests.harness.scenes.business import Business
from tests.harness.scenes.fitters import connect_account
from tests.harness.scenes.front_desk import FrontDesk, Place
from tests.web.conftest import Superuser, superuser_of
from universal_calendar.bootstrap.parts import Parts, Server, new_id
from universal_calendar.bootstrap.privacy import tenant_erasure
from universal_calendar.clock import utc_now
from universal_calendar.core.errors import (
    AgentNotFound,
    AlreadyExists,
    Forbidden,
    InvalidField,
    TenantNotFound,
)
from universal_calendar.core.instant import Instant, from_datetime
from universal_calendar.services.ports.agendas import (
    AgendaQuery,
    AgendaReading,
    WriteOutcome,
)
from universal_calendar.services.ports.answers import Answer, Replay
from universal_calendar.services.ports.appointments import NewAppointment
from universal_calendar.services.ports.identity import Actor, ActorKind
from universal_calendar.services.ports.visits import Technician
from universal_calendar.store.field_service.technicians import TechnicianTable
from universal_calendar.store.sealing.encryption import Unreadable, place_of, reopened
from universal_calendar.store.tenants.tenant_erasure import (
    EMPTIED_TABLES,
    TenantErasureTable,
)

NOW = from_datetime(utc_now())
TESTER = Actor(ActorKind.COMMAND_LINE, "test")
REPLAY = Replay("post_things", "key", None, b"request")


@pytest.fixture
def superuser(server: Server) -> Iterator[Superuser]:
    with superuser_of(server) as connection:
        yield connection


def rows_left(superuser: Superuser, tenant_id: UUID) -> dict[str, int]:
    counts = {}
    for table in EMPTIED_TABLES:
        statement = sql.SQL("SELECT count(*) FROM {} WHERE tenant_id = %s")
        row = superuser.execute(
            statement.format(sql.Identifier(table)), [tenant_id]
        ).fetchone()
        assert row is not None
        counts[table] = row[0]
    return {table: count for table, count in counts.items() if count}  # type: ignore[misc]  # count(*) is an int


async def book(business: Business, url: str) -> UUID:
    async with clients(1) as client:
        wish = Wish(business, day_after(1), OPENING, idempotency_key="key")
        return UUID((await ask(client, url, wish)).booking_id)


def erasure_table(parts: Parts) -> TenantErasureTable:
    return TenantErasureTable(parts.database, parts.keyring, new_id)


async def erase(parts: Parts, business: Business) -> None:
    await tenant_erasure(parts).erase(business.tenant_id, "Acme", TESTER, NOW)


async def test_no_key_in_the_database_opens_what_was_sealed(
    parts: Parts, business: Business, process: RunningService, superuser: Superuser
) -> None:
    """Between the two steps the rows are still there, as they are in a backup."""
    appointment_id = await book(business, process.url)
    await erasure_table(parts).destroy(business.tenant_id, TESTER, NOW)
    (sealed,) = superuser.execute(
        "SELECT sealed FROM appointments WHERE appointment_id = %s", [appointment_id]
    ).fetchone() or (b"",)
    place = place_of(business.tenant_id, "appointments", "sealed", appointment_id)
    keys: Any = superuser.execute(
        "SELECT tenant_id, data_key FROM tenant_keys WHERE data_key IS NOT NULL"
    ).fetchall()
    assert business.tenant_id not in dict(keys)
    for tenant_id, wrapped in keys:
        with pytest.raises(Unreadable):
            reopened(parts.keyring.data_key(tenant_id, wrapped), bytes(sealed), place)  # type: ignore[call-overload]  # bytea


async def test_readers_find_no_tenant_once_its_keys_are_gone(
    parts: Parts, business: Business, process: RunningService
) -> None:
    await book(business, process.url)
    await erasure_table(parts).destroy(business.tenant_id, TESTER, NOW)
    with pytest.raises(TenantNotFound):
        await parts.tenants.get(business.tenant_id)
    with pytest.raises(AgentNotFound):
        await FrontDesk(parts).book(_place(business, 10), NOW)
    async with parts.units.begin(business.tenant_id, TESTER, NOW) as unit:
        with pytest.raises(TenantNotFound):
            await unit.answers.keep(REPLAY, Answer(200, b"{}"))
    assert business.tenant_id not in [
        each.tenant_id for each in await parts.tenants.all()
    ]
    async with clients(1) as client:
        wish = Wish(business, day_after(1), OPENING, idempotency_key="key")
        assert (await ask(client, process.url, wish)).status == 401


async def test_a_tenant_that_goes_while_all_are_listed(
    parts: Parts, business: Business, superuser: Superuser
) -> None:
    """Its id was read, its keys were destroyed: the others are listed."""
    gone = new_id(NOW)
    superuser.execute("INSERT INTO tenant_directory VALUES (%s)", [gone])
    try:
        listed = [each.tenant_id for each in await parts.tenants.all()]
    finally:
        superuser.execute("DELETE FROM tenant_directory WHERE tenant_id = %s", [gone])
    assert business.tenant_id in listed
    assert gone not in listed


def _place(business: Business, hour: int) -> Place:
    return Place(business.agent, day_after(1), hour * 60)


async def test_what_was_interrupted_is_finished(
    parts: Parts, business: Business, process: RunningService, superuser: Superuser
) -> None:
    await book(business, process.url)
    await erasure_table(parts).destroy(business.tenant_id, TESTER, NOW)
    assert rows_left(superuser, business.tenant_id)["appointments"] == 1
    erasure = tenant_erasure(parts)
    assert await erasure.erase(business.tenant_id, "whatever", TESTER, NOW) > 0
    assert rows_left(superuser, business.tenant_id) == {}
    assert await erasure.erase(business.tenant_id, "", TESTER, NOW) == 0


SCHEDULE_TABLES = (
    *("connections", "calendars", "write_calendars", "platform_account_directory"),
    *("technicians", "visits", "changed_customers", "mirrored_times", "due_work"),
)


async def test_nothing_of_a_platform_is_left(
    parts: Parts, business: Business, superuser: Superuser
) -> None:
    fitters = await connect_account(parts, business, f"account-{business.tenant_id}")
    await fitters.written()
    await fitters.tell(customer_id="c-1", is_schedule=True)
    technicians = TechnicianTable(parts.database, parts.keyring)
    known = business.tenant_id, fitters.connection_id
    await technicians.keep(*known, [Technician("t-1", "Ann")])
    superuser.execute(
        "INSERT INTO mirrored_times (tenant_id, calendar_id, event_id, starts_at,"
        " ends_at, kind, technicians)"
        " VALUES (%s, %s, 'theirs', now(), now() + interval '1 hour', 1, '{t-1}')",
        [business.tenant_id, fitters.calendar_id],
    )
    before = rows_left(superuser, business.tenant_id)
    assert before.keys() >= set(SCHEDULE_TABLES)
    await erase(parts, business)
    assert rows_left(superuser, business.tenant_id) == {}


@dataclass
class Interrupted:
    """Agendas before whose first booking is written the tenant is erased."""

    parts: Parts
    business: Business
    outcomes: list[WriteOutcome] = field(default_factory=list)

    async def read(self, query: AgendaQuery) -> AgendaReading:
        return await self.parts.agendas.read(query)

    async def book(
        self, reading: AgendaReading, appointment: NewAppointment, now: Instant
    ) -> WriteOutcome:
        await erase(self.parts, self.business)
        self.outcomes.append(await self.parts.agendas.book(reading, appointment, now))
        return self.outcomes[-1]


async def test_a_booking_that_was_decided_before_is_not_written(
    parts: Parts, business: Business, superuser: Superuser
) -> None:
    store = Interrupted(parts, business)
    with pytest.raises(AgentNotFound):
        await FrontDesk(parts, store).book(_place(business, 9), NOW)  # type: ignore[arg-type]  # the other methods are not reached
    assert store.outcomes == [WriteOutcome.CHANGED]
    assert rows_left(superuser, business.tenant_id) == {}


async def test_what_began_before_leaves_nothing(
    parts: Parts, business: Business, superuser: Superuser
) -> None:
    async with parts.units.begin(business.tenant_id, TESTER, NOW) as unit:
        await unit.answers.claim(REPLAY)
        await unit.answers.keep(REPLAY, Answer(200, b"{}"))
        erasing = asyncio.create_task(erase(parts, business))
        await asyncio.wait({erasing}, timeout=0.5)
        assert not erasing.done()
    await erasing
    assert rows_left(superuser, business.tenant_id) == {}


async def test_its_id_is_not_used_again(parts: Parts, business: Business) -> None:
    await erase(parts, business)
    with pytest.raises(AlreadyExists):
        await parts.tenants.add("Acme", "UTC", NOW, business.tenant_id)
    with pytest.raises(TenantNotFound):
        await parts.tenants.get(business.tenant_id)


async def test_who_may_not_be_erased(parts: Parts, business: Business) -> None:
    erasure = tenant_erasure(parts)
    with pytest.raises(InvalidField):
        await erasure.erase(business.tenant_id, "acme", TESTER, NOW)
    with pytest.raises(TenantNotFound):
        await erasure.erase(new_id(NOW), "Acme", TESTER, NOW)
    with pytest.raises(Forbidden):
        await erasure.erase(parts.settings.default_tenant_id, "Default", TESTER, NOW)
    assert (await parts.tenants.get(business.tenant_id)).name == "Acme"


def test_the_command_erases(
    business: Business, home: Path, superuser: Superuser
) -> None:
    code = (
        "import typer; from universal_calendar.cli.privacy import erase_tenant;"
        " typer.run(erase_tenant)"
    )
    words = [
        str(business.tenant_id),
        "--confirm",
        "Acme",
        "--json",
        "--home",
        str(home),
    ]
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=home.parent,
        env=clean_environment(),
    )
    told = json.loads(done.stdout)
    assert told["id"] == str(business.tenant_id)
    assert told["deleted_rows"] >= 3
    assert rows_left(superuser, business.tenant_id) == {}
