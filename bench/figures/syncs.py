"""What reading a calendar costs, and what those pay who ask for slots meanwhile.

COPY is 1: the same rows by COPY into an empty table of the mirror's own definition.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import cycle
from struct import pack
from typing import Final
from uuid import UUID

import orjson
import psycopg

from bench.arena import Arena, Contender
from bench.calendars import DAYS_ASKED, EIGHT_A_DAY, calendars, questions
from bench.client import Client, expect
from bench.outside import (
    PAGE,
    GoogleEvent,
    connect,
    events_from,
    google,
    google_pages,
    settings_of,
)
from bench.report import Column, Figure, at_most
from bench.seeding import Tenant, add_tenant, connect_calendar, seed_product
from universal_calendar.bootstrap.parts import open_parts, start_server
from universal_calendar.core.instant import HOUR, Instant, from_datetime, to_datetime
from universal_calendar.core.sync import Reading, window_at
from universal_calendar.core.sync_plan import MirroredTime
from universal_calendar.providers.google.mapping import changed_event
from universal_calendar.services.ports.calendars import Access
from universal_calendar.services.ports.mirror import LeasedCalendar, Mirrored
from universal_calendar.store.calendars.mirror import MirrorTable

_PER_TURN: Final = 25
_FEWEST_TURNS: Final = 5
_AGENTS: Final = 8
_FEWEST_ROUNDS: Final = 2
_PER_ROUND: Final = 100
_BURST: Final = 20
_ALONE: Final = 8_000
_PATIENCE_SECONDS: Final = 120.0
_SIGNATURE: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)

Seconds = dict[str, list[float]]


# Rows and JSON


def rows(arena: Arena) -> Figure:
    """Measure what is done with the events of one full sync, step by step."""
    tenant = add_tenant(arena.stage, arena.place, arena.now)
    connect_calendar(arena.place, tenant, arena.now)
    taken = asyncio.run(_timed(arena, tenant))
    copy, parse, upsert, unchanged = (
        statistics.median(taken[name])
        for name in ("copy", "parse", "upsert", "unchanged")
    )
    return Figure(
        "sync",
        f"A calendar of {arena.effort.events:,} events",
        {"product": Column(upsert * 1000, None)},
        (
            at_most("parse, x COPY", parse / copy, 0.5),
            at_most("upsert, x COPY", upsert / copy, 2),
            at_most("unchanged, x COPY", unchanged / copy, 1.3),
        ),
        {
            "COPY, milliseconds": copy * 1000,
            "parse, milliseconds": parse * 1000,
            "upsert, milliseconds": upsert * 1000,
            "unchanged, milliseconds": unchanged * 1000,
        },
        note="Google's JSON; COPY into a table like the mirror, its foreign key too",
    )


@dataclass(frozen=True)
class _Mirroring:
    """The product's mirror and what is to be in it."""

    table: MirrorTable
    calendar: LeasedCalendar
    mirrored: Mirrored
    reading: Reading

    async def write(self) -> None:
        await self.table.mirror(self.calendar, self.mirrored, self.reading)


