"""The exam of field-service platforms: their schedules, technicians and customers.

A schedule is a calendar without sync tokens, whose events have technicians. What the
exams of calendars ask of such a one is asked here, and what only platforms can do.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Protocol
from uuid import uuid5

import pytest
from typing_extensions import override

from tests.contracts.drafts import NINE, SECONDS, TENANT, WINDOW, a_draft, at, later
from tests.contracts.reading import ReadingExam
from tests.contracts.troubles import TroubleExam
from tests.contracts.world import Examined, World
from tests.contracts.writing import WritingExam
from universal_calendar.core.busy import BusyType
from universal_calendar.core.instant import DAY, HOUR, Instant
from universal_calendar.core.interval import Interval
from universal_calendar.core.provider_errors import (
    ProviderDown,
    Rejected,
    SyncTokenStale,
)
from universal_calendar.services.ports.calendars import (
    Access,
    CalendarProvider,
    ChangedEvent,
    ChangesQuery,
    EventDraft,
    PushDelivery,
    WrittenEvent,
)
from universal_calendar.services.ports.field_service import FieldServiceProvider
from universal_calendar.services.ports.visits import (
    NOBODY,
    Customer,
    VisitDraft,
    VisitStatus,
)

JOHN = Customer(
    "John Smith",
    "+12125551234",
    "john@example.com",
    "123 Main St, Los Angeles, CA 90210",
)


class PlatformWorld(World, Protocol):
    """Looks at a platform from behind."""

    def employs(self, name: str) -> str:
        """Add a technician; return their id."""

    def customers(self) -> Mapping[str, Customer]:
        """Return the customers by id."""

    def owner_edits_customer(self, customer_id: str, *, email: str) -> None:
        """Give a customer another e-mail."""

    def owner_deletes_customer(self, customer_id: str) -> None:
        """Delete a customer."""

    def owner_assigns(self, event_id: str, *technicians: str) -> None:
        """Give a visit to these technicians."""

    def owner_unschedules(self, event_id: str) -> None:
        """Take a visit off the schedule, and leave its job."""

    def told(self) -> Sequence[PushDelivery]:
        """Return what was sent to our webhook so far."""

    def signed(self, content: bytes, at: Instant) -> PushDelivery:
        """Return a delivery of this content as the platform signs it at that time."""

    def notes(self, event_id: str) -> str:
        """Return all that is written in the notes of a visit's job."""


@dataclass(frozen=True)
class ExaminedPlatform(Examined):
    """A platform with one connected account; `read_only` stands for nothing."""

    @property
    def platform(self) -> FieldServiceProvider:
        assert self.provider.field_service is not None
        return self.provider.field_service

    @property
    def behind(self) -> PlatformWorld:
        world: PlatformWorld = self.world  # type: ignore[assignment] # it is one
        return world


def a_visit(*technicians: str, number: int = 1, generation: int = 0) -> EventDraft:
    """Return a draft of an appointment that is for one of these technicians."""
    return for_john(a_draft(number, generation), *technicians)


def for_john(draft: EventDraft, *technicians: str) -> EventDraft:
    return replace(draft, visit=draft.visit or VisitDraft(JOHN, technicians))


class OnSchedule:
    """Writes drafts with what platforms want to know besides, and reads all of it."""

    reader = staticmethod(ReadingExam.reader)

    async def read(
        self,
        examined: Examined,
        sync_token: str | None = None,
        window: Interval = WINDOW,
    ) -> tuple[dict[str, ChangedEvent], str]:
        """Return what every page says, and the sync token of the last."""
        return await ReadingExam().read(examined, sync_token, window)

    @staticmethod
    async def put(
        examined: Examined,
        draft: EventDraft,
        known: WrittenEvent | None = None,
        seconds: float = SECONDS,
        access: Access | None = None,
    ) -> WrittenEvent:
        whole = for_john(draft)
        return await WritingExam.put(examined, whole, known, seconds, access)


