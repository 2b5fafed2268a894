"""Channels at a real sandbox: opened, renewed, closed, and listened to."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import pytest

from tests.contracts.pushes import Receiver, open_receiver
from tests.harness.outside.sandbox import Sandbox, running_sandbox
from tests.harness.scenes.business import Business
from tests.harness.scenes.connected import Connected, connect
from tests.harness.waiting import until
from universal_calendar.bootstrap.outside import open_outside
from universal_calendar.bootstrap.parts import Parts, new_id
from universal_calendar.bootstrap.providers import providers
from universal_calendar.clock import utc_now
from universal_calendar.core.errors import InvalidField, Unauthorized
from universal_calendar.core.instant import DAY, HOUR, Instant, from_datetime
from universal_calendar.services.calendars.channels import Channels, Making
from universal_calendar.services.calendars.push_hints import PushHints
from universal_calendar.services.ports.calendars import (
    PushDelivery,
    PushNotification,
    PushProvider,
)
from universal_calendar.store.calendars.push_channels import ChannelTable
from universal_calendar.store.calendars.syncs import SyncRequestTable
from universal_calendar.store.connections.connections import ConnectionQuota
from universal_calendar.store.database import Database
from universal_calendar.store.rate_limits import RateLimit

EVENT = {
    "title": "Dentist",
    "start": {"at": "2040-03-05T09:00:00Z"},
    "end": {"at": "2040-03-05T10:00:00Z"},
}
LIFE = 7 * DAY


def now() -> Instant:
    return from_datetime(utc_now())


@dataclass(frozen=True)
class Line:
    """A connected calendar, what keeps its channel, and where the channel leads."""

    sandbox: Sandbox
    receiver: Receiver
    connected: Connected
    pushes: PushProvider

    @property
    def parts(self) -> Parts:
        return self.connected.parts

    def channels(
        self,
        base_url: str | None = "",
        *,
        database: Database | None = None,
        requests: int = 1000,
    ) -> Channels:
        """Build what keeps channels, of the receiver unless another URL is given."""
        parts, limit = self.parts, RateLimit(requests, timedelta(minutes=1))
        return Channels(
            ChannelTable(database or parts.database, parts.keyring, new_id),
            {"fake": self.pushes},
            ConnectionQuota(parts.rate_limits, parts.keyring, limit),
            Making(
                new_id, lambda: "s" * 43, self.receiver.url if base_url == "" else None
            ),
        )

    async def keep(self, at: Instant | None = None, *, requests: int = 1000) -> bool:
        connected = self.connected
        return await self.channels(requests=requests).keep(
            connected.tenant_id, connected.calendar_id, at or now()
        )

    async def close_all(self, seconds: float) -> None:
        connected = self.connected
        await self.channels().close_all(
            connected.tenant_id, connected.connection_id, now(), seconds=seconds
        )

    async def lose(self, channel_id: UUID) -> None:
        table = ChannelTable(self.parts.database, self.parts.keyring, new_id)
        await table.lose(self.connected.tenant_id, [channel_id], now())

    async def take(
        self,
        delivery: PushDelivery,
        provider: str = "fake",
        pushes: PushProvider | None = None,
    ) -> None:
        hints = PushHints(
            ChannelTable(self.parts.database, self.parts.keyring, new_id),
            {"fake": pushes or self.pushes, "other": self.pushes},
            SyncRequestTable(self.parts.database),
        )
        await hints.take(provider, delivery, now())

    async def known(self) -> list[UUID]:
        """Return the channels we know, oldest first."""
        rows = await self.connected.rows(
            "SELECT channel_id FROM push_channels ORDER BY created_at, channel_id"
        )
        return [row[0] for row in rows if isinstance(row[0], UUID)]

    async def is_begun(self) -> bool:
        return bool(await self.known())

    def open(self) -> list[str]:
        """Return the channels that the sandbox tells."""
        with closing(sqlite3.connect(self.sandbox.home / "sandbox.sqlite3")) as state:
            rows = state.execute(
                "SELECT channel_id FROM channels WHERE calendar_id = ?",
                [self.connected.account.calendar_id],
            )
            return [str(row[0]) for row in rows]

    async def told(self) -> PushDelivery:
        """Have the owner add an event; return what the sandbox tells of it."""
        self.sandbox.owner_adds(self.connected.account.calendar_id, **EVENT)
        return await self.receiver.next()

    async def told_by(self) -> str:
        (notification,) = self.pushes.notifications(await self.told())
        return notification.channel_id


class Leaving:
    """A provider that says with each change that this was the channel's last."""

    def __init__(self, pushes: PushProvider) -> None:
        self._pushes = pushes
        self.open_channel, self.close_channel = (
            pushes.open_channel,
            pushes.close_channel,
        )
        self.challenge, self.is_genuine = pushes.challenge, pushes.is_genuine

    def notifications(self, delivery: PushDelivery) -> Sequence[PushNotification]:
        found = self._pushes.notifications(delivery)
        return [replace(each, is_channel_lost=True) for each in found]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    yield running
    running.clear_faults()