async def _timed(arena: Arena, tenant: Tenant) -> Seconds:
    now = from_datetime(arena.now)
    times = events_from(now, arena.effort.events)
    pages = [_json(page) for page in google_pages(times)]
    settings = settings_of(arena.stage, arena.place)
    taken: Seconds = {}
    async with open_parts(settings, start_server(settings)) as parts:
        mirroring = _mirroring(MirrorTable(parts.database, parts.keyring), tenant, now)
        mirroring = mirroring(times)
        with arena.place.administer() as administrator:
            _lease(administrator, mirroring.calendar)
            for _ in range(max(_FEWEST_TURNS, arena.effort.turns // _PER_TURN)):
                _empty(administrator)
                _add(taken, "copy", _copied(administrator, tenant.tenant_id, times))
                _add(taken, "parse", _parsed(pages, tenant.tenant_id, now))
                for name in ("upsert", "unchanged"):
                    _add(taken, name, await _waited(mirroring.write))
                arena.tick()
    return taken


def _mirroring(
    table: MirrorTable, tenant: Tenant, now: Instant
) -> Callable[[Sequence[MirroredTime]], _Mirroring]:
    tenant_id = tenant.tenant_id  # and its calendar's, and that one's connection's
    calendar = LeasedCalendar(
        tenant_id,
        tenant_id,
        now + HOUR,
        "fake",
        Access(tenant_id, tenant_id, {}),
        "",
        *(None, None, None, False, False, 0),
    )
    reading = Reading({}, window_at(now), is_full=True, began=now)

    def made(times: Sequence[MirroredTime]) -> _Mirroring:
        mirrored = Mirrored([each.event_id for each in times], times, is_full=True)
        return _Mirroring(table, calendar, mirrored, reading)

    return made


def _lease(administrator: psycopg.Connection, calendar: LeasedCalendar) -> None:
    administrator.execute(
        "UPDATE calendars SET leased_until = %s WHERE calendar_id = %s",
        [to_datetime(calendar.leased_until), calendar.calendar_id],
    )


def _empty(administrator: psycopg.Connection) -> None:
    administrator.execute("DELETE FROM mirrored_times")
    administrator.execute("VACUUM mirrored_times")
    administrator.execute("DROP TABLE IF EXISTS copied")
    administrator.execute("CREATE TABLE copied (LIKE mirrored_times INCLUDING ALL)")
    administrator.execute(
        "ALTER TABLE copied ADD FOREIGN KEY (tenant_id, calendar_id)"
        " REFERENCES calendars ON DELETE CASCADE"
    )


def _copied(
    administrator: psycopg.Connection, tenant_id: UUID, times: Sequence[MirroredTime]
) -> float:
    began, key = time.perf_counter(), tenant_id.bytes
    with (
        administrator.cursor() as cursor,
        cursor.copy("COPY copied FROM STDIN (FORMAT BINARY)") as copy,
    ):
        copy.write(_SIGNATURE)
        for first in range(0, len(times), PAGE):
            page = times[first : first + PAGE]
            copy.write(b"".join(_binary(key, *each[:4]) for each in page))
        copy.write(b"\xff\xff")
    return time.perf_counter() - began


def _binary(key: bytes, event_id: str, start: int, end: int, kind: int) -> bytes:
    name = event_id.encode()
    form = f"!hi16si16si{len(name)}siqiqihi"
    sizes = (16, key, 16, key, len(name), name, 8, start, 8, end, 2, kind, -1)
    return pack(form, 7, *sizes)


def _json(page: list[GoogleEvent]) -> bytes:
    return orjson.dumps({"timeZone": "America/New_York", "items": page})


def _parsed(pages: Sequence[bytes], tenant_id: UUID, now: Instant) -> float:
    began, window = time.perf_counter(), window_at(now)
    for page in pages:
        read = orjson.loads(page)
        for each in read["items"]:
            changed_event(each, read["timeZone"], window, tenant_id)
    return time.perf_counter() - began


async def _waited(work: Callable[[], Awaitable[None]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


def _add(taken: Seconds, name: str, seconds: float) -> None:
    taken.setdefault(name, []).append(seconds)


# Beside requests


def beside(arena: Arena) -> Figure:
    """Ask for slots while the worker of the same process reads a whole calendar."""
    rounds = []
    with _synced(arena) as calendar:
        for _ in range(max(_FEWEST_ROUNDS, arena.effort.turns // _PER_ROUND)):
            rounds.append(_round(calendar))
            arena.tick()
    alone, meanwhile = (
        statistics.median(map(_p99, each)) for each in zip(*rounds, strict=True)
    )
    answers = [each for _, asked in rounds for each in asked]
    return Figure(
        "sync-beside",
        f"Free slots, while {arena.effort.events:,} events are read beside",
        {"product": Column(statistics.median(answers), None)},
        (at_most("p99, x alone", meanwhile / alone, 1.5),),
        {
            "p99 alone, milliseconds": alone,
            "p99 meanwhile, milliseconds": meanwhile,
            "answers meanwhile": len(answers),
            "syncs": len(rounds),
        },
        note="medians over the syncs; what was made of them before is kept",
    )


def _round(calendar: "_Synced") -> tuple[Sequence[float], Sequence[float]]:
    """Return the milliseconds of answers alone, and of those during a sync."""
    before, meanwhile = calendar.ask(_ALONE // 2), []
    calendar.forget()
    while calendar.is_being_read():
        meanwhile += calendar.ask(_BURST)
    return before + calendar.ask(_ALONE // 2), meanwhile


def _p99(milliseconds: Sequence[float]) -> float:
    return statistics.quantiles(milliseconds, n=100)[-1]


@dataclass
class _Synced:
    """A tenant whose calendar is read by the worker of the process that answers."""

    client: Client
    requests: Iterator[bytes]
    administrator: psycopg.Connection
    calendar_id: UUID

    def ask(self, times: int) -> list[float]:
        """Ask so often, one after another; return the milliseconds of each answer."""
        exchanges = [self.client.ask(next(self.requests)) for _ in range(times)]
        for each in exchanges:
            expect(each, 200)
        return [each.milliseconds for each in exchanges]

    def forget(self) -> None:
        """Have everything read anew, and wait until that begins."""
        for statement in _FORGET:
            self.administrator.execute(statement, {"calendar": self.calendar_id})
        self._until(self.is_being_read)

    def is_being_read(self) -> bool:
        row = self.administrator.execute(
            "SELECT leased_until > now() FROM calendars WHERE calendar_id = %s",
            [self.calendar_id],
        ).fetchone()
        return row is not None and bool(row[0])

    def _until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError("the worker reads nothing")
            time.sleep(0.005)


_FORGET: Final = (
    b"DELETE FROM mirrored_times WHERE calendar_id = %(calendar)s",
    b"DELETE FROM sync_tokens WHERE calendar_id = %(calendar)s",
    b"UPDATE due_work SET due_at = now() WHERE item_id = %(calendar)s",
)


@contextmanager
def _synced(arena: Arena) -> Iterator[_Synced]:
    place = arena.stage.product_place("synced")
    tenant = add_tenant(arena.stage, place, arena.now)
    agents = calendars(EIGHT_A_DAY, _AGENTS, arena.eight_a_day[0].first, arena.now)
    seed_product(place, tenant, agents, arena.now)
    times = events_from(from_datetime(arena.now), arena.effort.events)
    with google(arena.stage, arena.reference_place, times) as url, ExitStack() as stack:
        port = stack.enter_context(
            arena.stage.product(
                place,
                RUN_WORKER="true",
                GOOGLE_CALENDAR_CLIENT_ID="bench",
                GOOGLE_CALENDAR_CLIENT_SECRET="bench",  # noqa: S106 - nobody asks for it
                GOOGLE_CALENDAR_BASE_URL=url,
            )
        )
        administrator = stack.enter_context(place.administer())
        client = stack.enter_context(Client(port))
        calendar_id = connect(arena.stage, place, tenant, arena.now)
        product = Contender(port, tenant.api_key)
        asked = [product.ask(each) for each in questions(agents, DAYS_ASKED)]
        synced = _Synced(client, cycle(asked), administrator, calendar_id)
        synced.ask(len(asked))
        yield synced
