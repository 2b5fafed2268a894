"""A calendar outside that is full of events, and a tenant that has it read."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

import orjson

from bench.calendars import ZONE
from bench.client import Client, expect, put_request
from bench.contenders.google import PAGES_PATH
from bench.seeding import Tenant
from bench.stage import Place, Stage
from universal_calendar.bootstrap.parts import (
    Parts,
    new_id,
    open_parts,
    start_server,
)
from universal_calendar.core.instant import (
    HOUR,
    MINUTE,
    Instant,
    from_datetime,
    to_datetime,
)
from universal_calendar.core.sync_plan import MirroredTime
from universal_calendar.services.ports.connections import NewCalendar, NewConnection
from universal_calendar.settings import Settings
from universal_calendar.store.calendars.syncs import SyncRequestTable
from universal_calendar.store.connections.connections import ConnectionTable

PAGE: Final = 250
"""Events of a page, as Google is asked for them."""
GOOGLE: Final = "google"
_BETWEEN: Final = 50 * MINUTE
"""From the start of an event to that of the next: 10,000 fill a window of 400 days."""
_LENGTH: Final = HOUR // 2
_BUSY: Final = 5

GoogleEvent: TypeAlias = dict[str, object]


def events_from(now: Instant, count: int) -> list[MirroredTime]:
    """Return so many events from an hour on, as they are mirrored."""
    starts = [now // HOUR * HOUR + HOUR + n * _BETWEEN for n in range(count)]
    return [
        MirroredTime(f"{number:026d}", start, start + _LENGTH, _BUSY)
        for number, start in enumerate(starts)
    ]


def google_pages(times: Sequence[MirroredTime]) -> list[list[GoogleEvent]]:
    """Return the events as Google tells of them, what is asked for and no more."""
    events = [_google_event(each) for each in times]
    return [events[first : first + PAGE] for first in range(0, len(events), PAGE)]


def _google_event(event: MirroredTime) -> GoogleEvent:
    return {
        "id": event.event_id,
        "etag": '"3181161784712000"',
        "status": "confirmed",
        "start": _edge(event.start),
        "end": _edge(event.end),
        "eventType": "default",
    }


def _edge(instant: Instant) -> dict[str, str]:
    moment = to_datetime(instant).astimezone(ZONE)  # Google's are of the calendar's
    return {"dateTime": moment.isoformat(timespec="seconds")}


@contextmanager
def google(stage: Stage, place: Place, times: Sequence[MirroredTime]) -> Iterator[str]:
    """Run what answers as Google for a block; yield its URL."""
    with stage.contender(GOOGLE, place, "") as port, Client(port) as client:
        body = orjson.dumps(google_pages(times))
        expect(client.ask(put_request(PAGES_PATH, {}, body)), 200)
        yield f"http://127.0.0.1:{port}"


def settings_of(stage: Stage, place: Place) -> Settings:
    """Return settings by which the product's own parts are opened."""
    return Settings(
        _env_file=None, database_url=place.url, master_keys=stage.master_key
    )


def connect(stage: Stage, place: Place, tenant: Tenant, now: datetime) -> UUID:
    """Connect a calendar at Google and have it read; return it."""
    settings = settings_of(stage, place)

    async def add() -> UUID:
        async with open_parts(settings, start_server(settings)) as parts:
            return await _added(parts, tenant.tenant_id, now)

    return asyncio.run(add())


async def _added(parts: Parts, tenant_id: UUID, moment: datetime) -> UUID:
    now = from_datetime(moment)
    calendar = NewCalendar(
        new_id(now), "bench", "Bench", is_primary=True, is_writable=True, is_read=True
    )
    expires_at = str(moment.timestamp() + 86_400)
    secrets = {"accessToken": "a", "refreshToken": "r", "expiresAt": expires_at}
    connection = NewConnection(
        tenant_id, new_id(now), GOOGLE, None, "bench@example.com", secrets, [calendar]
    )
    await ConnectionTable(parts.database, parts.keyring).add(connection, now)
    wanted = SyncRequestTable(parts.database)
    await wanted.want(tenant_id, [calendar.calendar_id], now)
    return calendar.calendar_id
