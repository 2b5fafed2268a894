"""The worker: what settles appointments' events, notices and reminders."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import uvloop

from universal_calendar.bootstrap.outside import Outside, open_outside
from universal_calendar.bootstrap.parts import (
    Parts,
    Server,
    new_id,
    open_parts,
    start_server,
)
from universal_calendar.bootstrap.providers import Providers, providers
from universal_calendar.bootstrap.syncs import SYNC_SECONDS, calendar_sync
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import Instant, from_datetime
from universal_calendar.services.booking.appointment_changes import AppointmentChanges
from universal_calendar.services.calendars.calendar_writes import CalendarWrites
from universal_calendar.services.connections.broken_connections import (
    CONNECTION,
    BrokenConnections,
)
from universal_calendar.services.connections.connections import Connections
from universal_calendar.services.due_work import DueWork
from universal_calendar.services.field_service.customer_changes import CustomerChanges
from universal_calendar.services.notices.notices import Notices
from universal_calendar.services.notices.reminders import Reminders
from universal_calendar.services.ports.calendars import CalendarProvider
from universal_calendar.services.ports.changed_customers import CUSTOMER
from universal_calendar.services.ports.due_work import Settler
from universal_calendar.services.ports.syncs import SYNC
from universal_calendar.settings import Settings
from universal_calendar.store.calendars.links import LinkTable
from universal_calendar.store.connections.connections import (
    ConnectionQuota,
    ConnectionTable,
)
from universal_calendar.store.due_work import CALENDAR, DueWorkTable
from universal_calendar.store.field_service.changed_customers import (
    ChangedCustomerTable,
)
from universal_calendar.store.notices.notices import NoticeTable
from universal_calendar.store.notices.reminders import ReminderTable
from universal_calendar.store.rate_limits import RateLimit
from universal_calendar.worker.loop import Worker
from universal_calendar.worker.queue import Tasks

SETTLE_SECONDS: Final = 20.0
"""What a task may spend on one appointment or notice."""


def calendar_providers(offered: Providers) -> Mapping[str, CalendarProvider]:
    """Return those that write events."""
    return {
        slug: each.calendars
        for slug, each in offered.items()
        if each.calendars is not None
    }


def calendar_writes(parts: Parts, offered: Providers) -> CalendarWrites:
    """Build what makes calendars agree with appointments."""
    limit = RateLimit(parts.settings.connection_rate_limit, timedelta(minutes=1))
    return CalendarWrites(
        LinkTable(parts.database, parts.keyring, new_id),
        calendar_providers(offered),
        ConnectionQuota(parts.rate_limits, parts.keyring, limit),
        _chance,
    )


def customer_changes(parts: Parts, offered: Providers) -> CustomerChanges:
    """Build what carries over how customers changed at their platforms."""
    limit = RateLimit(parts.settings.connection_rate_limit, timedelta(minutes=1))
    return CustomerChanges(
        ChangedCustomerTable(parts.database, parts.keyring, new_id),
        parts.units,
        AppointmentChanges(new_id, has_channels=parts.settings.has_channels),
        {
            slug: each.field_service
            for slug, each in offered.items()
            if each.field_service
        },
        ConnectionQuota(parts.rate_limits, parts.keyring, limit),
        _chance,
    )


def connections(parts: Parts, offered: Providers) -> Connections:
    """Build what manages connected accounts."""
    table = ConnectionTable(parts.database, parts.keyring)
    calendars = calendar_providers(offered)
    authorizers = {
        slug: each.authorizer for slug, each in offered.items() if each.authorizer
    }
    return Connections(table, parts.units, calendars, new_id, authorizers)


def notices(parts: Parts, outside: Outside) -> Notices:
    """Build what tells people."""
    table = NoticeTable(parts.database, parts.keyring, new_id)
    return Notices(table, outside.channels, new_id, _chance)


def worker(parts: Parts, outside: Outside) -> Worker:
    """Build the worker, which `run` sets going until it is cancelled."""
    offered = providers(parts, outside)
    writes, syncs = calendar_writes(parts, offered), calendar_sync(parts, offered)
    telling, customers = notices(parts, outside), customer_changes(parts, offered)

    async def settle_calendar(tenant_id: UUID, item_id: UUID, now: Instant) -> None:
        await writes.settle(tenant_id, item_id, now, seconds=SETTLE_SECONDS)

    async def settle_sync(tenant_id: UUID, item_id: UUID, now: Instant) -> None:
        await syncs.settle(tenant_id, item_id, now, seconds=SYNC_SECONDS)

    async def settle_customer(tenant_id: UUID, item_id: UUID, now: Instant) -> None:
        await customers.settle(tenant_id, item_id, now, seconds=SETTLE_SECONDS)

    async def settle_notice(tenant_id: UUID, item_id: UUID, now: Instant) -> None:
        await telling.settle(tenant_id, item_id, now, seconds=SETTLE_SECONDS)

    broken = BrokenConnections(
        ConnectionTable(parts.database, parts.keyring),
        DueWorkTable(parts.database),
        outside.alerts,
        outside.broadcaster,
    )
    settlers = {
        CONNECTION: broken.settle,
        CALENDAR: settle_calendar,
        CUSTOMER: settle_customer,
        SYNC: settle_sync,
        "notice": settle_notice,
        "reminder": Reminders(
            ReminderTable(parts.database, parts.keyring), new_id
        ).remind,
    }
    return worker_of(parts, settlers)


def worker_of(parts: Parts, settlers: Mapping[str, Settler]) -> Worker:
    """Build a worker that settles items of these kinds."""
    rows = DueWorkTable(parts.database)
    tasks = Tasks(
        parts.server.direct_url,
        settlers,
        _now,
        concurrency=parts.settings.worker_concurrency,
    )
    return Worker(tasks, DueWork(rows, tasks, settlers), rows, _now)


@asynccontextmanager
async def working(parts: Parts, outside: Outside) -> AsyncIterator[None]:
    """Run the worker beside a block; at its end, finish what was begun."""
    async with beside(worker(parts, outside).run()):
        yield


def run_worker(settings: Settings, announce: Callable[[], None]) -> None:
    """Work until SIGINT or SIGTERM, then finish what was begun."""
    server = start_server(settings)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_work(settings, server, announce))
    finally:
        if server.embedded is not None:
            server.embedded.stop()


async def _work(
    settings: Settings, server: Server, announce: Callable[[], None]
) -> None:
    stopping = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, stopping.set)
    async with (
        open_parts(settings, server) as parts,
        open_outside(settings) as outside,
        watching(server),
        working(parts, outside),
    ):
        announce()
        await stopping.wait()


@asynccontextmanager
async def watching(server: Server) -> AsyncIterator[None]:
    """Start an embedded server again that dies during a block."""
    if server.embedded is None:
        yield
        return
    async with beside(server.embedded.watch()):
        yield


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run the work beside a block, and cancel it at its end."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _chance() -> float:
    return random.random()  # noqa: S311 - it spreads retries, it keeps no secret


def _now() -> Instant:
    return from_datetime(utc_now())
