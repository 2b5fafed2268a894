"""What Google has in calendars, beyond what every provider has."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.drafts import NINE, SECONDS, WINDOW, a_draft, at, utc
from tests.contracts.reading import ReadingExam
from tests.contracts.world import Examined
from tests.contracts.writing import WritingExam
from tests.providers.google.server import FakeGoogle
from tests.providers.google.world import ACCOUNT, SHARED, GoogleWorld, invited, span
from universal_calendar.core.busy import BusyType
from universal_calendar.core.instant import DAY, HOUR
from universal_calendar.core.interval import Interval
from universal_calendar.core.provider_errors import SyncTokenStale
from universal_calendar.services.ports.calendars import (
    ChangedEvent,
    ChangesPage,
    ChangesQuery,
)

SPRING = Interval(utc(2026, 3, 1, 0), utc(2026, 4, 1, 0))
SUNDAY = utc(2026, 3, 1, 17)  # 09:00 in Los Angeles, a week before clocks change


class Reader:
    """Reads the examined account's calendars to their end."""

    def __init__(self, examined: Examined) -> None:
        self.examined, self._exam = examined, ReadingExam()

    async def __call__(
        self, token: str | None = None, window: Interval = WINDOW, calendar: str = ""
    ) -> tuple[dict[str, ChangedEvent], str]:
        where = replace(self.examined, calendar=calendar or self.examined.calendar)
        return await self._exam.read(where, token, window)


@pytest.fixture
def read(examined: Examined) -> Reader:
    return Reader(examined)


def weekly(world: GoogleWorld, times: int = 4) -> str:
    return world.owner_adds(
        ACCOUNT, at(SUNDAY), repeat=f"week {times}", zone="America/Los_Angeles"
    )


async def test_each_occurrence_is_an_event(world: GoogleWorld, read: Reader) -> None:
    series = weekly(world)
    found, _ = await read(window=SPRING)
    assert {each: event.intervals for each, event in found.items()} == {
        f"{series}_20260301T170000Z": (at(SUNDAY),),
        f"{series}_20260308T160000Z": (at(utc(2026, 3, 8, 16)),),
        f"{series}_20260315T160000Z": (at(utc(2026, 3, 15, 16)),),
        f"{series}_20260322T160000Z": (at(utc(2026, 3, 22, 16)),),
    }


async def test_moved_occurrence(world: GoogleWorld, read: Reader) -> None:
    moved = f"{weekly(world)}_20260308T160000Z"
    _, token = await read(window=SPRING)
    world.owner_moves(ACCOUNT, moved, at(utc(2026, 3, 9, 12)))
    changed, _ = await read(token, SPRING)
    assert {each: event.intervals for each, event in changed.items()} == {
        moved: (at(utc(2026, 3, 9, 12)),)
    }
    assert len((await read(window=SPRING))[0]) == 4


async def test_cancelled_occurrence(world: GoogleWorld, read: Reader) -> None:
    cancelled = f"{weekly(world)}_20260308T160000Z"
    _, token = await read(window=SPRING)
    world.owner_deletes(ACCOUNT, cancelled)
    changed, _ = await read(token, SPRING)
    assert [each.is_deleted for each in changed.values()] == [True]
    found, _ = await read(window=SPRING)
    assert sum(bool(each.intervals) for each in found.values()) == 3


async def test_deleted_series(world: GoogleWorld, read: Reader) -> None:
    series = weekly(world)
    world.owner_moves(ACCOUNT, f"{series}_20260308T160000Z", at(utc(2026, 3, 9, 12)))
    before, token = await read(window=SPRING)
    world.owner_deletes(ACCOUNT, series)
    changed, _ = await read(token, SPRING)
    assert set(before) <= set(changed)
    assert all(each.is_deleted for each in changed.values())
    assert all(each.etag is None and not each.intervals for each in changed.values())


async def test_series_that_is_moved(world: GoogleWorld, read: Reader) -> None:
    series = weekly(world, times=2)
    before, token = await read(window=SPRING)
    world.owner_edits(ACCOUNT, series, **span(at(SUNDAY + HOUR), "America/Los_Angeles"))
    changed, _ = await read(token, SPRING)
    assert {each for each, event in changed.items() if event.is_deleted} == set(before)
    assert sorted(i for event in changed.values() for i in event.intervals) == [
        at(SUNDAY + HOUR),
        at(utc(2026, 3, 8, 17)),
    ]


async def test_series_without_end(google: FakeGoogle, read: Reader) -> None:
    edges = span(at(SUNDAY), "America/Los_Angeles")
    google.add(ACCOUNT, **edges, recurrence=["RRULE:FREQ=DAILY"])
    found, _ = await read(window=SPRING)
    assert len(found) == 31


