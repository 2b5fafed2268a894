"""From a row of read_agenda to an agenda."""

import sys
from array import array
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from universal_calendar.core.agenda import Agenda
from universal_calendar.core.busy import ALL_TIME, BusyTimes, Claims
from universal_calendar.core.hours import stored_hours
from universal_calendar.core.instant import Duration, Instant, from_datetime
from universal_calendar.core.localtime import zone_named
from universal_calendar.core.silence import (
    NOTHING_OUTSIDE,
    Knowledge,
    Reading,
    knowledge_of,
)


class AgendaRow(NamedTuple):
    """What read_agenda returns."""

    outcome: str
    tenant: UUID
    key: UUID | None
    used: float | None
    revision: int
    zone: str
    document: str
    claims: bytes | None
    next_expiry: datetime | None
    busy: bytes | None
    calendars: str | None


def agenda_of(
    row: AgendaRow, agent_id: UUID, now: Instant, mirror_max_age: Duration
) -> Agenda:
    """Unpack the agenda of a row whose outcome is ok, as it is known now."""
    hours = stored_hours(row.document)
    knowledge = _knowledge(row.calendars, now, mirror_max_age)
    return Agenda(
        row.tenant,
        agent_id,
        row.revision,
        hours.zone or zone_named(row.zone),
        hours.schedule,
        hours.rules,
        _claims(row.claims),
        ALL_TIME if knowledge.is_closed else _busy(row.busy),
        next_expiry=None if row.next_expiry is None else from_datetime(row.next_expiry),
        knowledge=knowledge,
    )


def _knowledge(
    calendars: str | None, now: Instant, mirror_max_age: Duration
) -> Knowledge:
    if calendars is None:
        return NOTHING_OUTSIDE
    return knowledge_of(_readings(orjson.loads(calendars)), now, mirror_max_age)


def _readings(calendars: Iterable[list[Any]]) -> Iterator[Reading]:
    """Read one row for each calendar, those of a connection together."""
    for connection_id, group in groupby(calendars, itemgetter(0)):
        rows = list(group)
        _, provider, _, failing_since, *flags = rows[0]
        read = [_instant(row[2]) for row in rows if row[2] is not None]
        yield Reading(
            UUID(connection_id),
            provider,
            min(read) if len(read) == len(rows) else None,
            None if failing_since is None else _instant(failing_since),
            *flags,
        )


def _instant(text: str) -> Instant:
    return from_datetime(datetime.fromisoformat(text))


def _claims(packed: bytes | None) -> Claims:
    """Read pairs of start and end."""
    times = _integers(packed)
    return Claims(times[0::2], times[1::2])


def _busy(packed: bytes | None) -> BusyTimes:
    """Read triples of start, end and kind, which is a place in KINDS."""
    if packed is None:
        return BusyTimes()
    values = _integers(packed)
    return BusyTimes.packed(values[0::3], values[1::3], values[2::3])


def _integers(packed: bytes | None) -> "array[int]":
    """Read 64-bit integers as PostgreSQL sends them."""
    values = array("q", packed or b"")
    if sys.byteorder == "little":
        values.byteswap()
    return values
