"""A tenant whose account at a platform on paper is connected.

Time stands still between the steps of a test: `now` moves when it is told to.
"""

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from tests.harness.paper.platform import PaperPlatform
from tests.harness.scenes.business import Business
from tests.harness.scenes.calendars import now
from tests.harness.scenes.scene import Scene
from tests.harness.scenes.schedules import new_schedule
from universal_calendar.bootstrap.parts import Parts, new_id
from universal_calendar.core.instant import DAY, Instant, from_datetime, to_datetime
from universal_calendar.core.retry import SECOND
from universal_calendar.core.sync import FRESH
from universal_calendar.core.wanted import LocalTime
from universal_calendar.services.booking.appointment_changes import (
    AppointmentChanges,
    Revision,
)
from universal_calendar.services.booking.appointments import (
    Appointments,
    BookingRequest,
)
from universal_calendar.services.calendars.calendar_writes import CalendarWrites
from universal_calendar.services.field_service.customer_changes import CustomerChanges
from universal_calendar.services.field_service.platform_hints import PlatformHints
from universal_calendar.services.ports.answers import Replay
from universal_calendar.services.ports.appointments import Person
from universal_calendar.services.ports.calendars import PushDelivery
from universal_calendar.services.ports.connections import NewConnection
from universal_calendar.services.ports.identity import Actor, ActorKind, Caller
from universal_calendar.store.calendars.links import LinkTable
from universal_calendar.store.calendars.schedules import ScheduleTable
from universal_calendar.store.connections.connections import (
    ConnectionQuota,
    ConnectionTable,
)
from universal_calendar.store.connections.platform_accounts import PlatformAccountTable
from universal_calendar.store.field_service.changed_customers import (
    ChangedCustomerTable,
)
from universal_calendar.store.rate_limits import RateLimit
from universal_calendar.web.agent_api.answers import booking_answer

SLUG = "paper"
ACTOR = Actor(ActorKind.COMMAND_LINE, "test")
JANE = Person(
    "Leak", "Jane Doe", "+12125550100", "jane@example.test", address="1 Main St"
)


@dataclass
class Fitters(Scene):
    """A tenant whose account at the platform is connected; `now` moves when told to."""

    parts: Parts
    business: Business
    platform: PaperPlatform
    account: str
    connection_id: UUID
    calendar_id: UUID
    now: Instant

    @property
    def changed(self) -> ChangedCustomerTable:
        """Return the changes."""
        return ChangedCustomerTable(self.parts.database, self.parts.keyring, new_id)

    @property
    def accounts(self) -> PlatformAccountTable:
        """Return the directory of accounts."""
        return PlatformAccountTable(self.parts.database, self.parts.keyring, new_id)

    @property
    def hints(self) -> PlatformHints:
        """Return what takes deliveries in."""
        schedules = ScheduleTable(self.parts.database)
        return PlatformHints(
            self.accounts, {SLUG: self.platform}, schedules, self.changed
        )

    def customer_changes(self, *, a_minute: int = 10_000) -> CustomerChanges:
        """Return what carries changes over."""
        return CustomerChanges(
            self.changed,
            self.parts.units,
            AppointmentChanges(new_id, has_channels=True),
            {SLUG: self.platform},
            self._quota(a_minute),
            lambda: 0.5,
        )

    def _quota(self, a_minute: int = 10_000) -> ConnectionQuota:
        limit = RateLimit(a_minute, timedelta(minutes=1))
        return ConnectionQuota(self.parts.rate_limits, self.parts.keyring, limit)

    def wait(self, duration: int = FRESH + SECOND) -> None:
        """Let time pass: long enough that what was written is believed."""
        self.now += duration

    async def tell(self, **what: Any) -> None:
        """Have the platform's webhook tell something of the account."""
        told = {"account": self.account, "occurred_at": self.now} | what
        delivery = PushDelivery({"proof": "ours"}, json.dumps(told).encode())
        await self.hints.take(SLUG, delivery, self.now)

    async def book(self, hour: int = 0, person: Person = JANE) -> UUID:
        """Book an hour, three days from now, without writing it."""
        day = to_datetime(self.now + 3 * DAY).date()
        request = BookingRequest(
            self.business.agent.agent_id,
            LocalTime(day, (9 + hour) * 60, 60),
            person,
            Replay("test", None, None, b"a booking"),
            "test",
            ACTOR,
        )
        booking = Appointments(self.parts.agendas, new_id, booking_answer)
        caller = Caller(tenant_id=self.tenant_id)
        booked = await booking.book(caller, request, self.now)
        assert booked.appointment_id is not None
        return booked.appointment_id

    async def write(self, appointment_id: UUID) -> None:
        """Settle the appointment's visit, as the worker would."""
        writes = CalendarWrites(
            LinkTable(self.parts.database, self.parts.keyring, new_id),
            {SLUG: self.platform},
            self._quota(),
            lambda: 0.5,
        )
        await writes.settle(self.tenant_id, appointment_id, self.now, seconds=5)

    async def written(self, hour: int = 0, person: Person = JANE) -> UUID:
        """Book, write, and wait until that is believed."""
        appointment_id = await self.book(hour, person)
        await self.write(appointment_id)
        self.wait()
        return appointment_id

    async def revise(self, appointment_id: UUID, **person: Any) -> None:
        """Change what is known of the person, without writing it."""
        changes = AppointmentChanges(new_id, has_channels=False)
        revision = Revision(person=lambda before: replace(before, **person))
        async with self.parts.units.begin(self.tenant_id, ACTOR, self.now) as unit:
            await changes.revise(unit, appointment_id, revision)

    async def person(self, appointment_id: UUID) -> Person:
        """Return whom the appointment is with."""
        found = await self.parts.appointments.get(self.tenant_id, appointment_id)
        return found.person

    async def due(self) -> dict[UUID, Instant]:
        """Return the changes that are due some time, and when."""
        rows = await self.rows(
            "SELECT item_id, due_at FROM due_work"
            " WHERE tenant_id = %s AND kind = 'customer'",
            self.tenant_id,
        )
        return {row[0]: from_datetime(row[1]) for row in rows}

    async def settle(self, **how: Any) -> None:
        """Ask about every customer who is due by now, as the worker would."""
        changes = self.customer_changes(**how)
        for change_id, due_at in (await self.due()).items():
            if due_at <= self.now:
                await changes.settle(self.tenant_id, change_id, self.now, seconds=5)

    async def connection(self) -> dict[str, Any]:
        """Return the connection's row."""
        return await self.row("connections", "connection_id", self.connection_id)


async def connect_account(
    parts: Parts,
    business: Business,
    account: str,
    platform: PaperPlatform | None = None,
    *,
    at: Instant | None = None,
    provider: str = SLUG,
) -> Fitters:
    """Connect an account of the platform, or connect it again."""
    at = at or now()
    calendar_id, connection_id = new_id(at), new_id(at)
    new = NewConnection(
        business.tenant_id,
        connection_id,
        provider,
        None,
        account,
        {"account": account, "key": "secret"},
        [new_schedule(calendar_id)],
    )
    table = ConnectionTable(parts.database, parts.keyring)
    kept = await table.add(new, at)
    (found,) = [
        each
        for each in await table.all(business.tenant_id)
        if each.connection_id == kept.connection_id
    ]
    return Fitters(
        parts,
        business,
        platform or PaperPlatform(),
        account,
        kept.connection_id,
        found.calendars[0].calendar_id,
        at,
    )