async def test_days_of_another_calendar_s_zone(
    google: FakeGoogle, read: Reader
) -> None:
    days = {"start": {"date": "2026-03-29"}, "end": {"date": "2026-03-30"}}
    google.add(SHARED, **days, recurrence=["RRULE:FREQ=DAILY;COUNT=2"])
    found, _ = await read(window=SPRING, calendar=SHARED)
    assert all(each.is_all_day for each in found.values())
    assert sorted(i for event in found.values() for i in event.intervals) == [
        Interval(utc(2026, 3, 28, 23), utc(2026, 3, 29, 22)),  # 23 hours long
        Interval(utc(2026, 3, 29, 22), utc(2026, 3, 30, 22)),
    ]


def guests(*answers: str) -> dict[str, list[dict[str, Any]]]:
    others = [{"email": "other@example.com", "responseStatus": "declined"}]
    return {"attendees": [*others, *(g for each in answers for g in invited(each))]}


@pytest.mark.parametrize(
    ("event", "busy"),
    [
        ({"eventType": "workingLocation"}, None),
        ({"eventType": "birthday"}, None),
        ({"eventType": "fromGmail"}, BusyType.BUSY),
        ({"eventType": "focusTime"}, BusyType.BUSY),
        ({"eventType": "outOfOffice"}, BusyType.UNAVAILABLE),
        ({"eventType": "focusTime", "transparency": "transparent"}, None),
        ({"transparency": "opaque"}, BusyType.BUSY),
        (guests(), BusyType.BUSY),
        (guests("accepted"), BusyType.BUSY),
        (guests("declined"), None),
        (guests("tentative"), BusyType.TENTATIVE),
        (guests("needsAction"), BusyType.TENTATIVE),
        ({**guests("accepted"), "status": "tentative"}, BusyType.TENTATIVE),
    ],
)
async def test_what_takes_time(
    google: FakeGoogle, read: Reader, event: dict[str, Any], busy: BusyType | None
) -> None:
    added = google.add(ACCOUNT, **span(at(NINE)), **event)
    found, _ = await read()
    assert found[added["id"]].busy is busy


async def test_event_without_length(google: FakeGoogle, read: Reader) -> None:
    edges = span(at(NINE))
    google.add(ACCOUNT, **{**edges, "end": edges["start"]})
    ((_, event),) = (await read())[0].items()
    assert event.intervals == ()


async def test_no_title_and_no_guest_is_read(google: FakeGoogle, read: Reader) -> None:
    google.add(ACCOUNT, summary="Secret", **span(at(NINE)), **guests("accepted"))
    await read()
    told = repr([each.body for each in google.answered])
    assert "responseStatus" in told
    assert "Secret" not in told
    assert "@" not in told


async def test_copy_of_our_event_is_not_ours(
    google: FakeGoogle, examined: Examined, read: Reader
) -> None:
    written = await WritingExam.put(examined, a_draft())
    ours = google.calendar(ACCOUNT).at()[written.event_id]
    google.add(ACCOUNT, **{**ours, "id": "copied00"})
    found, _ = await read()
    assert found[written.event_id].appointment_id == a_draft().appointment_id
    assert found["copied00"].appointment_id is None
    assert found["copied00"].busy is BusyType.BUSY


async def test_series_made_of_our_event_is_not_ours(
    world: GoogleWorld, examined: Examined, read: Reader
) -> None:
    written = await WritingExam.put(examined, a_draft())
    rule = ["RRULE:FREQ=DAILY;COUNT=3"]
    world.owner_edits(ACCOUNT, written.event_id, recurrence=rule)
    found, _ = await read()
    assert [each.appointment_id for each in found.values()] == [None] * 3


async def pages(examined: Examined, query: ChangesQuery) -> Sequence[ChangesPage]:
    found: list[ChangesPage] = []
    following: ChangesQuery | None = query
    while following is not None:
        reader = examined.provider.reader
        assert reader is not None
        page = await reader.changes(examined.access, following, seconds=SECONDS)
        found.append(page)
        following = page.next_page
    return found


async def test_changes_come_in_pages(world: GoogleWorld, examined: Examined) -> None:
    first = await pages(examined, ChangesQuery(ACCOUNT, WINDOW))
    ids = {world.owner_adds(ACCOUNT, at(NINE + n * HOUR)) for n in range(60)}
    query = ChangesQuery(ACCOUNT, WINDOW, first[-1].sync_token)
    found = await pages(examined, query)
    assert len(found) > 2
    assert {each.event_id for page in found for each in page.events} == ids


async def test_page_that_is_no_more(world: GoogleWorld, examined: Examined) -> None:
    query = ChangesQuery(ACCOUNT, WINDOW, page_token="long gone")  # noqa: S106 - of pages
    with pytest.raises(SyncTokenStale):
        await pages(examined, query)


async def test_token_of_another_calendar(read: Reader) -> None:
    _, token = await read(calendar=SHARED)
    with pytest.raises(SyncTokenStale):
        await read(token)


async def test_deleted_before_it_was_read(world: GoogleWorld, read: Reader) -> None:
    _, token = await read()
    world.owner_deletes(ACCOUNT, world.owner_adds(ACCOUNT, at(NINE + DAY)))
    changed, _ = await read(token)
    assert [each.is_deleted for each in changed.values()] == [True]
