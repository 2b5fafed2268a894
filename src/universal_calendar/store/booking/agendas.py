"""Agendas: the statements of the hot path, one round trip each."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple, cast
from uuid import UUID

from universal_calendar.core.agenda import MARGIN_DAYS, Agenda
from universal_calendar.core.errors import (
    AgentNotFound,
    Conflict,
    HoursNotConfigured,
    Unauthorized,
)
from universal_calendar.core.instant import (
    Duration,
    Instant,
    instant_text,
    to_datetime,
)
from universal_calendar.core.interval import Interval
from universal_calendar.core.silence import MIRROR_MAX_AGE
from universal_calendar.services.ports.agendas import (
    AgendaQuery,
    AgendaReading,
    NewHold,
    WriteOutcome,
)
from universal_calendar.services.ports.answers import Answer, Replay, StoredAnswer
from universal_calendar.services.ports.appointments import NewAppointment
from universal_calendar.services.ports.notices import AppointmentSnapshot
from universal_calendar.store.answers import StoredRow, sealed_answer, stored_answer
from universal_calendar.store.booking.agenda_rows import AgendaRow, agenda_of
from universal_calendar.store.booking.conflicts import read_conflicts
from universal_calendar.store.database import Bound, Session, call
from universal_calendar.store.rate_limits import RateLimit
from universal_calendar.store.sealing.encryption import TenantKeys
from universal_calendar.store.sealing.keyring import Keyring
from universal_calendar.store.sealing.people import (
    email_index,
    phone_index,
    seal_person,
)
from universal_calendar.store.sealing.snapshots import seal_snapshot

Values = dict[str, object]

_READ: Final = """
SELECT * FROM read_agenda(%(key_hash)s, %(tenant)s, %(now)s, %(cost)s, %(window)s,
    %(agent)s, %(from)s, %(to)s, %(known_revision)s, %(hold)s, %(moved)s)
"""
_READ_TO_BOOK: Final = f"""
{_READ} a, LATERAL read_replay(a.tenant, %(agent)s, %(route)s, %(idempotency_key)s,
    %(reference)s, %(fingerprint)s)
"""
_BOOK: Final = """
SELECT book_appointment(%(tenant)s, %(agent)s, %(revision)s, %(now)s, %(appointment)s,
    %(starts_at)s, %(ends_at)s, %(hold)s, %(timezone)s, %(status)s, %(source)s,
    %(own_reference)s, %(fingerprint)s, %(key_version)s, %(sealed)s, %(phone_index)s,
    %(email_index)s, %(customer_id)s, %(lead_id)s, %(conversation_id)s, %(job_type)s,
    %(urgency)s, %(estimated_minutes)s, %(estimated_cost)s, %(route)s,
    %(idempotency_key)s, %(answer_status)s, %(answer_sealed)s,
    %(provisional_until)s, %(calendar)s, %(notice)s, %(notice_sealed)s,
    %(tells_customer)s, %(settle_at)s, %(remind_at)s, %(entry)s, %(actor_kind)s,
    %(actor_id)s, %(address)s, %(request_id)s)
"""
# What the owner chose to write to, then the agent's own account, then its main one.
_CALENDAR_AT: Final = """
SELECT c.calendar_id FROM calendars c
JOIN connections n USING (tenant_id, connection_id)
LEFT JOIN write_calendars w ON w.tenant_id = c.tenant_id
    AND w.calendar_id = c.calendar_id
    AND (w.agent_id = %(agent)s OR w.agent_id IS NULL)
WHERE c.tenant_id = %(tenant)s AND n.provider = %(provider)s
    AND (n.agent_id = %(agent)s OR n.agent_id IS NULL)
