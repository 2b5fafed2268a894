"""Rows of visits: what is compared, what is sealed, and what they say."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson

from universal_calendar.core.instant import from_datetime, to_datetime
from universal_calendar.core.interval import Interval
from universal_calendar.services.ports.appointments import Person
from universal_calendar.services.ports.visit_store import KnownVisit
from universal_calendar.services.ports.visits import Customer, Visit, VisitStatus
from universal_calendar.store.database import Row
from universal_calendar.store.sealing.encryption import (
    TenantKeys,
    keyed_hash,
    place_of,
    reopened,
)
from universal_calendar.store.sealing.keyring import Keyring
from universal_calendar.store.sealing.people import email_index, phone_index

_PLACE: Final = ("visits", "sealed")


class StoredVisit(NamedTuple):
    """What of a row is compared; what names a customer by its keyed hashes."""

    event_id: str
    job_id: str
    visit_id: str
    customer_id: str | None
    status: str
    starts_at: datetime | None
    ends_at: datetime | None
    technicians: list[str]
    phone_index: bytes | None
    email_index: bytes | None
    content_index: bytes


def new_rows(
    keys: TenantKeys,
    visits: Mapping[str, Visit],
    stored: Mapping[str, StoredVisit],
) -> Iterator[tuple[StoredVisit, bytes]]:
    """Yield rows that say something new, with what is to be sealed of each."""
    for event_id, visit in visits.items():
        was = stored.get(event_id)
        plain = _plain(visit)
        row = _without_time(_row(keys, event_id, visit, plain), was)
        if row != was:
            yield row, plain


def _row(keys: TenantKeys, event_id: str, visit: Visit, plain: bytes) -> StoredVisit:
    person = Person("", phone=visit.customer.phone, email=visit.customer.email)
    interval = visit.interval
    return StoredVisit(
        event_id,
        visit.job_id,
        visit.visit_id,
        visit.customer_id,
        visit.status,
        None if interval is None else to_datetime(interval.start),
        None if interval is None else to_datetime(interval.end),
        list(visit.technicians),
        phone_index(keys, person),
        email_index(keys, person),
        keyed_hash(keys.index, f"visit\0{event_id}\0".encode() + plain),
    )


def _without_time(row: StoredVisit, was: StoredVisit | None) -> StoredVisit:
    """Return the row of a visit that lost its time as one that was cancelled then."""
    if row.starts_at is not None or was is None or was.starts_at is None:
        return row
    is_done = row.status == VisitStatus.COMPLETED
    return row._replace(
        status=row.status if is_done else VisitStatus.CANCELLED,
        starts_at=was.starts_at,
        ends_at=was.ends_at,
    )


def _plain(visit: Visit) -> bytes:
    return orjson.dumps(
        {
            "title": visit.title,
            "customer": visit.customer,
            "job_type": visit.job_type,
            "value": None if visit.value is None else str(visit.value),
        }
    )


def columns_of(
    keys: TenantKeys, calendar_id: UUID, new: Sequence[tuple[StoredVisit, bytes]]
) -> dict[str, object]:
    """Return the rows by columns, as `unnest` takes them."""
    rows = [row for row, _ in new]
    columns: dict[str, object] = {
        name: [getattr(row, name) for row in rows] for name in StoredVisit._fields
    }
    # Arrays in arrays would have to be of one length.
    columns["technicians"] = [orjson.dumps(row.technicians).decode() for row in rows]
    columns["sealed"] = [
        keys.seal(plain, *_PLACE, f"{calendar_id}/{row.event_id}") for row, plain in new
    ]
    return columns


def opened_visit(keyring: Keyring, row: Row, names: Mapping[str, str]) -> KnownVisit:
    """Decrypt a row of visits; technicians' names by their ids."""
    tenant_id, calendar_id, event_id, job_id, visit_id, customer_id, status, *rest = row
    starts_at, ends_at, technicians, sealed, wrapped, appointment_id = rest
    data_key = keyring.data_key(tenant_id, wrapped)
    place = place_of(tenant_id, *_PLACE, f"{calendar_id}/{event_id}")
    plain: dict[str, Any] = orjson.loads(reopened(data_key, sealed, place))
    visit = Visit(
        job_id,
        visit_id,
        VisitStatus(status),
        tuple(technicians),
        _interval(starts_at, ends_at),
        plain["title"],
        customer_id,
        Customer(**plain["customer"]),
        plain["job_type"],
        None if plain["value"] is None else Decimal(plain["value"]),
    )
    name = names.get(technicians[0]) if technicians else None
    return KnownVisit(event_id, visit, appointment_id, name)


def _interval(starts_at: datetime | None, ends_at: datetime | None) -> Interval | None:
    if starts_at is None or ends_at is None:
        return None
    return Interval(from_datetime(starts_at), from_datetime(ends_at))
