"""Rows of the mirror: what was read, put beside what was known, and only that written.

The rows are copied into a temporary table and compared there; what is as it was costs
no write. ADR 26 has the figures.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from struct import pack
from typing import Final, NamedTuple

from psycopg import AsyncCursor

from universal_calendar.core.sync_plan import MirroredTime
from universal_calendar.services.ports.mirror import Mirrored
from universal_calendar.services.ports.syncs import Tally
from universal_calendar.store.database import Connection, Row
from universal_calendar.store.event_ids import stored_id

Values = dict[str, object]

_BATCH: Final = 250
"""Rows that are packed before others get their turn."""
_SIGNATURE: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER: Final = b"\xff\xff"
_NULL: Final = pack("!i", -1)
_TEXT: Final = 25
"""The type's number in every PostgreSQL."""

# Both sides are compared whole. A planner that takes one of them for small would look
# through it once for each row of the other: a second and a half instead of ten
# milliseconds for 10,000 rows.
_PREPARE: Final = """
SET LOCAL enable_nestloop = off;
CREATE TEMPORARY TABLE read_times (event_id text, starts_at timestamptz,
    ends_at timestamptz, kind smallint{column}) ON COMMIT DROP
"""
_COPY: Final = "COPY pg_temp.read_times FROM STDIN (FORMAT BINARY)"
_FORGET_PAST: Final = """
DELETE FROM mirrored_times WHERE tenant_id = %(tenant)s AND calendar_id = %(calendar)s
    AND ends_at <= %(window_start)s
"""
_OF_CALENDAR: Final = "m.tenant_id = %(tenant)s AND m.calendar_id = %(calendar)s"
_AMONG_READ: Final = "AND m.event_id IN (SELECT unnest(%(events)s::text[]))"
_GONE: Final = f"""
    FROM mirrored_times m WHERE {_OF_CALENDAR} AND m.ends_at > %(window_start)s
        AND NOT EXISTS (SELECT FROM pg_temp.read_times r
            WHERE r.event_id = m.event_id AND r.starts_at = m.starts_at)
"""
_COME: Final = f"""
    FROM pg_temp.read_times r
    WHERE NOT EXISTS (SELECT FROM mirrored_times m WHERE {_OF_CALENDAR}
        AND m.event_id = r.event_id AND m.starts_at = r.starts_at
        AND m.ends_at = r.ends_at AND m.kind = r.kind {{same}})
"""
_DIFFERS: Final = "SELECT EXISTS (SELECT {gone}) OR EXISTS (SELECT {come})"
_WRITE: Final = """
WITH gone AS (DELETE {gone} RETURNING m.event_id), come AS (
    INSERT INTO mirrored_times
    SELECT %(tenant)s, %(calendar)s, r.event_id, r.starts_at, r.ends_at, r.kind,
        {value} {come}
    ON CONFLICT (tenant_id, calendar_id, event_id, starts_at)
        DO UPDATE SET ends_at = excluded.ends_at, kind = excluded.kind,
            technicians = excluded.technicians
    RETURNING event_id
), touched AS (
    SELECT event_id, bool_or(is_come) AS is_come FROM (
        SELECT event_id, true AS is_come FROM come
        UNION ALL SELECT event_id, false FROM gone) each_time
    GROUP BY event_id
), judged AS (
    SELECT event_id IN (SELECT m.event_id FROM mirrored_times m WHERE {of_calendar})
            AS was_there,
        is_come OR event_id IN (SELECT r.event_id FROM pg_temp.read_times r) AS is_there
    FROM touched
)
SELECT count(*) FILTER (WHERE NOT was_there), count(*) FILTER (WHERE was_there
    AND is_there), count(*) FILTER (WHERE NOT is_there) FROM judged
"""


class _Technicians(NamedTuple):
    """How whose time it is gets into statements."""

    column: str
    same: str
    value: str
    are_kept: bool


# To compare what nobody has would cost a third more.
_OF_NONE: Final = _Technicians("", "", "NULL", are_kept=False)
_OF_SCHEDULES: Final = _Technicians(
    ", technicians text[]",
    "AND m.technicians IS NOT DISTINCT FROM r.technicians",
    "r.technicians",
    are_kept=True,
)


async def stage(connection: Connection, mirrored: Mirrored, values: Values) -> None:
    """Put what was read beside the mirror, until the transaction ends.

    `values`, here and below: tenant, calendar, is_schedule, and window_start: what is
    over by then does not count.
    """
    technicians = _technicians(values)
    await connection.execute(_PREPARE.format(column=technicians.column).encode())
    async with connection.cursor().copy(_COPY) as copy:
        await copy.write(_SIGNATURE)
        pack_row = _row_of_technicians if technicians.are_kept else _row
        for batch in _packed(mirrored.times, pack_row):
            await copy.write(batch)
            await asyncio.sleep(0)
        await copy.write(_TRAILER)


async def differs(connection: Connection, mirrored: Mirrored, values: Values) -> bool:
    """Tell whether the mirror shows something else than what is staged."""
    cursor = await _compared(connection, _DIFFERS, mirrored, values)
    row = await cursor.fetchone()
    return row is not None and bool(row[0])


async def write(connection: Connection, mirrored: Mirrored, values: Values) -> Tally:
    """Make the mirror show what is staged; count events, not their times."""
    cursor = await _compared(connection, _WRITE, mirrored, values)
    created, updated, deleted = await cursor.fetchone() or (0, 0, 0)
    return Tally(len(mirrored.event_ids), created, updated, deleted)


async def forget_past(connection: Connection, values: Values) -> None:
    """Forget what is over when the window begins."""
    await connection.execute(_FORGET_PAST, values)


async def _compared(
    connection: Connection, statement: str, mirrored: Mirrored, values: Values
) -> AsyncCursor[Row]:
    gone, events = _GONE, list[str]()
    if not mirrored.is_full:
        gone += _AMONG_READ
        events = [stored_id(each) for each in mirrored.event_ids]
    technicians = _technicians(values)
    text = statement.format(
        gone=gone,
        come=_COME.format(same=technicians.same),
        value=technicians.value,
        of_calendar=_OF_CALENDAR,
    )
    return await connection.execute(text.encode(), values | {"events": events})


def _technicians(values: Values) -> _Technicians:
    return _OF_SCHEDULES if values["is_schedule"] else _OF_NONE


def _packed(
    times: Sequence[MirroredTime], pack_row: Callable[[MirroredTime], bytes]
) -> Iterator[bytes]:
    """Yield rows as binary COPY has them: an Instant is its timestamptz."""
    rows = iter(times)
    while batch := list(islice(rows, _BATCH)):
        yield b"".join(map(pack_row, batch))


def _row(time: MirroredTime, fields: int = 4) -> bytes:
    event_id, start, end, kind, _ = time
    name = stored_id(event_id).encode()
    size = len(name)
    return pack(f"!hi{size}siqiqih", fields, size, name, 8, start, 8, end, 2, kind)


def _row_of_technicians(time: MirroredTime) -> bytes:
    technicians = time.technicians
    array = _NULL if technicians is None else _array(technicians)
    return _row(time, fields=5) + array


def _array(technicians: Iterable[str]) -> bytes:
    """Return a field with an array of text, in an order that never changes."""
    names = [each.encode() for each in sorted(set(technicians))]
    array = pack("!iiiii", 1, 0, _TEXT, len(names), 1) + b"".join(
        pack(f"!i{len(each)}s", len(each), each) for each in names
    )
    return pack("!i", len(array)) + array