ORDER BY w.calendar_id IS NULL, w.agent_id, n.agent_id, c.is_primary DESC, c.calendar_id
LIMIT 1
"""
_NAME_TECHNICIAN: Final = """
UPDATE links SET technician = %(technician)s, technician_version = wanted_version
WHERE tenant_id = %(tenant)s AND appointment_id = %(appointment)s
"""
_REMEMBER: Final = """
SELECT remember_answer(%(tenant)s, %(now)s, %(route)s, %(idempotency_key)s,
    %(fingerprint)s, %(key_version)s, %(answer_status)s, %(answer_sealed)s)
"""
_HOLD: Final = """
SELECT hold_time(%(tenant)s, %(agent)s, %(revision)s, %(now)s, %(hold)s, %(starts_at)s,
    %(ends_at)s, %(expires_at)s)
"""


class _ReplayRow(NamedTuple):
    key_version: int
    data_key: bytes
    index_key: bytes
    stored_fingerprint: bytes | None
    stored_status: int
    stored_sealed: bytes
    stored_key: bytes
    provisional_until: datetime | None
    replayed_id: UUID | None
    calendar: UUID | None
    has_listeners: bool
    reminder_minutes: list[int]
    tenant_name: str
    agent_name: str


_AGENDA_COLUMNS: Final = len(AgendaRow._fields)


class AgendaTable:
    """The port `AgendaStore` on PostgreSQL."""

    def __init__(
        self,
        database: Session,
        keyring: Keyring,
        limit: RateLimit,
        mirror_max_age: Duration = MIRROR_MAX_AGE,
    ) -> None:
        """Take the API keys' rate limit, and how long a mirror of calendars stands."""
        self._database, self._keyring, self._limit = database, keyring, limit
        self._mirror_max_age = mirror_max_age
        self._call = database.call

    async def read(self, query: AgendaQuery) -> AgendaReading:
        """Read an agenda; raise Unauthorized, RateLimited or AgentNotFound."""
        parameters = self._read_parameters(query)
        if query.replay is None:
            row = AgendaRow._make(await self._call(_READ, parameters))
            return self._reading(query, row)
        parameters |= self._replay_parameters(query.replay)
        both = await self._call(_READ_TO_BOOK, parameters)
        row = AgendaRow._make(both[:_AGENDA_COLUMNS])
        replay = _ReplayRow._make(both[_AGENDA_COLUMNS:])
        reading = self._reading(query, row)
        return self._with_replay(reading, query.replay, replay)

    def _reading(self, query: AgendaQuery, row: AgendaRow) -> AgendaReading:
        if row.outcome == "unauthorized":
            raise Unauthorized
        if row.outcome == "limited":
            raise self._limit.exceeded()
        if row.outcome == "unknown":
            raise AgentNotFound(query.agent_id)
        if row.outcome == "unscheduled":
            raise HoursNotConfigured(query.agent_id)
        allowance = None if row.used is None else self._limit.allowance(row.used)
        agenda = self._agenda(query, row) if row.outcome == "ok" else None
        return AgendaReading(row.tenant, row.key, allowance, agenda)

    def _agenda(self, query: AgendaQuery, row: AgendaRow) -> Agenda:
        return agenda_of(row, query.agent_id, query.now, self._mirror_max_age)

    def _with_replay(
        self, reading: AgendaReading, replay: Replay, row: _ReplayRow
    ) -> AgendaReading:
        keys = self._keyring.tenant_keys(
            reading.tenant_id, row.key_version, row.data_key, row.index_key
        )
        return replace(
            reading,
            sealer=keys,
            stored=self._stored(reading.tenant_id, row, replay),
            replayed_id=row.replayed_id,
            calendar_id=row.calendar,
            has_listeners=row.has_listeners,
            reminder_minutes=tuple(row.reminder_minutes),
            names=(row.tenant_name, row.agent_name),
        )

    def _read_parameters(self, query: AgendaQuery) -> Values:
        key = query.caller.api_key
        return {
            "key_hash": None if key is None else self._keyring.hash_api_key(key),
            "tenant": query.caller.tenant_id,
            "now": to_datetime(query.now),
            "cost": self._limit.cost,
            "window": self._limit.window,
            "agent": query.agent_id,
            "from": midnight(query.first, -MARGIN_DAYS),
            "to": midnight(query.last, MARGIN_DAYS + 1),
            "known_revision": query.known_revision,
            "hold": query.hold_id,
            "moved": query.moved_id,
        }

    def _replay_parameters(self, replay: Replay) -> Values:
        return {
            "route": replay.route,
            "idempotency_key": replay.idempotency_key,
            "reference": replay.reference,
            "fingerprint": self._keyring.fingerprint(replay.request),
        }

    def _stored(
        self, tenant_id: UUID, row: _ReplayRow, replay: Replay
    ) -> StoredAnswer | None:
        if row.stored_fingerprint is None:
            return None
        stored = StoredRow(
            row.stored_fingerprint,
            row.stored_status,
            row.stored_sealed,
            row.stored_key,
            row.provisional_until,
        )
        return stored_answer(self._keyring, tenant_id, replay, stored)

    async def book(
        self, reading: AgendaReading, appointment: NewAppointment, now: Instant
    ) -> WriteOutcome:
        """Write the appointment, its claim and its answer, or none of them."""
        keys, agenda = cast(TenantKeys, reading.sealer), reading.found
        parameters = (
            _claim_parameters(agenda, appointment.interval, now)
            | self._replay_parameters(appointment.replay)
            | _appointment_parameters(keys, agenda, appointment)
            | _following_parameters(keys, reading, appointment)
        )
        if appointment.technician_id is not None:
            return await self._book_named(agenda.tenant_id, parameters)
        (outcome,) = await self._call(_BOOK, parameters)
        return WriteOutcome(outcome)

    async def _book_named(self, tenant_id: UUID, parameters: Values) -> WriteOutcome:
        async with self._database.transaction(tenant_id) as connection:
            (outcome,) = await call(connection, _BOOK, parameters)
            await connection.execute(_NAME_TECHNICIAN, parameters)
        return WriteOutcome(outcome)

    async def remember(
        self, reading: AgendaReading, replay: Replay, answer: Answer, now: Instant
    ) -> WriteOutcome:
        """Keep an answer for retries; CHANGED if the idempotency key has one now."""
        keys = cast(TenantKeys, reading.sealer)
        parameters = self._replay_parameters(replay) | {
            "tenant": reading.tenant_id,
            "now": to_datetime(now),
            **_answer_parameters(keys, replay, answer),
        }
        (is_new,) = await self._call(_REMEMBER, parameters)
        return WriteOutcome.BOOKED if is_new else WriteOutcome.CHANGED

    async def conflicts(
        self, agenda: Agenda, wanted: Interval, now: Instant, own: Sequence[UUID] = ()
    ) -> list[Conflict]:
        """Return what overlaps the time, by start; not the claims that are `own`."""
        async with self._database.transaction(agenda.tenant_id) as connection:
            return await read_conflicts(connection, agenda, wanted, now, own)

    async def calendar_at(self, agenda: Agenda, provider: str) -> UUID | None:
        """Return the calendar to write this agent's appointments to at a provider."""
        parameters = {
            "tenant": agenda.tenant_id,
            "agent": agenda.agent_id,
            "provider": provider,
        }
        async with self._database.transaction(agenda.tenant_id) as connection:
            cursor = await connection.execute(_CALENDAR_AT, parameters)
            row = await cursor.fetchone()
        return None if row is None else row[0]

    async def hold(
        self, reading: AgendaReading, hold: NewHold, now: Instant
    ) -> WriteOutcome:
        """Claim the time until the hold expires."""
        agenda = reading.found
        parameters = _claim_parameters(agenda, hold.interval, now) | {
            "hold": hold.hold_id,
            "expires_at": to_datetime(hold.expires_at),
        }
        (outcome,) = await self._call(_HOLD, parameters)
        return WriteOutcome(outcome)

    @asynccontextmanager
    async def locked(
        self, tenant_id: UUID, agent_id: UUID
    ) -> AsyncIterator["AgendaTable"]:
        """Lock the agent: inside the block nothing of it changes but by the block."""
        async with self._database.transaction(tenant_id) as connection:
            await connection.execute(
                "SELECT FROM agents WHERE tenant_id = %s AND agent_id = %s FOR UPDATE",
                [tenant_id, agent_id],
            )
            session = Bound(connection, tenant_id)
            yield AgendaTable(session, self._keyring, self._limit, self._mirror_max_age)