@pytest.fixture
async def line(
    parts: Parts, business: Business, sandbox: Sandbox
) -> AsyncIterator[Line]:
    connected = await connect(parts, business, sandbox)
    async with open_receiver() as receiver, open_outside(parts.settings) as outside:
        pushes = providers(parts, outside)["fake"].pushes
        assert pushes is not None
        yield Line(sandbox, receiver, connected, pushes)


async def test_a_channel_is_opened_once_and_tells_of_changes(line: Line) -> None:
    assert await line.keep()
    assert await line.keep()
    (channel_id,) = await line.known()
    assert await line.told_by() == str(channel_id)
    assert line.open() == [str(channel_id)]


async def test_what_comes_by_it_makes_the_calendar_due(line: Line) -> None:
    await line.keep()
    delivery = await line.told()
    assert await line.connected.due_syncs() == 0
    await line.take(delivery)
    assert await line.connected.due_syncs() == 1


async def test_what_is_not_proven_is_refused(line: Line) -> None:
    await line.keep()
    delivery = await line.told()
    forged = {**delivery.headers, "sandbox-signature": "0" * 64}
    with pytest.raises(Unauthorized):
        await line.take(replace(delivery, headers=forged))
    with pytest.raises(Unauthorized):
        await line.take(delivery, provider="other")
    with pytest.raises(InvalidField):
        await line.take(replace(delivery, content=b"?"))
    assert await line.connected.due_syncs() == 0


async def test_it_is_renewed_before_it_ends_and_then_closed(line: Line) -> None:
    await line.keep()
    (first,) = await line.known()
    assert await line.keep(now() + LIFE - 13 * HOUR)
    assert await line.known() == [first]
    assert await line.keep(now() + LIFE - 11 * HOUR)
    (second,) = await line.known()
    assert second != first
    assert line.open() == [str(second)]
    assert await line.told_by() == str(second)


async def test_a_lost_channel_is_replaced(line: Line) -> None:
    await line.keep()
    (first,) = await line.known()
    await line.lose(first)
    assert await line.keep()
    (second,) = await line.known()
    assert second != first
    assert line.open() == [str(second)]


async def test_a_channel_is_lost_once_its_provider_says_so(line: Line) -> None:
    await line.keep()
    (first,) = await line.known()
    await line.take(await line.told(), pushes=Leaving(line.pushes))
    assert await line.connected.due_syncs() == 1
    assert await line.keep()
    (second,) = await line.known()
    assert second != first


async def test_an_opening_whose_answer_was_lost_is_repeated(line: Line) -> None:
    line.sandbox.fault("lost_answer", operations=["openChannel"], times=1)
    assert not await line.keep()
    (begun,) = await line.known()
    assert line.open() == [str(begun)]
    await line.take(await line.told())
    assert await line.keep()
    assert await line.known() == [begun]
    assert line.open() == [str(begun)]


