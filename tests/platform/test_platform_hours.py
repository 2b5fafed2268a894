import asyncio
from datetime import datetime

import pytest

from tests.harness.outside.sister_services import SERVICE_KEY, SisterServices
from tests.harness.scenes.business import EVERY_DAY, Business, open_business
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.clock import utc_now
from universal_calendar.core.errors import AgentNotFound
from universal_calendar.core.hours import complete
from universal_calendar.core.instant import MINUTE, Instant, from_datetime, to_datetime
from universal_calendar.outgoing.http import Sender
from universal_calendar.platform.tenant_service import TenantService
from universal_calendar.services.ports.agendas import AgendaQuery
from universal_calendar.services.ports.identity import Caller
from universal_calendar.services.ports.tenants import Agent
from universal_calendar.services.tenants.platform_hours import (
    PAUSE,
    REFRESH_AFTER,
    PlatformHours,
)
from universal_calendar.store.tenants.platform_hours import PlatformScheduleTable

LATER = REFRESH_AFTER + MINUTE


@pytest.fixture
async def unset(parts: Parts) -> Business:
    """Open a business whose agent has no hours."""
    return await open_business(parts, hours=None)


@pytest.fixture
def schedules(parts: Parts) -> PlatformScheduleTable:
    return PlatformScheduleTable(parts.database)


@pytest.fixture
def hours(
    schedules: PlatformScheduleTable, services: SisterServices, sender: Sender
) -> PlatformHours:
    source = TenantService(services.url, SERVICE_KEY, sender)
    return PlatformHours(source, schedules)


def moment() -> Instant:
    return from_datetime(utc_now())


def say(services: SisterServices, business: Business, hours: object) -> None:
    """Let the tenant service tell these hours."""
    tenant_id = str(business.tenant_id)
    tenant = {"id": tenant_id, "businessName": "Acme", "businessHours": hours}
    services.tenants[tenant_id] = {"tenant": tenant}


def asked(services: SisterServices, business: Business) -> int:
    """Return how often the tenant service was asked for this tenant."""
    path = f"/internal/tenants/{business.tenant_id}"
    return [heard.path for heard in services.heard].count(path)


async def stored(
    parts: Parts, agent: Agent
) -> tuple[str, object, datetime | None] | None:
    """Return the schedule's source, its Monday, and whether it was fetched."""
    async with parts.database.transaction(agent.tenant_id) as connection:
        cursor = await connection.execute(
            "SELECT source, document->'working_hours'->'monday', fetched_at"
            " FROM schedules WHERE tenant_id = %s AND agent_id = %s",
            [agent.tenant_id, agent.agent_id],
        )
        row = await cursor.fetchone()
    return None if row is None else (row[0], row[1], row[2])


async def revision(parts: Parts, agent: Agent) -> int:
    async with parts.database.transaction(agent.tenant_id) as connection:
        cursor = await connection.execute(
            "SELECT revision FROM agents WHERE tenant_id = %s AND agent_id = %s",
            [agent.tenant_id, agent.agent_id],
        )
        row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


def span(start: str, end: str) -> list[dict[str, str]]:
    return [{"start": start, "end": end}]


async def test_hours_are_fetched_once_and_can_be_booked(
    parts: Parts, hours: PlatformHours, services: SisterServices, unset: Business
) -> None:
    now, today = moment(), utc_now().date()
    caller = Caller(tenant_id=unset.tenant_id)
    query = AgendaQuery(caller, unset.agent.agent_id, today, today, now)
    with pytest.raises(AgentNotFound):
        await parts.agendas.read(query)
    say(services, unset, "08:00-12:00")
    assert await hours.provide(unset.agent, now)
    assert await hours.provide(unset.agent, now + LATER)
    assert len(services.heard) == 1
    source, monday, fetched_at = await stored(parts, unset.agent) or ("", None, None)
    assert (source, monday) == ("platform", span("08:00", "12:00"))
    assert fetched_at == to_datetime(now)
    assert (await parts.agendas.read(query)).agenda is not None


async def test_own_hours_are_never_asked_for_nor_overwritten(
    parts: Parts,
    hours: PlatformHours,
    schedules: PlatformScheduleTable,
    services: SisterServices,
    business: Business,
) -> None:
    say(services, business, "08:00-12:00")
    before = await revision(parts, business.agent)
    assert await hours.provide(business.agent, moment())
    assert await hours.refresh_stale(moment() + LATER) == 0
    assert asked(services, business) == 0
    for document in (complete({}), None):
        assert await schedules.write(business.agent, document, moment())
    assert await stored(parts, business.agent) == ("own", span("09:00", "17:00"), None)
    assert await revision(parts, business.agent) == before


async def test_setting_hours_makes_them_the_agents_own(
    parts: Parts, hours: PlatformHours, services: SisterServices, unset: Business
) -> None:
    say(services, unset, "08:00-12:00")
    assert await hours.provide(unset.agent, moment())
    await parts.tenants.set_hours(unset.agent, EVERY_DAY)
    assert await hours.refresh_stale(moment() + LATER) == 0
    assert await stored(parts, unset.agent) == ("own", span("09:00", "17:00"), None)