def midnight(day: date, days: int) -> datetime:
    """Return the midnight in UTC so many days after the day, if there is one."""
    try:
        return datetime.combine(day + timedelta(days=days), time(), UTC)
    except OverflowError:
        return datetime.combine(day, time(), UTC)


def _claim_parameters(agenda: Agenda, interval: Interval, now: Instant) -> Values:
    return {
        "tenant": agenda.tenant_id,
        "agent": agenda.agent_id,
        "revision": agenda.revision,
        "now": to_datetime(now),
        "starts_at": to_datetime(interval.start),
        "ends_at": to_datetime(interval.end),
    }


def _appointment_parameters(
    keys: TenantKeys, agenda: Agenda, appointment: NewAppointment
) -> Values:
    person, details = appointment.person, appointment.details
    return {
        "appointment": appointment.appointment_id,
        "hold": appointment.hold_id,
        "timezone": agenda.zone.key,
        "status": appointment.status,
        "source": appointment.source,
        "own_reference": details.external_reference_id,
        "sealed": seal_person(keys, appointment.appointment_id, person),
        "phone_index": phone_index(keys, person),
        "email_index": email_index(keys, person),
        "customer_id": details.customer_id,
        "lead_id": details.lead_id,
        "conversation_id": details.conversation_id,
        "job_type": details.job_type,
        "urgency": details.urgency,
        "estimated_minutes": details.estimated_minutes,
        "estimated_cost": details.estimated_cost,
        "provisional_until": _moment(appointment.provisional_until),
        **_answer_parameters(keys, appointment.replay, appointment.answer),
    }


