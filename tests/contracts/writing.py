"""Writing events: of CalendarProvider."""

import asyncio
from dataclasses import replace

import pytest

from tests.contracts.drafts import NINE, SECONDS, a_draft, as_seen, at, later
from tests.contracts.world import Examined
from universal_calendar.core.instant import DAY
from universal_calendar.core.provider_errors import (
    EventChanged,
    EventGone,
    ProviderDown,
    Rejected,
)
from universal_calendar.services.ports.calendars import (
    Access,
    CalendarProvider,
    EventDraft,
    WrittenEvent,
)


class WritingExam:
    """Of CalendarProvider."""

    @pytest.fixture
    def calendars(self, examined: Examined) -> CalendarProvider:
        assert examined.provider.calendars is not None
        return examined.provider.calendars

    @staticmethod
    async def put(
        examined: Examined,
        draft: EventDraft,
        known: WrittenEvent | None = None,
        seconds: float = SECONDS,
        access: Access | None = None,
    ) -> WrittenEvent:
        calendars = examined.provider.calendars
        assert calendars is not None
        return await calendars.put_event(
            access or examined.access, examined.calendar, draft, known, seconds=seconds
        )

    @staticmethod
    async def delete(examined: Examined, event_id: str) -> None:
        calendars = examined.provider.calendars
        assert calendars is not None
        await calendars.delete_event(
            examined.access, examined.calendar, event_id, seconds=SECONDS
        )

    async def test_account_lists_its_calendars(
        self, examined: Examined, calendars: CalendarProvider
    ) -> None:
        account = await calendars.account(examined.access, seconds=SECONDS)
        assert account.account
        by_id = {each.external_id: each for each in account.calendars}
        assert by_id[examined.calendar].is_writable
        assert not by_id[examined.read_only].is_writable
        assert sum(each.is_primary for each in account.calendars) == 1

    async def test_event_is_as_drafted(self, examined: Examined) -> None:
        draft = a_draft()
        written = await self.put(examined, draft)
        assert examined.world.events(examined.calendar) == [as_seen(draft, written)]

    async def test_draft_without_what_is_optional(self, examined: Examined) -> None:
        draft = replace(a_draft(), description=None, location=None)
        written = await self.put(examined, draft)
        assert examined.world.events(examined.calendar) == [as_seen(draft, written)]

    async def test_writing_twice_is_one_event(self, examined: Examined) -> None:
        first = await self.put(examined, a_draft())
        assert await self.put(examined, a_draft()) == first
        assert len(examined.world.events(examined.calendar)) == 1

    async def test_twenty_twins_at_once_are_one_event(self, examined: Examined) -> None:
        twins = [self.put(examined, a_draft()) for _ in range(20)]
        assert len(set(await asyncio.gather(*twins))) == 1
        assert len(examined.world.events(examined.calendar)) == 1

    async def test_known_event_is_changed_in_its_place(
        self, examined: Examined
    ) -> None:
        known = await self.put(examined, a_draft())
        draft = later(a_draft())
        written = await self.put(examined, draft, known)
        assert written.event_id == known.event_id
        assert written.etag != known.etag
        assert examined.world.events(examined.calendar) == [as_seen(draft, written)]

    async def test_without_an_etag_whatever_is_there_gives_way(
        self, examined: Examined
    ) -> None:
        known = await self.put(examined, a_draft())
        moved = at(NINE + 3 * DAY)
        examined.world.owner_moves(examined.calendar, known.event_id, moved)
        written = await self.put(examined, later(a_draft()), replace(known, etag=None))
        assert examined.world.events(examined.calendar) == [
            as_seen(later(a_draft()), written)
        ]

    async def test_repeat_after_a_lost_answer_to_a_new_event(
        self, examined: Examined
    ) -> None:
        examined.world.loses_answers(1)
        with pytest.raises(ProviderDown):
            await self.put(examined, a_draft())
        assert len(examined.world.events(examined.calendar)) == 1
        draft = later(a_draft())  # and meanwhile the appointment moved
        written = await self.put(examined, draft)
        assert examined.world.events(examined.calendar) == [as_seen(draft, written)]

    async def test_repeat_after_a_lost_answer_to_a_change(
        self, examined: Examined
    ) -> None:
        known = await self.put(examined, a_draft())
        examined.world.loses_answers(1)
        with pytest.raises(ProviderDown):
            await self.put(examined, later(a_draft()), known)
        draft = later(later(a_draft()))
        again = await self.put(examined, later(a_draft()), known)
        written = await self.put(examined, draft, known)  # its etag was lost as well
        assert written.etag != again.etag
        assert examined.world.events(examined.calendar) == [as_seen(draft, written)]

    async def test_late_draft_does_not_undo_a_newer(self, examined: Examined) -> None:
        known = await self.put(examined, a_draft())
        newest = later(later(a_draft()))
        written = await self.put(examined, newest, known)
        assert await self.put(examined, later(a_draft()), known) == written
        assert examined.world.events(examined.calendar) == [as_seen(newest, written)]

    @pytest.mark.parametrize("is_known", [True, False])
    async def test_what_its_owner_moved_is_left_alone(
        self, examined: Examined, is_known: bool
    ) -> None:
        known = await self.put(examined, a_draft())
        moved = at(NINE + 3 * DAY)
        examined.world.owner_moves(examined.calendar, known.event_id, moved)
        with pytest.raises(EventChanged) as caught:
            await self.put(examined, later(a_draft()), known if is_known else None)
        assert not isinstance(caught.value, EventGone)
        assert caught.value.event_id == known.event_id
        (event,) = examined.world.events(examined.calendar)
        assert event.interval == moved

    @pytest.mark.parametrize("is_known", [True, False])
    async def test_what_its_owner_deleted_stays_deleted(
        self, examined: Examined, is_known: bool
    ) -> None:
        known = await self.put(examined, a_draft())
        examined.world.owner_deletes(examined.calendar, known.event_id)
        if is_known or examined.remembers_deleted:
            with pytest.raises(EventGone):
                await self.put(examined, later(a_draft()), known if is_known else None)
            assert examined.world.events(examined.calendar) == []
        else:
            again = await self.put(examined, later(a_draft()))
            assert examined.world.events(examined.calendar) == [
                as_seen(later(a_draft()), again)
            ]
        written = await self.put(examined, a_draft(generation=1))
        assert written.event_id != known.event_id

    async def test_deleting_again_is_no_error(self, examined: Examined) -> None:
        written = await self.put(examined, a_draft())
        for _ in range(2):
            await self.delete(examined, written.event_id)
            assert examined.world.events(examined.calendar) == []
        await self.delete(examined, a_draft(2).event_key)

    async def test_repeat_after_a_lost_answer_to_a_deletion(
        self, examined: Examined
    ) -> None:
        written = await self.put(examined, a_draft())
        examined.world.loses_answers(1)
        with pytest.raises(ProviderDown):
            await self.delete(examined, written.event_id)
        await self.delete(examined, written.event_id)
        assert examined.world.events(examined.calendar) == []

    async def test_calendar_that_is_not_there(self, examined: Examined) -> None:
        nowhere = replace(examined, calendar="0123456789abcdef")
        with pytest.raises(Rejected):
            await self.put(nowhere, a_draft())

    async def test_calendar_that_can_only_be_read(self, examined: Examined) -> None:
        with pytest.raises(Rejected):
            await self.put(replace(examined, calendar=examined.read_only), a_draft())