async def test_an_opening_that_is_too_old_is_not_repeated(line: Line) -> None:
    line.sandbox.fault("failure", operations=["openChannel"], times=1)
    assert not await line.keep(now() - 2 * DAY)
    (begun,) = await line.known()
    assert await line.keep()
    (other,) = await line.known()
    assert other != begun


@pytest.mark.parametrize(
    "kind", ["failure", "throttle", "drop", "revoked", "expired_token"]
)
async def test_trouble_at_the_provider_is_no_error_here(line: Line, kind: str) -> None:
    line.sandbox.fault(kind, operations=["openChannel"])
    assert not await line.keep()
    line.sandbox.clear_faults()


async def test_a_spared_provider_is_not_asked(line: Line) -> None:
    assert await line.keep(requests=1)
    (channel_id,) = await line.known()
    await line.lose(channel_id)
    assert not await line.keep(requests=1)
    assert line.open() == [str(channel_id)]


async def test_while_renewing_fails_the_old_one_still_counts(line: Line) -> None:
    await line.keep()
    line.sandbox.fault("failure", operations=["openChannel"])
    assert await line.keep(now() + LIFE - HOUR)
    assert not await line.keep(now() + LIFE + HOUR)


async def test_what_could_not_be_closed_is_closed_next_time(line: Line) -> None:
    await line.keep()
    line.sandbox.fault("failure", operations=["closeChannel"], times=1)
    later = now() + LIFE - HOUR
    assert await line.keep(later)
    assert len(await line.known()) == 2
    assert await line.keep(later)
    (known,) = await line.known()
    assert line.open() == [str(known)]


async def test_without_an_address_of_ours_nothing_is_opened(line: Line) -> None:
    connected = line.connected
    channels = line.channels(base_url=None)
    assert not await channels.keep(connected.tenant_id, connected.calendar_id, now())
    assert await line.known() == []


async def test_a_calendar_that_is_gone_has_none(line: Line) -> None:
    await line.connected.rows("DELETE FROM connections")
    assert not await line.keep()


async def test_what_is_disconnected_while_it_opens_is_closed(line: Line) -> None:
    line.sandbox.fault("latency", operations=["openChannel"], seconds=0.5, times=1)
    keeping = asyncio.create_task(line.keep())
    await until(line.is_begun)
    await line.connected.rows("DELETE FROM connections")
    assert not await keeping
    assert line.open() == []


async def test_no_transaction_waits_for_the_provider(line: Line) -> None:
    """A pool of one connection lends it while the provider is asked."""
    database = Database(line.parts.server.url, size=1)
    await database.open()
    line.sandbox.fault("latency", seconds=1.5, times=1, operations=["openChannel"])
    connected = line.connected
    keeping = asyncio.create_task(
        line.channels(database=database).keep(
            connected.tenant_id, connected.calendar_id, now()
        )
    )
    await until(line.is_begun)
    await database.call("SELECT 1", [])
    assert not keeping.done()
    assert await keeping
    await database.close()


async def test_all_are_closed_and_forgotten(line: Line) -> None:
    await line.keep()
    delivery = await line.told()
    await line.close_all(5.0)
    assert await line.known() == []
    assert line.open() == []
    with pytest.raises(Unauthorized):
        await line.take(delivery)


async def test_closing_all_waits_for_nobody_for_long(line: Line) -> None:
    await line.keep()
    line.sandbox.fault("hang", operations=["closeChannel"])
    began = time.monotonic()
    await line.close_all(0.5)
    assert time.monotonic() - began < 2
    assert await line.known() == []


async def test_opening_and_closing_are_audited(line: Line) -> None:
    await line.keep()
    await line.close_all(5.0)
    rows = await line.connected.rows(
        "SELECT action, subject_id FROM audit_entries WHERE actor_id = 'channels'"
        " ORDER BY entry_id"
    )
    calendar = str(line.connected.calendar_id)
    assert rows == [
        ("push_channel.opened", calendar),
        ("push_channel.closed", calendar),
    ]
