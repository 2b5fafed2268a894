"""Agendas: the statements of the hot path, one round trip each."""

import sys
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Final, NamedTuple, cast
from uuid import UUID

from universal_calendar.core.agenda import MARGIN_DAYS, Agenda
from universal_calendar.core.busy import Claims
from universal_calendar.core.errors import AgentNotFound, Unauthorized
from universal_calendar.core.hours import stored_hours
from universal_calendar.core.instant import Instant, from_datetime, to_datetime
from universal_calendar.core.interval import Interval
from universal_calendar.core.localtime import zone_named
from universal_calendar.services.ports import (
    AgendaQuery,
    AgendaReading,
    Answer,
    NewAppointment,
    NewHold,
    Replay,
    StoredAnswer,
    WriteOutcome,
)
from universal_calendar.store.database import Database, Row, call
from universal_calendar.store.encryption import TenantKeys, decrypt, place_of
from universal_calendar.store.keyring import Keyring
from universal_calendar.store.people import email_index, phone_index, seal_person
from universal_calendar.store.rate_limits import RateLimit

Values = dict[str, object]
Call = Callable[[str, Values], Awaitable[Row]]

_ANSWER: Final = ("idempotency_keys", "sealed")

_READ: Final = """
SELECT * FROM read_agenda(%(key_hash)s, %(tenant)s, %(now)s, %(cost)s, %(window)s,
    %(agent)s, %(from)s, %(to)s, %(known_revision)s, %(hold)s)
"""
_READ_TO_BOOK: Final = f"""
{_READ} a, LATERAL read_replay(a.tenant, %(agent)s, %(route)s, %(idempotency_key)s,
    %(reference)s, %(fingerprint)s)
"""
_BOOK: Final = """
SELECT book_appointment(%(tenant)s, %(agent)s, %(revision)s, %(now)s, %(appointment)s,
    %(starts_at)s, %(ends_at)s, %(hold)s, %(timezone)s, %(status)s, %(source)s,
    %(reference)s, %(fingerprint)s, %(key_version)s, %(sealed)s, %(phone_index)s,
    %(email_index)s, %(route)s, %(idempotency_key)s, %(answer_status)s,
    %(answer_sealed)s)
"""
_REMEMBER: Final = """
SELECT remember_answer(%(tenant)s, %(now)s, %(route)s, %(idempotency_key)s,
    %(fingerprint)s, %(key_version)s, %(answer_status)s, %(answer_sealed)s)
"""
_HOLD: Final = """
SELECT hold_time(%(tenant)s, %(agent)s, %(revision)s, %(now)s, %(hold)s, %(starts_at)s,
    %(ends_at)s, %(expires_at)s)
"""


class _AgendaRow(NamedTuple):
    outcome: str
    tenant: UUID
    key: UUID | None
    used: float | None
    revision: int
    zone: str
    document: str
    claims: bytes | None
    next_expiry: datetime | None


class _ReplayRow(NamedTuple):
    key_version: int
    data_key: bytes
    index_key: bytes
    stored_fingerprint: bytes | None
    stored_status: int
    stored_sealed: bytes
    stored_key: bytes
    replayed_id: UUID | None


_AGENDA_COLUMNS: Final = len(_AgendaRow._fields)


