"""Keys change: all is sealed anew, and the old keys open nothing."""

import pytest

from tests.harness.canaries.burglar import opened_with, sealed_values
from tests.harness.scenes.business import Business
from tests.harness.scenes.schedules import Schedule
from tests.store.rotating import (
    NOW,
    Desk,
    plain_values,
    rotate,
    silent,
    versions,
)
from tests.web.conftest import superuser_of
from universal_calendar.bootstrap.parts import Parts, Server, new_id
from universal_calendar.clock import utc_now
from universal_calendar.core.errors import TenantNotFound
from universal_calendar.services.notices.webhook_endpoints import WebhookEndpoints
from universal_calendar.services.ports.connections import NewCalendar, NewConnection
from universal_calendar.services.ports.visits import NOBODY, Technician, Visit
from universal_calendar.services.tenants.key_rotation import KeyRotation
from universal_calendar.store.answers import read_tenant_keys
from universal_calendar.store.connections.connections import ConnectionTable
from universal_calendar.store.notices.webhook_endpoints import WebhookEndpointTable
from universal_calendar.store.sealing.encryption import Unreadable
from universal_calendar.store.tenants.key_rotation import KeyTable


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
    visit = await keep_team(schedule)
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


async def keep_team(schedule: Schedule) -> Visit:
    """Keep two technicians, and return a visit that is kept too."""
    team = [Technician(NOBODY, ""), Technician("t-1", "Ann", "ann@example.com")]
    await schedule.technicians.keep(*schedule.account, team)
    visit = schedule.visit("a")
    await schedule.visits.keep(*schedule.ids, {"a": visit}, schedule.began)
    return visit


async def test_who_kept_the_old_key_opens_nothing_of_a_schedule(
    parts: Parts, schedule: Schedule, server: Server
) -> None:
    await keep_team(schedule)
    keys = [await data_key(parts, schedule)]
    with superuser_of(server) as connection:
        before = sealed_values(connection, str(schedule.tenant_id))
        await rotate(parts, schedule.tenant_id)
        after = sealed_values(connection, str(schedule.tenant_id))
    # Two technicians and a visit; their account, and its schedule.
    assert len(opened_with(keys, before)) == len(before) == 5
    assert opened_with(keys, after) == []
    assert len(opened_with([await data_key(parts, schedule)], after)) == 5
    table = KeyTable(parts.database, parts.keyring)
    assert await table.count_older(schedule.tenant_id, 2) == 0


async def data_key(parts: Parts, schedule: Schedule) -> bytes:
    """Return the key that the tenant's values are sealed by now."""
    tenant_id = schedule.tenant_id
    async with parts.database.transaction(tenant_id) as connection:
        return (await read_tenant_keys(connection, parts.keyring, tenant_id)).data


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


async def test_what_cannot_be_opened_stops_everything(
    parts: Parts, business: Business, desk: Desk
) -> None:
    await desk.book()
    async with parts.database.transaction(business.tenant_id) as connection:
        await connection.execute("UPDATE appointments SET sealed = '\\x00'")
    with pytest.raises(Unreadable, match="appointments/sealed"):
        await rotate(parts, business.tenant_id)
    assert await versions(parts, business.tenant_id) == {1: True, 2: True}


async def test_an_unknown_tenant_is_left_out(parts: Parts) -> None:
    keys = KeyTable(parts.database, parts.keyring)
    unknown = new_id(NOW)
    assert await KeyRotation(keys).rotate([unknown], silent, grace=0) == []
    with pytest.raises(TenantNotFound):
        await keys.add_version(unknown)