class ScheduleWritingExam(OnSchedule, WritingExam):
    """Of CalendarProvider, where the calendar is a schedule."""

    @override
    async def test_account_lists_its_calendars(
        self, examined: Examined, calendars: CalendarProvider
    ) -> None:
        account = await calendars.account(examined.access, seconds=SECONDS)
        (schedule,) = account.calendars
        assert schedule.external_id == examined.calendar
        assert schedule.is_schedule
        assert schedule.is_primary
        assert schedule.is_writable
        assert schedule.name
        assert account.account

    @override
    async def test_calendar_that_can_only_be_read(self, examined: Examined) -> None:
        """There is none: what is asked instead is that nobody deletes elsewhere."""
        written = await self.put(examined, a_draft())
        nowhere = replace(examined, calendar=examined.read_only)
        with pytest.raises(Rejected):
            await self.delete(nowhere, written.event_id)
        assert len(examined.world.events(examined.calendar)) == 1


class ScheduleTroubleExam(OnSchedule, TroubleExam):
    """Of CalendarProvider, when things go wrong with a schedule."""


class ScheduleReadingExam(OnSchedule):
    """Of CalendarReader, where the calendar is a schedule."""

    test_token_that_was_never_given = ReadingExam.test_token_that_was_never_given
    test_event_of_another_tenant_is_nobodys = (
        ReadingExam.test_event_of_another_tenant_is_nobodys
    )
    test_nothing_is_taken = ReadingExam.test_nothing_is_taken
    test_calendar_to_read_that_is_not_there = (
        ReadingExam.test_calendar_to_read_that_is_not_there
    )

    async def test_all_then_all_again(self, examined: Examined) -> None:
        world, calendar = examined.world, examined.calendar
        ids = [world.owner_adds(calendar, at(NINE + n * DAY)) for n in range(4)]
        found, token = await self.read(examined)
        assert {each: event.intervals for each, event in found.items()} == {
            each: (at(NINE + n * DAY),) for n, each in enumerate(ids)
        }
        assert {each.busy for each in found.values()} == {BusyType.BUSY}
        with pytest.raises(SyncTokenStale):
            await self.read(examined, token)
        world.owner_moves(calendar, ids[0], at(NINE + 20 * DAY))
        world.owner_deletes(calendar, ids[1])
        again, _ = await self.read(examined)
        assert again[ids[0]].intervals == (at(NINE + 20 * DAY),)
        assert ids[1] not in again or again[ids[1]].is_deleted
        assert again[ids[2]] == found[ids[2]]

    async def test_empty_schedule(self, examined: Examined) -> None:
        assert (await self.read(examined))[0] == {}

    async def test_many_pages(self, examined: Examined) -> None:
        ids = {
            examined.world.owner_adds(examined.calendar, at(NINE + n * HOUR))
            for n in range(450)
        }
        assert set((await self.read(examined))[0]) == ids

    async def test_what_goes_between_two_pages_hides_nothing(
        self, examined: Examined
    ) -> None:
        world, calendar = examined.world, examined.calendar
        ids = [world.owner_adds(calendar, at(NINE + n * HOUR)) for n in range(450)]
        query: ChangesQuery | None = ChangesQuery(calendar, WINDOW)
        told: set[str] = set()
        gone: set[str] = set()
        while query is not None:
            page = await self.reader(examined).changes(
                examined.access, query, seconds=SECONDS
            )
            told |= {each.event_id for each in page.events}
            if len(gone) < 2 and page.events:
                gone.add(page.events[len(gone)].event_id)
                world.owner_deletes(calendar, page.events[len(gone) - 1].event_id)
            query = page.next_page
        assert set(ids) - told <= gone

    async def test_only_what_lies_in_the_window(self, examined: Examined) -> None:
        world, calendar = examined.world, examined.calendar
        inside = {
            world.owner_adds(calendar, at(WINDOW.end - HOUR, 2 * HOUR)),
            world.owner_adds(calendar, at(WINDOW.start - HOUR, 2 * HOUR)),
        }
        for start in (WINDOW.start - 3 * DAY, WINDOW.end + 3 * DAY):
            world.owner_adds(calendar, at(start))
        assert set((await self.read(examined))[0]) == inside

    async def test_own_visit_is_known_wherever_it_goes(
        self, examined: Examined
    ) -> None:
        written = await self.put(examined, a_draft())
        ours = (await self.read(examined))[0][written.event_id]
        assert ours.appointment_id == a_draft().appointment_id
        assert (ours.etag, ours.visit) == (written.etag, written.visit)
        far = at(WINDOW.end + 30 * DAY)
        examined.world.owner_moves(examined.calendar, written.event_id, far)
        moved = (await self.read(examined))[0][written.event_id]
        assert (moved.intervals, moved.appointment_id) == ((far,), ours.appointment_id)

    async def test_what_lost_its_time_is_deleted(
        self, examined: ExaminedPlatform
    ) -> None:
        written = await self.put(examined, a_draft())
        examined.behind.owner_unschedules(written.event_id)
        found, _ = await self.read(examined)
        assert written.event_id not in found or found[written.event_id].is_deleted

    async def test_taken_right_now(self, examined: ExaminedPlatform) -> None:
        world, calendar = examined.world, examined.calendar
        mike = examined.behind.employs("Mike Johnson")
        added = world.owner_adds(calendar, at(NINE))
        examined.behind.owner_assigns(added, mike)
        world.owner_adds(calendar, at(NINE + 5 * HOUR))
        await self.put(examined, a_draft(2))
        window = Interval(NINE, NINE + 3 * HOUR)
        found = await self.reader(examined).taken(
            examined.access, [calendar, "0123456789abcdef"], window, seconds=SECONDS
        )
        assert {
            (each.interval, each.appointment_id, each.technicians)
            for each in found[calendar]
        } == {
            (at(NINE), None, (mike,)),
            (a_draft(2).interval, a_draft(2).appointment_id, (NOBODY,)),
        }
        assert set(found) == {calendar}

    async def test_dead_platform(self, examined: Examined) -> None:
        added = examined.world.owner_adds(examined.calendar, at(NINE))
        examined.world.dies()
        with pytest.raises(ProviderDown):
            await self.read(examined)
        examined.world.rises()
        assert set((await self.read(examined))[0]) == {added}


