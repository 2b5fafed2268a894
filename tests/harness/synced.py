"""A business whose agent's calendar is in the sandbox, read and written on demand.

Time stands still between the steps of a test: `now` moves when it is told to.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from tests.harness.business import Business, open_business
from tests.harness.front_desk import FrontDesk, Place
from tests.harness.sandbox import Sandbox, SandboxAccount
from universal_calendar.bootstrap.outside import open_outside
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.bootstrap.providers import Providers, providers
from universal_calendar.bootstrap.syncs import calendar_sync
from universal_calendar.bootstrap.worker import calendar_writes, connections
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import (
    DAY,
    HOUR,
    MINUTE,
    Instant,
    from_datetime,
    instant_text,
    to_datetime,
)
from universal_calendar.core.interval import Interval
from universal_calendar.core.retry import SECOND
from universal_calendar.core.sync import FRESH
from universal_calendar.services.appointment_changes import Revision
from universal_calendar.services.calendar_sync import CalendarSync
from universal_calendar.services.calendar_writes import CalendarWrites
from universal_calendar.services.ports.identity import Actor, ActorKind
from universal_calendar.store.syncs import SyncRequestTable

ACTOR = Actor(ActorKind.WORKER, "test")
Rows = list[tuple[Any, ...]]


def span(interval: Interval) -> dict[str, dict[str, str]]:
    """Return an interval as the sandbox has it."""
    return {
        "start": {"at": instant_text(interval.start)},
        "end": {"at": instant_text(interval.end)},
    }


@dataclass
class Synced:
    """The business, its calendar on both sides, and what time it is."""

    parts: Parts
    business: Business
    sandbox: Sandbox
    account: SandboxAccount
    syncs: CalendarSync
    writes: CalendarWrites
    connection_id: UUID
    calendar_id: UUID
    now: Instant

    @property
    def tenant_id(self) -> UUID:
        """Return whose calendar it is."""
        return self.business.tenant_id

    @property
    def there(self) -> str:
        """Return the calendar's id at the sandbox."""
        return self.account.calendar_id

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
        """Return the hour that begins so many hours after nine, days from now."""
        morning = (self.now // DAY + day) * DAY + 9 * HOUR
        return Interval(morning + number * HOUR, morning + (number + 1) * HOUR)

    async def book(self, interval: Interval) -> UUID:
        """Book the time, without writing it yet."""
        start = to_datetime(interval.start)
        place = Place(
            self.business.agent,
            start.date(),
            start.hour * 60 + start.minute,
            interval.length // MINUTE,
        )
        booked = await FrontDesk(self.parts).book(place, self.now)
        assert booked.appointment_id is not None
        return booked.appointment_id

    async def written(self, interval: Interval) -> UUID:
        """Book the time, write the event, and wait until that is believed."""
        appointment_id = await self.book(interval)
        await self.write(appointment_id)
        self.wait()
        return appointment_id

    async def write(self, appointment_id: UUID) -> None:
        """Settle the appointment's event, as far as that goes."""
        await self.writes.settle(self.tenant_id, appointment_id, self.now, seconds=10)

    async def move(self, appointment_id: UUID, interval: Interval) -> None:
        """Reschedule the appointment, without writing it yet."""
        revision = Revision(start=interval.start, end=interval.end)
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

    async def mirror(self) -> list[Interval]:
        """Return what others take in the calendar, by start."""
        rows = await self.rows(
            "SELECT starts_at, ends_at FROM mirrored_times WHERE calendar_id = %s"
            " ORDER BY 1, 2",
            self.calendar_id,
        )
        return [Interval(from_datetime(a), from_datetime(b)) for a, b in rows]

    async def revision(self) -> int:
        """Return the agent's."""
        ((revision,),) = await self.rows(
            "SELECT revision FROM agents WHERE agent_id = %s",
            self.business.agent.agent_id,
        )
        return int(revision)

    async def calendar(self) -> dict[str, Any]:
        """Return the calendar's row."""
        ((row,),) = await self.rows(
            "SELECT row_to_json(c) FROM calendars c WHERE calendar_id = %s",
            self.calendar_id,
        )
        return dict(row)

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

    # There

    def add(self, interval: Interval, **fields: object) -> str:
        """Add an event as the owner would."""
        event = {"title": "Private", **span(interval), **fields}
        return str(self.sandbox.owner_adds(self.there, **event)["id"])

    def drag(self, event_id: str, interval: Interval) -> None:
        """Move an event as the owner would."""
        self.sandbox.owner_changes(self.there, event_id, **span(interval))

    def touch(self, event_id: str) -> None:
        """Change an event's etag and nothing else."""
        self.sandbox.owner_changes(self.there, event_id)

    def delete(self, event_id: str) -> None:
        """Delete an event as the owner would."""
        self.sandbox.owner_deletes(self.there, event_id)

    def shown(self) -> dict[str, str]:
        """Return the start of every event that is there, by its id."""
        events = self.sandbox.events(self.there)
        return {each["id"]: each["start"]["at"] for each in events}


async def connect(
    parts: Parts, offered: Providers, sandbox: Sandbox, name: str
) -> Synced:
    """Open a business, and connect an account of the sandbox as its calendar."""
    business = await open_business(parts)
    account = sandbox.account(name)
    now = from_datetime(utc_now() + timedelta(seconds=1))
    connection = await connections(parts, offered).add(
        business.tenant_id, "fake", account.credentials, now
    )
    (calendar,) = connection.calendars
    assert calendar.is_read
    return Synced(
        parts,
        business,
        sandbox,
        account,
        calendar_sync(parts, offered),
        calendar_writes(parts, offered),
        connection.connection_id,
        calendar.calendar_id,
        now,
    )


@asynccontextmanager
async def offering(parts: Parts) -> AsyncIterator[Providers]:
    """Open the providers for a block."""
    async with open_outside(parts.settings) as outside:
        yield providers(parts, outside)