async def test_changed_hours_count_as_a_change_and_the_same_do_not(
    parts: Parts, hours: PlatformHours, services: SisterServices, unset: Business
) -> None:
    now = moment()
    say(services, unset, "08:00-12:00")
    assert await hours.provide(unset.agent, now)
    first = await revision(parts, unset.agent)
    assert await hours.refresh_stale(now + REFRESH_AFTER) == 0
    assert await hours.refresh_stale(now + LATER) == 1
    assert await revision(parts, unset.agent) == first
    assert await stored(parts, unset.agent) == (
        "platform",
        span("08:00", "12:00"),
        to_datetime(now + LATER),
    )
    say(services, unset, "08:00-13:00")
    assert await hours.refresh_stale(now + 2 * LATER) == 1
    assert await revision(parts, unset.agent) == first + 1
    _, monday, _ = await stored(parts, unset.agent) or ("", None, None)
    assert monday == span("08:00", "13:00")


async def test_every_agent_of_a_tenant_by_one_question(
    parts: Parts, hours: PlatformHours, services: SisterServices, unset: Business
) -> None:
    now = moment()
    agent = await parts.tenants.add_agent(unset.tenant_id, "Bob", "UTC", now)
    say(services, unset, "08:00-12:00")
    assert await hours.provide(unset.agent, now)
    assert await hours.provide(agent, now)
    say(services, unset, "10:00-12:00")
    services.heard.clear()
    assert await hours.refresh_stale(now + LATER) == 2
    assert asked(services, unset) == 1
    for each in (unset.agent, agent):
        _, monday, _ = await stored(parts, each) or ("", None, None)
        assert monday == span("10:00", "12:00")


@pytest.mark.parametrize(
    ("status", "content"),
    [(503, b"{}"), (200, b"nonsense"), (404, b"{}"), (401, b"{}")],
)
async def test_stale_hours_stay_in_force_while_the_service_fails(
    parts: Parts,
    hours: PlatformHours,
    services: SisterServices,
    unset: Business,
    status: int,
    content: bytes,
) -> None:
    now = moment()
    say(services, unset, "08:00-12:00")
    assert await hours.provide(unset.agent, now)
    before = await stored(parts, unset.agent), await revision(parts, unset.agent)
    services.fail(status, content)
    assert await hours.refresh_stale(now + LATER) == 0
    assert await hours.provide(unset.agent, now + LATER)
    after = await stored(parts, unset.agent), await revision(parts, unset.agent)
    assert after == before
    services.recover()
    assert await hours.refresh_stale(now + LATER) == 1


async def test_hours_that_the_service_no_longer_has_are_gone(
    parts: Parts, hours: PlatformHours, services: SisterServices, unset: Business
) -> None:
    now = moment()
    say(services, unset, "08:00-12:00")
    assert await hours.provide(unset.agent, now)
    before = await revision(parts, unset.agent)
    say(services, unset, None)
    assert await hours.refresh_stale(now + LATER) == 1
    assert await stored(parts, unset.agent) is None
    assert await revision(parts, unset.agent) == before + 1
    assert not await hours.provide(unset.agent, now + LATER)


async def test_vain_attempts_are_made_twice_a_minute_at_most(
    hours: PlatformHours, services: SisterServices, unset: Business
) -> None:
    now = moment()
    services.fail()
    assert not await hours.provide(unset.agent, now)
    assert not await hours.provide(unset.agent, now + PAUSE - 1)
    assert len(services.heard) == 1
    services.recover()
    assert not await hours.provide(unset.agent, now + PAUSE)  # no such tenant
    assert len(services.heard) == 2
    say(services, unset, "08:00-12:00")
    assert not await hours.provide(unset.agent, now + 2 * PAUSE - 1)
    assert await hours.provide(unset.agent, now + 2 * PAUSE)


async def test_one_tenants_nonsense_does_not_keep_the_others_waiting(
    parts: Parts, hours: PlatformHours, services: SisterServices
) -> None:
    now = moment()
    all_of_them = [await open_business(parts, hours=None) for _ in range(5)]
    for business in all_of_them:
        say(services, business, "08:00-12:00")
        assert await hours.provide(business.agent, now)
    for business in all_of_them[:4]:
        say(services, business, "nonsense")
    assert await hours.refresh_stale(now + LATER) == 1
    services.heard.clear()
    services.fail()
    assert await hours.refresh_stale(now + 2 * LATER) == 0
    assert len(services.heard) == 3  # and then it waits for better times


async def test_without_a_tenant_service_nothing_is_fetched(
    schedules: PlatformScheduleTable, unset: Business, business: Business
) -> None:
    hours = PlatformHours(None, schedules)
    assert not await hours.provide(unset.agent, moment())
    assert await hours.provide(business.agent, moment())
    assert await hours.refresh_stale(moment() + LATER) == 0


async def test_own_hours_win_against_fetching_at_the_same_time(
    parts: Parts, schedules: PlatformScheduleTable
) -> None:
    document = complete({"working_hours": {"monday": span("01:00", "02:00")}})
    for _ in range(20):
        agent = (await open_business(parts, hours=None)).agent
        await asyncio.gather(
            *(schedules.write(agent, document, moment()) for _ in range(3)),
            parts.tenants.set_hours(agent, EVERY_DAY),
        )
        found = await stored(parts, agent)
        assert found == ("own", span("09:00", "17:00"), None)


async def test_stale_ones_are_those_fetched_before(
    schedules: PlatformScheduleTable, unset: Business
) -> None:
    now = moment()
    await schedules.write(unset.agent, complete({}), now)

    async def stale(before: Instant) -> list[Agent]:
        found = [pair async for pair in schedules.fetched_before(before)]
        return [a for _, agents in found for a in agents if a == unset.agent]

    assert await stale(now) == []
    assert await stale(now + 1) == [unset.agent]
