"""Reading a calendar: of CalendarReader."""

from dataclasses import replace
from uuid import uuid5

import pytest

from tests.contracts.drafts import NINE, SECONDS, TENANT, WINDOW, a_draft, at, utc
from tests.contracts.world import Examined
from tests.contracts.writing import WritingExam
from universal_calendar.core.busy import BusyType
from universal_calendar.core.instant import DAY, HOUR
from universal_calendar.core.interval import Interval
from universal_calendar.core.provider_errors import (
    ProviderDown,
    Rejected,
    SyncTokenStale,
)
from universal_calendar.services.ports.calendars import (
    CalendarReader,
    ChangedEvent,
    ChangesQuery,
)


class ReadingExam:
    """Of CalendarReader."""

    put = staticmethod(WritingExam.put)

    @staticmethod
    def reader(examined: Examined) -> CalendarReader:
        assert examined.provider.reader is not None
        return examined.provider.reader

    async def read(
        self,
        examined: Examined,
        sync_token: str | None = None,
        window: Interval = WINDOW,
    ) -> tuple[dict[str, ChangedEvent], str]:
        """Return what every page says, and the sync token of the last."""
        query: ChangesQuery | None
        query = ChangesQuery(examined.calendar, window, sync_token)
        found: dict[str, ChangedEvent] = {}
        while True:
            page = await self.reader(examined).changes(
                examined.access, query, seconds=SECONDS
            )
            found |= {each.event_id: each for each in page.events}
            assert (page.next_page is None) != (page.sync_token is None)
            if page.sync_token is not None:
                return found, page.sync_token
            assert page.next_page is not None
            query = page.next_page

    async def test_all_then_what_changed(self, examined: Examined) -> None:
        world, calendar = examined.world, examined.calendar
        ids = [world.owner_adds(calendar, at(NINE + n * DAY)) for n in range(4)]
        found, token = await self.read(examined)
        assert {each: event.intervals for each, event in found.items()} == {
            each: (at(NINE + n * DAY),) for n, each in enumerate(ids)
        }
        assert (await self.read(examined, token))[0] == {}
        world.owner_moves(calendar, ids[0], at(NINE + 20 * DAY))
        world.owner_deletes(calendar, ids[1])
        new = world.owner_adds(calendar, at(NINE + 9 * DAY))
        changed, after = await self.read(examined, token)
        assert set(changed) == {ids[0], ids[1], new}
        assert changed[ids[0]].intervals == (at(NINE + 20 * DAY),)
        assert changed[ids[1]].is_deleted
        assert (await self.read(examined, after))[0] == {}
        assert (await self.read(examined, token))[0] == changed

    async def test_empty_calendar_has_a_token(self, examined: Examined) -> None:
        found, token = await self.read(examined)
        assert found == {}
        added = examined.world.owner_adds(examined.calendar, at(NINE))
        assert set((await self.read(examined, token))[0]) == {added}

    async def test_many_pages(self, examined: Examined) -> None:
        ids = {
            examined.world.owner_adds(examined.calendar, at(NINE + n * HOUR))
            for n in range(60)
        }
        assert set((await self.read(examined))[0]) == ids

    async def test_what_changes_between_two_pages_is_not_missed(
        self, examined: Examined
    ) -> None:
        world, calendar = examined.world, examined.calendar
        for number in range(60):
            world.owner_adds(calendar, at(NINE + number * HOUR))
        query = ChangesQuery(calendar, WINDOW)
        reader = self.reader(examined)
        page = await reader.changes(examined.access, query, seconds=SECONDS)
        told = page.events[0].event_id
        world.owner_deletes(calendar, told)
        while page.next_page is not None:
            page = await reader.changes(
                examined.access, page.next_page, seconds=SECONDS
            )
        changed, _ = await self.read(examined, page.sync_token)
        assert changed[told].is_deleted

    async def test_only_what_lies_in_the_window(self, examined: Examined) -> None:
        world, calendar = examined.world, examined.calendar
        inside = world.owner_adds(calendar, at(WINDOW.end - HOUR, 2 * HOUR))
        for start in (WINDOW.start - 3 * DAY, WINDOW.end + 3 * DAY):
            world.owner_adds(calendar, at(start))
        found, token = await self.read(examined)
        assert set(found) == {inside}
        world.owner_moves(calendar, inside, at(WINDOW.end + 5 * DAY))
        changed, _ = await self.read(examined, token)
        assert changed[inside].intervals == ()

    async def test_stale_token(self, examined: Examined) -> None:
        kept = examined.world.owner_adds(examined.calendar, at(NINE))
        _, token = await self.read(examined)
        examined.world.forgets_changes(examined.calendar)
        with pytest.raises(SyncTokenStale):
            await self.read(examined, token)
        found, token = await self.read(examined)
        assert set(found) == {kept}
        assert (await self.read(examined, token))[0] == {}

    @pytest.mark.parametrize("token", ["nonsense", "eyJub25zZW5zZSI6MX0=", "\u00e9"])
    async def test_token_that_was_never_given(
        self, examined: Examined, token: str
    ) -> None:
        with pytest.raises(SyncTokenStale):
            await self.read(examined, token)

    @pytest.mark.parametrize(
        ("trait", "busy"),
        [
            ("", BusyType.BUSY),
            ("free", None),
            ("declined", None),
            ("tentative", BusyType.TENTATIVE),
            ("away", BusyType.UNAVAILABLE),
        ],
    )
    async def test_what_takes_time(
        self, examined: Examined, trait: str, busy: BusyType | None
    ) -> None:
        traits = {"busy": trait} if trait else {}
        examined.world.owner_adds(examined.calendar, at(NINE), **traits)
        ((_, event),) = (await self.read(examined))[0].items()
        assert event.busy == busy

    async def test_all_day_is_of_the_calendars_zone(self, examined: Examined) -> None:
        """The account's calendar is in New York, where clocks change on 8 March."""
        examined.world.owner_adds(
            examined.calendar, at(NINE), days="2026-03-07 2026-03-09"
        )
        window = Interval(utc(2026, 3, 1, 0), utc(2026, 4, 1, 0))
        ((_, event),) = (await self.read(examined, window=window))[0].items()
        assert event.is_all_day
        whole = Interval(utc(2026, 3, 7, 5), utc(2026, 3, 9, 4))
        assert event.intervals == (whole,)

    async def test_series_keeps_to_the_clocks_of_its_zone(
        self, examined: Examined
    ) -> None:
        start = utc(2026, 3, 1, 17)  # 09:00 in Los Angeles, before clocks change
        examined.world.owner_adds(
            examined.calendar, at(start), repeat="week 3", zone="America/Los_Angeles"
        )
        window = Interval(utc(2026, 3, 1, 0), utc(2026, 3, 10, 0))
        found, _ = await self.read(examined, window=window)
        assert _intervals(found) == [at(start), at(utc(2026, 3, 8, 16))]

    async def test_own_event_is_known_wherever_it_goes(
        self, examined: Examined
    ) -> None:
        written = await self.put(examined, a_draft())
        ours = (await self.read(examined))[0][written.event_id]
        assert ours.appointment_id == a_draft().appointment_id
        assert ours.etag == written.etag
        far = at(WINDOW.end + 30 * DAY)
        _, token = await self.read(examined)
        examined.world.owner_moves(examined.calendar, written.event_id, far)
        moved = (await self.read(examined, token))[0][written.event_id]
        assert (moved.intervals, moved.appointment_id) == ((far,), ours.appointment_id)

    async def test_event_of_another_tenant_is_nobodys(self, examined: Examined) -> None:
        other = replace(a_draft(), tenant_id=uuid5(TENANT, "other"))
        written = await self.put(examined, other)
        found, _ = await self.read(examined)
        assert found[written.event_id].appointment_id is None
        assert found[written.event_id].busy is BusyType.BUSY

    async def test_taken_right_now(self, examined: Examined) -> None:
        world, calendar = examined.world, examined.calendar
        busy = world.owner_adds(calendar, at(NINE))
        world.owner_adds(calendar, at(NINE), busy="free")
        world.owner_adds(calendar, at(NINE + 5 * HOUR))
        ours = await self.put(examined, a_draft(2))
        window = Interval(NINE, NINE + 3 * HOUR)
        found = await self.reader(examined).taken(
            examined.access, [calendar, "0123456789abcdef"], window, seconds=SECONDS
        )
        assert {
            (each.interval, each.appointment_id, each.event_id)
            for each in found.pop(calendar)
        } == {
            (at(NINE), None, busy),
            (a_draft(2).interval, a_draft(2).appointment_id, ours.event_id),
        }
        assert found == {}

    async def test_nothing_is_taken(self, examined: Examined) -> None:
        window = Interval(NINE, NINE + HOUR)
        found = await self.reader(examined).taken(
            examined.access, [examined.calendar], window, seconds=SECONDS
        )
        assert {each: list(times) for each, times in found.items()} == {
            examined.calendar: []
        }

    async def test_tokens_outlive_a_dead_provider(self, examined: Examined) -> None:
        _, token = await self.read(examined)
        added = examined.world.owner_adds(examined.calendar, at(NINE))
        examined.world.dies()
        with pytest.raises(ProviderDown):
            await self.read(examined, token)
        examined.world.rises()
        assert set((await self.read(examined, token))[0]) == {added}

    async def test_calendar_to_read_that_is_not_there(self, examined: Examined) -> None:
        with pytest.raises(Rejected):
            await self.read(replace(examined, calendar="0123456789abcdef"))


def _intervals(found: dict[str, ChangedEvent]) -> list[Interval]:
    return sorted(each for event in found.values() for each in event.intervals)
