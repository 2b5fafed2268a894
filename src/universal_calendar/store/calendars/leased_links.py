"""The lease of a link: from then on, and for a while, one process writes its event."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

from universal_calendar.core.instant import Instant, from_datetime, to_datetime
from universal_calendar.core.interval import Interval
from universal_calendar.services.ports.appointments import Person
from universal_calendar.services.ports.calendars import WrittenEvent
from universal_calendar.services.ports.links import LeasedLink, LinkId
from universal_calendar.services.ports.visits import Customer, VisitDraft
from universal_calendar.store.database import Bound, Connection
from universal_calendar.store.field_service.technicians import TechnicianTable
from universal_calendar.store.sealing.account_secrets import open_account, open_calendar
from universal_calendar.store.sealing.keyring import Keyring
from universal_calendar.store.sealing.people import open_person

_LEASE: Final = """
UPDATE links l SET leased_until = %(until)s, is_begun = l.is_begun OR l.is_wanted
FROM links before
JOIN calendars c USING (tenant_id, calendar_id)
JOIN connections n USING (tenant_id, connection_id)
WHERE l.tenant_id = %(tenant)s AND l.appointment_id = %(appointment)s
    AND l.calendar_id = %(calendar)s AND l.status = 'pending'
    AND coalesce(l.leased_until <= %(now)s, true)
    AND coalesce(l.next_try_at <= %(now)s, true)
    AND coalesce(n.next_try_at <= %(now)s, true)
    AND before.tenant_id = %(tenant)s AND before.appointment_id = %(appointment)s
    AND before.calendar_id = %(calendar)s
RETURNING l.is_wanted, l.wanted_version, l.generation, l.is_begun, l.event_id, l.etag,
    l.attempts, c.connection_id, n.provider, c.is_schedule, c.key_version, c.sealed,
    n.key_version, n.sealed, NOT before.is_begun, l.technician,
    l.technician_version > l.synced_version
"""
# A statement of its own: it sees the appointment as of the lease or later.
_APPOINTMENT: Final = """
SELECT agent_id, starts_at, ends_at, timezone, version, cancellation_reason, job_type,
    urgency, estimated_cost, key_version, sealed FROM appointments
WHERE tenant_id = %(tenant)s AND appointment_id = %(appointment)s
"""
_KEYS: Final = """
SELECT version, data_key FROM tenant_keys
WHERE tenant_id = %s AND data_key IS NOT NULL
"""


class _LeaseRow(NamedTuple):
    is_wanted: bool
    wanted_version: int
    generation: int
    is_begun: bool
    event_id: str | None
    etag: str | None
    attempts: int
    connection_id: UUID
    provider: str
    is_schedule: bool
    calendar_key_version: int
    calendar_sealed: bytes
    connection_key_version: int
    connection_sealed: bytes
    is_first: bool
    technician: str | None
    is_newly_named: bool


class _AppointmentRow(NamedTuple):
    agent_id: UUID
    starts_at: datetime
    ends_at: datetime
    timezone: str
    version: int
    cancellation_reason: str | None
    job_type: str | None
    urgency: str
    estimated_cost: Decimal | None
    key_version: int
    sealed: bytes


async def lease_link(
    connection: Connection,
    keyring: Keyring,
    link_id: LinkId,
    now: Instant,
    until: Instant,
) -> LeasedLink | None:
    """Take a link that is pending; None if it is not due, or somebody else's."""
    values = {
        "tenant": link_id.tenant_id,
        "appointment": link_id.appointment_id,
        "calendar": link_id.calendar_id,
        "now": to_datetime(now),
        "until": to_datetime(until),
    }
    cursor = await connection.execute(_LEASE, values)
    found = await cursor.fetchone()
    if found is None:
        return None
    row = _LeaseRow._make(found)
    cursor = await connection.execute(_APPOINTMENT, values)
    found = await cursor.fetchone()
    if found is None:
        raise LookupError("a link without its appointment")
    appointment = _AppointmentRow._make(found)
    keys = await data_keys(connection, keyring, link_id.tenant_id)
    link = _leased(link_id, until, row, appointment, keys)
    if not row.is_schedule:
        return link
    session = Bound(connection, link_id.tenant_id)
    technicians = await TechnicianTable(session, keyring).of_agent(
        link_id.tenant_id, row.connection_id, appointment.agent_id
    )
    willing = _willing(technicians, row)
    return replace(link, visit=_visit(link.person, appointment, willing))


async def data_keys(
    connection: Connection, keyring: Keyring, tenant_id: UUID
) -> Mapping[int, bytes]:
    """Return the tenant's data keys that are not destroyed, by version."""
    cursor = await connection.execute(_KEYS, [tenant_id])
    return {
        version: keyring.data_key(tenant_id, wrapped)
        for version, wrapped in await cursor.fetchall()
    }


def _leased(
    link_id: LinkId,
    until: Instant,
    row: _LeaseRow,
    appointment: _AppointmentRow,
    keys: Mapping[int, bytes],
) -> LeasedLink:
    tenant_id = link_id.tenant_id
    account = open_account(
        keys[row.connection_key_version],
        tenant_id,
        row.connection_id,
        row.connection_sealed,
    )
    calendar = open_calendar(
        keys[row.calendar_key_version],
        tenant_id,
        link_id.calendar_id,
        row.calendar_sealed,
    )
    return LeasedLink(
        link_id,
        until,
        row.is_wanted,
        row.wanted_version,
        row.generation,
        row.is_begun,
        None if row.event_id is None else WrittenEvent(row.event_id, row.etag),
        row.attempts,
        row.provider,
        account.access(tenant_id, row.connection_id),
        calendar.external_id,
        Interval(
            from_datetime(appointment.starts_at), from_datetime(appointment.ends_at)
        ),
        appointment.timezone,
        appointment.version,
        open_person(
            keys[appointment.key_version],
            tenant_id,
            link_id.appointment_id,
            appointment.sealed,
        ),
        appointment.cancellation_reason,
        is_first=row.is_first,
    )


def _willing(technicians: Sequence[str], row: _LeaseRow) -> Sequence[str]:
    """Return who will do for a visit: who was named comes first, and at first alone.

    Once that is written the visit is whose the platform says, if they are the agent's.
    """
    if row.technician is None or row.technician not in technicians:
        return technicians
    if row.is_newly_named:
        return [row.technician]
    others = [each for each in technicians if each != row.technician]
    return [row.technician, *others]


def _visit(
    person: Person, appointment: _AppointmentRow, technicians: Sequence[str]
) -> VisitDraft:
    return VisitDraft(
        Customer(person.name, person.phone, person.email, person.address, person.notes),
        technicians,
        appointment.job_type,
        appointment.urgency,
        appointment.estimated_cost,
    )