def _following_parameters(
    keys: TenantKeys, reading: AgendaReading, appointment: NewAppointment
) -> Values:
    """Return what follows from the booking: event, notice, reminder, audit entry."""
    notice, actor = appointment.notice, appointment.actor
    return {
        "calendar": appointment.calendar_id,
        "technician": appointment.technician_id,
        "notice": None if notice is None else notice.notice_id,
        "notice_sealed": None
        if notice is None
        else seal_snapshot(keys, notice.notice_id, _snapshot(reading, appointment)),
        "tells_customer": notice is not None and notice.tells_customer,
        "settle_at": to_datetime(appointment.settle_at),
        "remind_at": _moment(appointment.remind_at),
        "entry": appointment.entry_id,
        "actor_kind": actor.kind,
        "actor_id": actor.actor_id,
        "address": actor.address,
        "request_id": actor.request_id,
    }


def _snapshot(
    reading: AgendaReading, appointment: NewAppointment
) -> AppointmentSnapshot:
    agenda, person = reading.found, appointment.person
    tenant_name, agent_name = reading.names
    return AppointmentSnapshot(
        appointment.appointment_id,
        agenda.tenant_id,
        tenant_name,
        agenda.agent_id,
        agent_name,
        instant_text(appointment.interval.start),
        instant_text(appointment.interval.end),
        agenda.zone.key,
        appointment.status,
        1,
        appointment.source,
        person.title,
        person.name or "",
        person.phone,
        person.email,
        person.description,
        person.address,
    )


def _moment(instant: Instant | None) -> datetime | None:
    return None if instant is None else to_datetime(instant)


def _answer_parameters(keys: TenantKeys, replay: Replay, answer: Answer) -> Values:
    return {
        "key_version": keys.version,
        "answer_status": answer.status,
        "answer_sealed": None
        if replay.idempotency_key is None
        else sealed_answer(keys, replay, answer),
    }