class FieldServiceExam(OnSchedule):
    """Of FieldServiceProvider, what it has beyond a calendar."""

    # Technicians and visits

    async def test_technicians(self, examined: ExaminedPlatform) -> None:
        known = await examined.platform.technicians(examined.access, seconds=SECONDS)
        ids = {examined.behind.employs(f"Mike {n}"): f"Mike {n}" for n in range(3)}
        found = await examined.platform.technicians(examined.access, seconds=SECONDS)
        new = {each.technician_id: each.name for each in found if each not in known}
        assert new == ids
        assert all(each.is_active for each in found)

    async def test_visit_as_it_was_written(self, examined: ExaminedPlatform) -> None:
        mike = examined.behind.employs("Mike Johnson")
        draft = replace(
            a_visit(mike), visit=VisitDraft(JOHN, [mike], value=Decimal(350))
        )
        written = await self.put(examined, replace(draft, location=JOHN.address))
        assert written.visit is not None
        visit = written.visit
        assert visit.technicians == (mike,)
        assert visit.interval == draft.interval
        assert visit.title == draft.title
        assert visit.status is VisitStatus.SCHEDULED
        assert visit.value == 350
        assert visit.customer == replace(JOHN, notes=visit.customer.notes)
        assert set(examined.behind.customers()) == {visit.customer_id}

    async def test_somebody_who_will_do_keeps_it(
        self, examined: ExaminedPlatform
    ) -> None:
        mike, anna = (examined.behind.employs(name) for name in ("Mike", "Anna"))
        known = await self.put(examined, a_visit(mike, anna))
        examined.behind.owner_assigns(known.event_id, anna)
        draft = later(a_visit(mike, anna))
        written = await self.put(examined, draft, replace(known, etag=None))
        assert written.visit is not None
        assert written.visit.technicians == (anna,)

    async def test_reassigned_in_its_place(self, examined: ExaminedPlatform) -> None:
        mike, anna = (examined.behind.employs(name) for name in ("Mike", "Anna"))
        known = await self.put(examined, a_visit(mike))
        for number, technicians in enumerate(([anna], [], [mike]), start=2):
            draft = replace(a_visit(*technicians), sequence=number)
            known = await self.put(examined, draft, known)
            assert known.visit is not None
            assert known.visit.technicians == (tuple(technicians) or (NOBODY,))
        ((_, event),) = (await self.read(examined))[0].items()
        assert event.technicians == (mike,)
        assert event.etag == known.etag

    async def test_cancelled_with_its_reason(self, examined: ExaminedPlatform) -> None:
        known = await self.put(examined, a_visit())
        for _ in range(2):
            await examined.platform.delete_event(
                examined.access,
                examined.calendar,
                known.event_id,
                seconds=SECONDS,
                reason="customer moved away",
            )
        assert examined.world.events(examined.calendar) == []
        assert examined.behind.notes(known.event_id).count("moved away") == 1

    # Customers

    async def put_customer(
        self, examined: ExaminedPlatform, customer: Customer
    ) -> tuple[str, bool]:
        found = await examined.platform.put_customer(
            examined.access, customer, seconds=SECONDS
        )
        return found.customer_id, found.is_new

    async def test_customer_is_made_once(self, examined: ExaminedPlatform) -> None:
        number, is_new = await self.put_customer(examined, JOHN)
        assert is_new
        assert await self.put_customer(examined, JOHN) == (number, False)
        found = await examined.platform.customer(
            examined.access, number, seconds=SECONDS
        )
        assert found == JOHN
        assert set(examined.behind.customers()) == {number}

    async def test_twenty_twins_are_one_customer(
        self, examined: ExaminedPlatform
    ) -> None:
        twins = [self.put_customer(examined, JOHN) for _ in range(20)]
        found = await asyncio.gather(*twins)
        assert len({number for number, _ in found}) == 1
        assert sum(is_new for _, is_new in found) == 1

    @pytest.mark.parametrize(
        "same",
        [
            replace(JOHN, phone="(212) 555-1234", email=None),
            replace(JOHN, phone="1-212-555-1234", email="new@example.com"),
            replace(JOHN, phone=None, email="JOHN@example.com"),
            replace(JOHN, phone="+12125559999"),
        ],
    )
    async def test_customer_who_is_known(
        self, examined: ExaminedPlatform, same: Customer
    ) -> None:
        number, _ = await self.put_customer(examined, JOHN)
        assert await self.put_customer(examined, same) == (number, False)

    @pytest.mark.parametrize(
        "other",
        [
            replace(JOHN, phone="+12125551235", email=None),
            replace(JOHN, phone="+442125551234", email="ohn@example.com"),
        ],
    )
    async def test_customer_who_is_somebody_else(
        self, examined: ExaminedPlatform, other: Customer
    ) -> None:
        await self.put_customer(examined, JOHN)
        assert (await self.put_customer(examined, other))[1]

    async def test_what_is_not_given_stays(self, examined: ExaminedPlatform) -> None:
        number, _ = await self.put_customer(examined, JOHN)
        known = replace(JOHN, email="new@example.com")
        await self.put_customer(
            examined, Customer(phone=JOHN.phone, email="new@example.com")
        )
        assert examined.behind.customers()[number] == known

    async def test_customer_as_they_are_now(self, examined: ExaminedPlatform) -> None:
        number, _ = await self.put_customer(examined, JOHN)
        examined.behind.owner_edits_customer(number, email="new@example.com")
        platform, access = examined.platform, examined.access
        found = await platform.customer(access, number, seconds=SECONDS)
        assert found == replace(JOHN, email="new@example.com")
        examined.behind.owner_deletes_customer(number)
        assert await platform.customer(access, number, seconds=SECONDS) is None

    async def test_appointment_id_of_another_tenant(
        self, examined: ExaminedPlatform
    ) -> None:
        other = replace(a_visit(), tenant_id=uuid5(TENANT, "other"))
        written = await self.put(examined, other)
        found, _ = await self.read(examined)
        assert found[written.event_id].appointment_id is None
        assert found[written.event_id].visit is not None
