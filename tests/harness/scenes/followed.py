"""A business and a calendar of its own outside, read and written on demand.

Time stands still between the steps of a test: `now` moves when it is told to.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from tests.harness.scenes.business import Business
from tests.harness.scenes.front_desk import FrontDesk
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.core.instant import (
    DAY,
    HOUR,
    Instant,
    from_datetime,
)
from universal_calendar.core.interval import Interval
from universal_calendar.core.retry import SECOND
from universal_calendar.core.sync import FRESH
from universal_calendar.services.booking.appointment_changes import Revision
from universal_calendar.services.calendars.calendar_sync import CalendarSync
from universal_calendar.services.calendars.calendar_writes import CalendarWrites
from universal_calendar.services.ports.identity import Actor, ActorKind
from universal_calendar.store.calendars.syncs import SyncRequestTable

ACTOR = Actor(ActorKind.WORKER, "test")
Rows = list[tuple[Any, ...]]


@dataclass
class Followed:
    """The business, what reads and writes its calendar, and what time it is."""

    parts: Parts
    business: Business
    syncs: CalendarSync
    writes: CalendarWrites
    connection_id: UUID
    calendar_id: UUID
    now: Instant
    opened_at: Instant = field(init=False)

    def __post_init__(self) -> None:
        self.opened_at = self.now

    @property
    def tenant_id(self) -> UUID:
        """Return whose calendar it is."""
        return self.business.tenant_id

    def wait(self, duration: int = FRESH + SECOND) -> None:
        """Let time pass: long enough that what was written is believed."""
        self.now += duration

    async def sync(self, *, seconds: float = 30.0) -> None:
        """Read the calendar, as the worker would."""
        await self.syncs.settle(
            self.tenant_id, self.calendar_id, self.now, seconds=seconds
        )

    async def want(self, *, is_full: bool = False, may_be_empty: bool = False) -> None:
        """Ask for a sync, as a push or an operator does."""
        await SyncRequestTable(self.parts.database).want(
            self.tenant_id,
            [self.calendar_id],
            self.now,
            is_full=is_full,
            may_be_empty=may_be_empty,
        )

    # Here

    def hour(self, number: int, day: int = 3) -> Interval:
        """Return the hour so many hours after nine, days after the scene opened."""
        morning = (self.opened_at // DAY + day) * DAY + 9 * HOUR
        return Interval(morning + number * HOUR, morning + (number + 1) * HOUR)

    async def write(self, appointment_id: UUID) -> None:
        """Settle the appointment's event, as far as that goes."""
        await self.writes.settle(self.tenant_id, appointment_id, self.now, seconds=10)

    async def move(self, appointment_id: UUID, interval: Interval) -> None:
        """Reschedule the appointment, without writing it yet."""
        revision = Revision(start=interval.start, end=interval.end)
        await self.revise(appointment_id, revision)

    async def revise(self, appointment_id: UUID, revision: Revision) -> None:
        """Change the appointment, without writing it yet."""
        desk = FrontDesk(self.parts)
        async with self.parts.units.begin(self.tenant_id, ACTOR, self.now) as unit:
            await desk.changes.revise(unit, appointment_id, revision)

    async def cancel(self, appointment_id: UUID) -> None:
        """Cancel the appointment, without deleting its event yet."""
        desk = FrontDesk(self.parts)
        await desk.cancel(self.business.agent, appointment_id, self.now)

    async def appointment(self, appointment_id: UUID) -> tuple[str, Interval]:
        """Return its status and its time."""
        found = await self.parts.appointments.get(self.tenant_id, appointment_id)
        return str(found.status), found.interval

    async def link(self, appointment_id: UUID) -> dict[str, Any]:
        """Return the row of its link."""
        (row,) = await self.rows(
            "SELECT row_to_json(l) FROM links l WHERE appointment_id = %s",
            appointment_id,
        )
        return dict(row[0])

    async def calendar(self) -> dict[str, Any]:
        """Return the calendar's row."""
        ((row,),) = await self.rows(
            "SELECT row_to_json(c) FROM calendars c WHERE calendar_id = %s",
            self.calendar_id,
        )
        return dict(row)

    async def ages_what_is_written(self) -> bool:
        """Make events older than FRESH, for workers; tell whether all are written."""
        unwritten = "SELECT FROM links WHERE status = 'pending' OR leased_until > now()"
        if await self.rows(unwritten):
            return False
        await self.rows(
            "UPDATE links SET updated_at = updated_at - %s",
            timedelta(seconds=FRESH / SECOND),
        )
        return True

    async def is_being_read(self) -> bool:
        """Tell whether somebody has the lease."""
        return (await self.calendar())["leased_until"] is not None

    async def connection(self) -> dict[str, Any]:
        """Return the connection's row."""
        ((row,),) = await self.rows(
            "SELECT row_to_json(n) FROM connections n WHERE connection_id = %s",
            self.connection_id,
        )
        return dict(row)

    async def due_in(self) -> float | None:
        """Return in how many seconds it is to be read, None for never."""
        rows = await self.rows(
            "SELECT due_at FROM due_work WHERE kind = 'sync' AND item_id = %s",
            self.calendar_id,
        )
        return (from_datetime(rows[0][0]) - self.now) / SECOND if rows else None

    async def actions(self, appointment_id: UUID) -> list[str]:
        """Return what the audit log has of it, oldest first."""
        rows = await self.rows(
            "SELECT action FROM audit_entries WHERE subject_id = %s ORDER BY entry_id",
            str(appointment_id),
        )
        return [str(row[0]) for row in rows]

    async def rows(self, statement: str, *values: object) -> Rows:
        """Return what the tenant sees in the database."""
        async with self.parts.database.transaction(self.tenant_id) as connection:
            cursor = await connection.execute(statement.encode(), values)
            return await cursor.fetchall() if cursor.description is not None else []
