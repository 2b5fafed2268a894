"""From a row of read_agenda to an agenda."""

import sys
from array import array
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from universal_calendar.core.agenda import Agenda
from universal_calendar.core.busy import BusyTimes, Claims
from universal_calendar.core.hours import stored_hours
from universal_calendar.core.instant import from_datetime
from universal_calendar.core.localtime import zone_named


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


def agenda_of(row: AgendaRow, agent_id: UUID) -> Agenda:
    """Unpack the agenda of a row whose outcome is ok."""
    hours = stored_hours(row.document)
    return Agenda(
        row.tenant,
        agent_id,
        row.revision,
        hours.zone or zone_named(row.zone),
        hours.schedule,
        hours.rules,
        _claims(row.claims),
        _busy(row.busy),
        next_expiry=None if row.next_expiry is None else from_datetime(row.next_expiry),
    )


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
