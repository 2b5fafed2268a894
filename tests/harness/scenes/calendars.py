"""Appointments that are to be written to calendars, by the rows that a booking writes.

Straight through SQL: what is tested here is what follows from the rows, whoever wrote
them.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.harness.scenes.business import Business
from tests.harness.scenes.scene import Scene
from universal_calendar.bootstrap.parts import Parts, new_id
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import Instant, from_datetime, to_datetime
from universal_calendar.services.ports.appointments import Person
from universal_calendar.store.answers import read_tenant_keys
from universal_calendar.store.database import Connection
from universal_calendar.store.due_work import CALENDAR
from universal_calendar.store.sealing.people import seal_person

Values = dict[str, object]

FIRST_START = datetime(2040, 3, 5, 9, tzinfo=UTC)
PERSON = Person("Leak", "John Doe", "+12125550100", "john@example.test", "Kitchen sink")

_BOOK = """
INSERT INTO appointments (tenant_id, appointment_id, agent_id, starts_at, ends_at,
    timezone, status, source, key_version, sealed, created_at, updated_at)
VALUES (%(tenant)s, %(appointment)s, %(agent)s, %(starts_at)s, %(ends_at)s, 'UTC',
    'confirmed', 'test', %(key_version)s, %(sealed)s, %(now)s, %(now)s)
"""
_LINK = """
INSERT INTO links (tenant_id, appointment_id, calendar_id, wanted_version, updated_at)
SELECT %(tenant)s, %(appointment)s, calendar_id, %(version)s, %(now)s
FROM write_calendars WHERE tenant_id = %(tenant)s
ON CONFLICT (tenant_id, appointment_id, calendar_id) DO UPDATE SET is_wanted = true,
    wanted_version = excluded.wanted_version, status = 'pending', attempts = 0,
    next_try_at = NULL, updated_at = excluded.updated_at
"""
_MOVE = """
UPDATE appointments SET version = version + 1, starts_at = starts_at + %(by)s,
    ends_at = ends_at + %(by)s, updated_at = %(now)s
WHERE tenant_id = %(tenant)s AND appointment_id = %(appointment)s RETURNING version
"""
_CANCEL = """
UPDATE appointments SET version = version + 1, status = 'cancelled',
    updated_at = %(now)s
WHERE tenant_id = %(tenant)s AND appointment_id = %(appointment)s RETURNING version
"""
_FOLLOW = """
UPDATE links SET wanted_version = %(version)s, is_wanted = %(is_wanted)s,
    status = 'pending', attempts = 0, next_try_at = NULL, updated_at = %(now)s
WHERE tenant_id = %(tenant)s AND appointment_id = %(appointment)s
"""
_DUE = """
INSERT INTO due_work VALUES (%(tenant)s, 'calendar', %(appointment)s, %(due_at)s)
ON CONFLICT (tenant_id, kind, item_id) DO UPDATE SET due_at = excluded.due_at
"""


def now() -> Instant:
    """Return the present instant."""
    return from_datetime(utc_now())


@dataclass
class Diary(Scene):
    """Books, moves and cancels appointments of one business."""

    parts: Parts
    business: Business
    booked: int = 0

    async def book(self, *, due_in: float = 0) -> UUID:
        """Book the next half hour, to be settled in so many seconds."""
        start = FIRST_START + self.booked * timedelta(minutes=30)
        self.booked += 1
        values = self._values(new_id(now()), due_in) | {
            "agent": self.business.agent.agent_id,
            "starts_at": start,
            "ends_at": start + timedelta(minutes=30),
            "version": 1,
        }
        async with self.parts.database.transaction(self.tenant_id) as connection:
            await self._insert(connection, values)
            await connection.execute(_LINK, values)
            await connection.execute(_DUE, values)
        appointment_id = values["appointment"]
        assert isinstance(appointment_id, UUID)
        return appointment_id

    async def _insert(self, connection: Connection, values: Values) -> None:
        keys = await read_tenant_keys(connection, self.parts.keyring, self.tenant_id)
        appointment_id = values["appointment"]
        assert isinstance(appointment_id, UUID)
        sealed = {
            "key_version": keys.version,
            "sealed": seal_person(keys, appointment_id, PERSON),
        }
        await connection.execute(_BOOK, values | sealed)

    async def move(self, appointment_id: UUID, *, due_in: float = 0) -> None:
        """Move it by a day."""
        await self._change(appointment_id, _MOVE, due_in, is_wanted=True)

    async def cancel(self, appointment_id: UUID, *, due_in: float = 0) -> None:
        """Cancel it; its event is to go."""
        await self._change(appointment_id, _CANCEL, due_in, is_wanted=False)

    async def revive(self, appointment_id: UUID, *, due_in: float = 0) -> None:
        """Have an event again, as when another agent gave it back."""
        await self.move(appointment_id, due_in=due_in)

    async def _change(
        self, appointment_id: UUID, statement: str, due_in: float, *, is_wanted: bool
    ) -> None:
        values = self._values(appointment_id, due_in) | {
            "by": timedelta(days=1),
            "is_wanted": is_wanted,
        }
        async with self.parts.database.transaction(self.tenant_id) as connection:
            cursor = await connection.execute(statement, values)
            row = await cursor.fetchone()
            assert row is not None
            values["version"] = row[0]
            await connection.execute(_FOLLOW, values)
            await connection.execute(_DUE, values)

    def _values(self, appointment_id: UUID, due_in: float) -> Values:
        moment = utc_now()
        return {
            "tenant": self.tenant_id,
            "appointment": appointment_id,
            "now": moment,
            "due_at": moment + timedelta(seconds=due_in),
        }

    async def start_of(self, appointment_id: UUID) -> Instant:
        """Return when the appointment begins."""
        ((starts_at,),) = await self.rows(
            "SELECT starts_at FROM appointments WHERE appointment_id = %s",
            appointment_id,
        )
        return from_datetime(starts_at)

    async def link(self, appointment_id: UUID) -> dict[str, Any]:
        """Return the row of its one link."""
        return await self.row("links", "appointment_id", appointment_id)

    async def due_at(self, appointment_id: UUID) -> Instant | None:
        """Return when the sweep takes it up, None if all is done."""
        rows = await self.rows(
            "SELECT due_at FROM due_work WHERE item_id = %s", appointment_id
        )
        return from_datetime(rows[0][0]) if rows else None

    async def unsettled(self) -> int:
        """Return how many appointments the calendar does not show as they are."""
        due = await self.rows(
            "SELECT FROM due_work WHERE tenant_id = %s AND kind = %s",
            self.tenant_id,
            CALENDAR,
        )
        return len(due)


def shown(instant: Instant) -> str:
    """Return an instant as the sandbox shows it."""
    return to_datetime(instant).strftime("%Y-%m-%dT%H:%M:%SZ")
