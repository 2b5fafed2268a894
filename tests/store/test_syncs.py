"""Rows of syncs: due once, counted whole, and swept away when their time is over."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.harness.outside.sandbox import Sandbox, running_sandbox
from tests.harness.scenes.business import Business
from tests.harness.scenes.connected import Connected, connect
from universal_calendar.bootstrap.parts import Parts, new_id
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import DAY, HOUR, Instant, from_datetime
from universal_calendar.services.calendars.sync_requests import Syncs, SyncWish
from universal_calendar.services.ports.calendars import PushChannel
from universal_calendar.services.ports.channels import KnownChannel
from universal_calendar.services.ports.identity import Actor, ActorKind
from universal_calendar.services.ports.sync_requests import SyncScope, SyncStatus
from universal_calendar.services.ports.syncs import Tally
from universal_calendar.store.calendars.counting_calendars import (
    CountingCalendarTable,
)
from universal_calendar.store.calendars.mirror import MirrorTable
from universal_calendar.store.calendars.push_channels import ChannelTable
from universal_calendar.store.calendars.syncs import SyncRequestTable, SyncRunTable
from universal_calendar.store.housekeeping import (
    CHANNELS_KEPT,
    SYNCS_KEPT,
    Housekeeping,
)

SOMEBODY = Actor(ActorKind.COMMAND_LINE, "cli")
ROUNDS = 15


def now() -> Instant:
    return from_datetime(utc_now())


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
async def connected(parts: Parts, business: Business, sandbox: Sandbox) -> Connected:
    return await connect(parts, business, sandbox)


async def due(connected: Connected) -> list[tuple[object, ...]]:
    return await connected.rows(
        "SELECT item_id, due_at <= now() FROM due_work WHERE tenant_id = %s"
        " AND kind = 'sync'",
        connected.tenant_id,
    )


async def want(connected: Connected, at: Instant, **how: bool) -> None:
    requests = SyncRequestTable(connected.parts.database)
    nobodys = new_id(at)
    await requests.want(
        connected.tenant_id, [connected.calendar_id, nobodys], at, **how
    )


async def test_hints_are_one_row_and_lose_nothing(connected: Connected) -> None:
    first = now()
    await want(connected, first, is_full=True)
    await want(connected, first + HOUR, may_be_empty=True)
    await want(connected, first - HOUR)
    assert await due(connected) == [(connected.calendar_id, True)]
    rows = await connected.rows(
        "SELECT is_full_wanted, may_be_empty, wanted_at > now() FROM calendars"
    )
    assert rows == [(True, True, True)]


async def test_a_sync_that_is_put_off_is_due_again(connected: Connected) -> None:
    await want(connected, now())
    await connected.rows(
        "UPDATE due_work SET due_at = now() + '1 hour' WHERE tenant_id = %s",
        connected.tenant_id,
    )
    await want(connected, now())
    assert await due(connected) == [(connected.calendar_id, True)]


async def test_many_at_once_neither_wait_for_ever_nor_lose_count(
    parts: Parts, business: Business, sandbox: Sandbox
) -> None:
    """Who asks, who reads and who looks lock the same rows."""
    calendars = [await connect(parts, business, sandbox, str(n)) for n in range(3)]
    runs, syncs = SyncRunTable(parts.database, utc_now), Syncs(new_id)

    async def ask(number: int) -> None:
        wish = SyncWish(SyncScope(), is_full=number % 2 == 0)
        async with parts.units.begin(business.tenant_id, SOMEBODY, now()) as unit:
            sync = await syncs.request(unit, wish)
            await syncs.get(unit, sync.sync_id)

    async def read(connected: Connected) -> None:
        began, ids = now(), (connected.tenant_id, connected.calendar_id)
        await runs.begun(*ids, began)
        await want(connected, now())
        await runs.finished(*ids, began, Tally(processed=1), None)

    async with asyncio.timeout(60):
        for number in range(ROUNDS):
            await asyncio.gather(
                *(ask(number) for _ in range(3)), *map(read, calendars), ask(number + 1)
            )
        await asyncio.gather(*map(read, calendars))
    rows = await calendars[0].rows(
        "SELECT count(*), count(completed_at), min(events_processed),"
        " max(events_processed) FROM syncs"
    )
    ((every, completed, least, most),) = rows
    assert every == completed
    assert (least, most) == (3, 3)


async def test_what_nobody_asks_about_any_more_is_swept_away(
    connected: Connected,
) -> None:
    parts, tenant_id = connected.parts, connected.tenant_id
    async with parts.units.begin(tenant_id, SOMEBODY, now()) as unit:
        await Syncs(new_id).request(unit, SyncWish(SyncScope()))
    channels = ChannelTable(parts.database, parts.keyring, new_id)
    for opened in (True, False):
        channel = KnownChannel(new_id(now()), now(), "secret", None)
        await channels.add(tenant_id, connected.calendar_id, channel)
        if opened:
            there = PushChannel(str(channel.channel_id), "there", now() + DAY)
            await channels.opened(tenant_id, there, now())

    async def left(after: timedelta) -> list[int]:
        await Housekeeping(parts.database).clear(utc_now() + after)
        tables = ("syncs", "sync_directory", "push_channels", "push_channel_directory")
        return [
            len(
                await connected.rows(
                    f"SELECT FROM {table} WHERE tenant_id = %s",
                    tenant_id,
                )
            )
            for table in tables
        ]

    hour = timedelta(hours=1)
    assert await left(CHANNELS_KEPT - hour) == [1, 1, 2, 2]
    assert await left(CHANNELS_KEPT + hour) == [1, 1, 1, 1]
    assert await left(CHANNELS_KEPT + timedelta(days=1) + hour) == [1, 1, 0, 0]
    assert await left(SYNCS_KEPT + hour) == [0, 0, 0, 0]
    async with parts.units.begin(tenant_id, SOMEBODY, now()) as unit:
        again = await Syncs(new_id).request(unit, SyncWish(SyncScope()))
        sync = await Syncs(new_id).get(unit, again.sync_id)
    assert sync.status is SyncStatus.QUEUED


@pytest.mark.parametrize("own", [None, "Asia/Tokyo"])
async def test_days_are_of_the_connections_zone_else_the_tenants(
    connected: Connected, own: str | None
) -> None:
    parts, tenant_id, at = connected.parts, connected.tenant_id, now()
    await connected.rows("UPDATE connections SET timezone = %s", own)
    await connected.rows("UPDATE tenants SET timezone = 'Europe/Paris'")
    mirror = MirrorTable(parts.database, parts.keyring)
    leased = await mirror.lease(tenant_id, connected.calendar_id, at, at + HOUR)
    assert leased is not None
    counting = CountingCalendarTable(parts.database, parts.keyring)
    (asked,) = await counting.of(tenant_id, connected.business.agent.agent_id, at)
    expected = own or "Europe/Paris"
    assert [each.timezone for each in (leased.access, asked.access)] == [expected] * 2
