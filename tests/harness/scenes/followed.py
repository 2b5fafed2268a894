"""A business and a calendar of its own outside, read and written on demand.

Time stands still between the steps of a test: `now` moves when it is told to.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from tests.harness.scenes.business import Business
from tests.harness.scenes.front_desk import ACTOR, JOHN, FrontDesk, Place
from tests.harness.scenes.scene import Scene
from universal_calendar.bootstrap.live_check import live_check
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.bootstrap.providers import Providers
from universal_calendar.bootstrap.syncs import calendar_sync
from universal_calendar.bootstrap.worker import calendar_writes, connections
from universal_calendar.clock import utc_now
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
from universal_calendar.services.budget import Budget
from universal_calendar.services.calendars.calendar_sync import CalendarSync
from universal_calendar.services.calendars.calendar_writes import CalendarWrites
from universal_calendar.services.ports.appointments import Appointment, Person
from universal_calendar.services.ports.tenants import Agent
from universal_calendar.store.calendars.syncs import SyncRequestTable


@dataclass
class Followed(Scene):
    """The business, what reads and writes its calendar, and what time it is."""

    parts: Parts
    business: Business
    offered: Providers
    syncs: CalendarSync = field(init=False)
    writes: CalendarWrites = field(init=False)
    connection_id: UUID = field(init=False)
    calendar_id: UUID = field(init=False)
    now: Instant = field(init=False)
    opened_at: Instant = field(init=False)

    def __post_init__(self) -> None:
        # After all that was done to open the business.
        self.now = self.opened_at = from_datetime(utc_now() + timedelta(seconds=1))
        self.take_over(self.offered)

    def take_over(self, offered: Providers) -> None:
        """Go on as the process that has these."""
        self.offered = offered
        self.syncs = calendar_sync(self.parts, offered)
        self.writes = calendar_writes(self.parts, offered)

    async def open_account(self, provider: str, credentials: Mapping[str, str]) -> None:
        """Connect an account with one calendar, or connect it again."""
        connection = await connections(self.parts, self.offered).add(
            self.tenant_id, provider, credentials, self.now
        )
        (calendar,) = connection.calendars
        assert calendar.is_read
        self.connection_id = connection.connection_id
        self.calendar_id = calendar.calendar_id

    def wait(self, duration: int = FRESH + SECOND) -> None:
        """Let time pass: long enough that what was written is believed."""
        self.now += duration

    async def sync(self, *, seconds: float = 30.0) -> None:
        """Read the calendar, as the worker would."""
        await self.read_due(seconds=seconds)

    async def read_due(self, *, seconds: float = 30.0) -> None:
        """Read of the calendar what is due."""
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

    async def asked(self, agent: Agent, window: Interval) -> Sequence[Interval] | None:
        """Return what the provider says takes an agent's time; None: no answer."""
        verdict = await live_check(self.parts, self.offered).ask(
            self.tenant_id, agent.agent_id, window, Budget.beginning(self.now, 3.0)
        )
        if verdict.unanswered:
            return None
        return sorted(each.interval for each in verdict.found)

    # Here

    @property
    def desk(self) -> FrontDesk:
        """Return what books, changes and cancels."""
        return FrontDesk(self.parts)

    def hour(self, number: int, day: int = 3) -> Interval:
        """Return the hour so many hours after nine, days after the scene opened."""
        morning = (self.opened_at // DAY + day) * DAY + 9 * HOUR
        return Interval(morning + number * HOUR, morning + (number + 1) * HOUR)

    async def take(self, place: Place, person: Person = JOHN) -> UUID:
        """Book a place, without writing it yet."""
        booked = await self.desk.book(place, self.now, person=person)
        assert booked.appointment_id is not None
        return booked.appointment_id

    async def write(self, appointment_id: UUID) -> None:
        """Settle the appointment's event, as far as that goes."""
        await self.writes.settle(self.tenant_id, appointment_id, self.now, seconds=10)

    async def write_and_wait(self, appointment_id: UUID) -> None:
        """Write the appointment's event, and wait until that is believed."""
        await self.write(appointment_id)
        self.wait()

    async def move(self, appointment_id: UUID, interval: Interval) -> None:
        """Reschedule the appointment, without writing it yet."""
        revision = Revision(start=interval.start, end=interval.end)
        await self.revise(appointment_id, revision)

    async def revise(self, appointment_id: UUID, revision: Revision) -> None:
        """Change the appointment, without writing it yet."""
        async with self.parts.units.begin(self.tenant_id, ACTOR, self.now) as unit:
            await self.desk.changes.revise(unit, appointment_id, revision)

    async def cancel(self, appointment_id: UUID) -> None:
        """Cancel the appointment, without deleting its event yet."""
        await self.desk.cancel(self.business.agent, appointment_id, self.now)

    async def appointment(self, appointment_id: UUID) -> Appointment:
        """Return it as it is now."""
        return await self.parts.appointments.get(self.tenant_id, appointment_id)

    async def state(self, appointment_id: UUID) -> tuple[str, Interval]:
        """Return its status and its time."""
        found = await self.appointment(appointment_id)
        return str(found.status), found.interval

    async def actions(self, appointment_id: UUID) -> list[str]:
        """Return what the audit log has of it, oldest first."""
        rows = await self.rows(
            "SELECT action FROM audit_entries WHERE subject_id = %s ORDER BY entry_id",
            str(appointment_id),
        )
        return [str(row[0]) for row in rows]

    async def link(self, appointment_id: UUID) -> dict[str, Any]:
        """Return the row of its link."""
        return await self.row("links", "appointment_id", appointment_id)

    async def calendar(self) -> dict[str, Any]:
        """Return the calendar's row."""
        return await self.row("calendars", "calendar_id", self.calendar_id)

    async def connection(self) -> dict[str, Any]:
        """Return the connection's row."""
        return await self.row("connections", "connection_id", self.connection_id)

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

    async def due_in(self) -> float | None:
        """Return in how many seconds it is to be read, None for never."""
        rows = await self.rows(
            "SELECT due_at FROM due_work WHERE kind = 'sync' AND item_id = %s",
            self.calendar_id,
        )
        return (from_datetime(rows[0][0]) - self.now) / SECOND if rows else None