class AgendaTable:
    """The port `AgendaStore` on PostgreSQL."""

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        limit: RateLimit,
        call: Call | None = None,
    ) -> None:
        """Take the API keys' rate limit, and how to run a statement if not alone."""
        self._database, self._keyring, self._limit = database, keyring, limit
        self._call = call or database.call

    async def read(self, query: AgendaQuery) -> AgendaReading:
        """Read an agenda; raise Unauthorized, RateLimited or AgentNotFound."""
        parameters = self._read_parameters(query)
        if query.replay is None:
            row = _AgendaRow._make(await self._call(_READ, parameters))
            return self._reading(query, row)
        parameters |= self._replay_parameters(query.replay)
        both = await self._call(_READ_TO_BOOK, parameters)
        row = _AgendaRow._make(both[:_AGENDA_COLUMNS])
        replay = _ReplayRow._make(both[_AGENDA_COLUMNS:])
        reading = self._reading(query, row)
        return self._with_replay(reading, query.replay, replay)

    def _reading(self, query: AgendaQuery, row: _AgendaRow) -> AgendaReading:
        if row.outcome == "unauthorized":
            raise Unauthorized
        if row.outcome == "limited":
            raise self._limit.exceeded()
        if row.outcome == "unknown":
            raise AgentNotFound(query.agent_id)
        allowance = None if row.used is None else self._limit.allowance(row.used)
        agenda = None if row.outcome == "unchanged" else _agenda(row, query.agent_id)
        return AgendaReading(row.tenant, row.key, allowance, agenda)

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
            "from": _midnight(query.first, -MARGIN_DAYS),
            "to": _midnight(query.last, MARGIN_DAYS + 1),
            "known_revision": query.known_revision,
            "hold": query.hold_id,
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
        key = self._keyring.data_key(tenant_id, row.stored_key)
        place = place_of(tenant_id, *_ANSWER, _answer_row(replay))
        answer = Answer(row.stored_status, decrypt(key, row.stored_sealed, place))
        fingerprint = self._keyring.fingerprint(replay.request)
        return StoredAnswer(answer, row.stored_fingerprint == fingerprint)

    async def book(
        self, reading: AgendaReading, appointment: NewAppointment, now: Instant
    ) -> WriteOutcome:
        """Write the appointment, its claim and its answer, or none of them."""
        keys, agenda = cast(TenantKeys, reading.sealer), reading.found
        parameters = (
            _claim_parameters(agenda, appointment.interval, now)
            | self._replay_parameters(appointment.replay)
            | _appointment_parameters(keys, agenda, appointment)
        )
        (outcome,) = await self._call(_BOOK, parameters)
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
            within = partial(call, connection)
            yield AgendaTable(self._database, self._keyring, self._limit, within)


def _midnight(day: date, days: int) -> datetime:
    try:
        return datetime.combine(day + timedelta(days=days), time(), UTC)
    except OverflowError:
        return datetime.combine(day, time(), UTC)


def _agenda(row: _AgendaRow, agent_id: UUID) -> Agenda:
    hours = stored_hours(row.document)
    return Agenda(
        row.tenant,
        agent_id,
        row.revision,
        hours.zone or zone_named(row.zone),
        hours.schedule,
        hours.rules,
        _claims(row.claims or b""),
        next_expiry=None if row.next_expiry is None else from_datetime(row.next_expiry),
    )


def _claims(packed: bytes) -> Claims:
    times = array("q", packed)
    if sys.byteorder == "little":
        times.byteswap()
    return Claims(times[0::2], times[1::2])


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
    person = appointment.person
    return {
        "appointment": appointment.appointment_id,
        "hold": appointment.hold_id,
        "timezone": agenda.zone.key,
        "status": appointment.status,
        "source": appointment.source,
        "sealed": seal_person(keys, appointment.appointment_id, person),
        "phone_index": phone_index(keys, person),
        "email_index": email_index(keys, person),
        **_answer_parameters(keys, appointment.replay, appointment.answer),
    }


def _answer_parameters(keys: TenantKeys, replay: Replay, answer: Answer) -> Values:
    return {
        "key_version": keys.version,
        "answer_status": answer.status,
        "answer_sealed": _sealed_answer(keys, replay, answer),
    }


def _sealed_answer(keys: TenantKeys, replay: Replay, answer: Answer) -> bytes | None:
    if replay.idempotency_key is None:
        return None
    return keys.seal(answer.body, *_ANSWER, _answer_row(replay))


def _answer_row(replay: Replay) -> str:
    return f"{replay.route}/{replay.idempotency_key}"
