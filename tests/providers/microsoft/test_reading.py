"""What only Microsoft's calendars have: bare occurrences, links, tokens of its own."""

from collections.abc import Sequence

import pytest

from tests.contracts.drafts import NINE, SECONDS, WINDOW, a_draft, at, utc
from tests.contracts.reading import ReadingExam
from tests.contracts.world import Examined
from tests.contracts.writing import WritingExam
from tests.providers.microsoft.server import MOST_AT_ONCE, FakeMicrosoft
from tests.providers.microsoft.world import MicrosoftWorld
from universal_calendar.core.busy import BusyType
from universal_calendar.core.instant import DAY, HOUR
from universal_calendar.core.interval import Interval
from universal_calendar.core.provider_errors import (
    NotAuthorized,
    ProviderDown,
    SyncTokenStale,
    Throttled,
)
from universal_calendar.services.ports.calendars import (
    ChangedEvent,
    ChangesQuery,
    TakenTime,
)

PACIFIC = "Pacific Standard Time"
MARCH = Interval(utc(2026, 3, 1, 0), utc(2026, 4, 1, 0))
FIRST = utc(2026, 3, 1, 17)  # 09:00 in Los Angeles, a week before clocks change
SERIES = [at(FIRST), *(at(utc(2026, 3, day, 16)) for day in (8, 15, 22))]

read = ReadingExam().read
put = WritingExam.put


async def one(examined: Examined, window: Interval = WINDOW) -> ChangedEvent:
    ((_, event),) = (await read(examined, window=window))[0].items()
    return event


async def taken(examined: Examined, window: Interval = WINDOW) -> Sequence[TakenTime]:
    assert examined.provider.reader is not None
    found = await examined.provider.reader.taken(
        examined.access, [examined.calendar], window, seconds=SECONDS
    )
    return found[examined.calendar]


def weekly(world: MicrosoftWorld, calendar: str, **traits: str) -> str:
    return world.owner_adds(
        calendar, at(FIRST), repeat="week 4", zone=PACIFIC, **traits
    )


@pytest.mark.parametrize(
    ("show_as", "busy"),
    [
        ("free", None),
        ("workingElsewhere", None),
        ("tentative", BusyType.TENTATIVE),
        ("busy", BusyType.BUSY),
        ("unknown", BusyType.BUSY),
        ("oof", BusyType.UNAVAILABLE),
    ],
)
async def test_how_it_shows(
    examined: Examined, world: MicrosoftWorld, show_as: str, busy: BusyType | None
) -> None:
    world.owner_adds(examined.calendar, at(NINE), show_as=show_as)
    assert (await one(examined)).busy == busy
    assert [each.busy for each in await taken(examined)] == ([busy] if busy else [])


async def test_cancelled_by_its_organizer(
    examined: Examined, world: MicrosoftWorld
) -> None:
    event_id = world.owner_adds(examined.calendar, at(NINE))
    world.owner_changes(event_id, is_cancelled=True)
    assert (await one(examined)).busy is None
    assert await taken(examined) == []


async def test_declined_takes_no_time(
    examined: Examined, world: MicrosoftWorld
) -> None:
    world.owner_adds(examined.calendar, at(NINE), busy="declined")
    assert await taken(examined) == []


async def test_all_day_in_new_york(examined: Examined, world: MicrosoftWorld) -> None:
    world.owner_adds(examined.calendar, at(NINE), days="2026-03-07 2026-03-09")
    (time,) = await taken(examined, MARCH)
    assert time.interval == Interval(utc(2026, 3, 7, 5), utc(2026, 3, 9, 4))


# Series


async def test_series_is_one_event(examined: Examined, world: MicrosoftWorld) -> None:
    series = weekly(world, examined.calendar)
    event = await one(examined, MARCH)
    assert (event.event_id, event.busy) == (series, BusyType.BUSY)
    assert list(event.intervals) == SERIES
    assert [each.interval for each in await taken(examined, MARCH)] == SERIES


@pytest.mark.parametrize("busy", ["tentative", "free"])
async def test_occurrences_have_the_traits_of_their_series(
    examined: Examined, world: MicrosoftWorld, busy: str
) -> None:
    weekly(world, examined.calendar, busy=busy)
    event = await one(examined, MARCH)
    assert event.busy == (BusyType.TENTATIVE if busy == "tentative" else None)


async def test_series_that_began_before_the_window(
    examined: Examined, world: MicrosoftWorld, microsoft: FakeMicrosoft
) -> None:
    """Changes leave its master out: what its occurrences are is asked for."""
    weekly(world, examined.calendar, busy="away")
    event = await one(examined, Interval(utc(2026, 3, 5, 0), MARCH.end))
    assert event.busy is BusyType.UNAVAILABLE
    assert list(event.intervals) == SERIES[1:]
    assert [each for each in microsoft.requests if each.endswith("/instances")]


async def test_all_day_series_over_a_change_of_clocks(
    examined: Examined, world: MicrosoftWorld
) -> None:
    world.owner_adds(
        examined.calendar,
        at(NINE),
        days="2026-03-07 2026-03-08",
        repeat="day 3",
        zone="Eastern Standard Time",
    )
    event = await one(examined, MARCH)
    assert event.is_all_day
    midnights = [utc(2026, 3, 7, 5), utc(2026, 3, 8, 5), utc(2026, 3, 9, 4)]
    assert [each.start for each in event.intervals] == midnights


async def test_occurrence_that_was_deleted(
    examined: Examined, world: MicrosoftWorld
) -> None:
    """Graph only tells the others again: what is missing is gone."""
    series = weekly(world, examined.calendar)
    _, token = await read(examined, window=MARCH)
    world.owner_changes_occurrence(series, 1)
    changed, _ = await read(examined, token, MARCH)
    assert set(changed) == {series}
    assert list(changed[series].intervals) == [SERIES[0], *SERIES[2:]]


async def test_occurrence_that_was_moved(
    examined: Examined, world: MicrosoftWorld
) -> None:
    series = weekly(world, examined.calendar)
    _, token = await read(examined, window=MARCH)
    moved = at(utc(2026, 3, 9, 12))
    world.owner_changes_occurrence(
        series, 1, **dict(zip(("start", "end"), world.edges(moved), strict=True))
    )
    changed, _ = await read(examined, token, MARCH)
    assert list(changed[series].intervals) == [SERIES[0], moved, *SERIES[2:]]
    assert moved in [each.interval for each in await taken(examined, MARCH)]


@pytest.mark.parametrize(
    ("fields", "busy", "count"),
    [
        ({"is_cancelled": True}, BusyType.TENTATIVE, 3),
        ({"show_as": "free"}, BusyType.TENTATIVE, 3),
        ({"show_as": "busy"}, BusyType.BUSY, 4),
        ({"show_as": "oof"}, BusyType.UNAVAILABLE, 4),
    ],
)
async def test_occurrence_that_differs(
    examined: Examined,
    world: MicrosoftWorld,
    fields: dict[str, object],
    busy: BusyType,
    count: int,
) -> None:
    series = weekly(world, examined.calendar, busy="tentative")
    world.owner_changes_occurrence(series, 2, **fields)
    event = await one(examined, MARCH)
    assert (event.busy, len(event.intervals)) == (busy, count)


async def test_series_that_is_deleted(
    examined: Examined, world: MicrosoftWorld
) -> None:
    series = weekly(world, examined.calendar)
    _, token = await read(examined, window=MARCH)
    world.owner_deletes(examined.calendar, series)
    changed, _ = await read(examined, token, MARCH)
    assert changed[series].is_deleted


async def test_series_that_left_the_window(
    examined: Examined, world: MicrosoftWorld
) -> None:
    series = weekly(world, examined.calendar)
    _, token = await read(examined, window=MARCH)
    world.owner_moves(examined.calendar, series, at(utc(2027, 3, 1, 17)))
    changed, _ = await read(examined, token, MARCH)
    assert not changed[series].is_deleted
    assert changed[series].intervals == ()


# What is told to be removed


async def test_own_event_goes_and_comes_back(
    examined: Examined, world: MicrosoftWorld
) -> None:
    written = await put(examined, a_draft())
    _, token = await read(examined)
    far = at(WINDOW.end + 90 * DAY)
    world.owner_moves(examined.calendar, written.event_id, far)
    changed, token = await read(examined, token)
    gone = changed[written.event_id]
    assert (gone.is_deleted, gone.intervals) == (False, (far,))
    assert gone.appointment_id == a_draft().appointment_id
    world.owner_moves(examined.calendar, written.event_id, at(NINE))
    changed, token = await read(examined, token)
    assert changed[written.event_id].intervals == (at(NINE),)
    world.owner_deletes(examined.calendar, written.event_id)
    changed, _ = await read(examined, token)
    assert changed[written.event_id].is_deleted


async def test_what_never_was_in_the_window(
    examined: Examined, world: MicrosoftWorld
) -> None:
    """Graph tells that it was removed, though it is there and was never told."""
    _, token = await read(examined)
    far = world.owner_adds(examined.calendar, at(WINDOW.end + 90 * DAY))
    changed, _ = await read(examined, token)
    assert [(each.is_deleted, each.intervals) for each in changed.values()] == [
        (False, ())
    ]
    assert set(changed) == {far}


async def test_sixty_are_removed_at_once(
    examined: Examined, world: MicrosoftWorld, microsoft: FakeMicrosoft
) -> None:
    ids = [world.owner_adds(examined.calendar, at(NINE + n * HOUR)) for n in range(60)]
    _, token = await read(examined)
    for each in ids:
        world.owner_deletes(examined.calendar, each)
    microsoft.pace = 0.005
    changed, _ = await read(examined, token)
    assert {each for each, event in changed.items() if event.is_deleted} == set(ids)
    assert 1 < microsoft.most_asking <= MOST_AT_ONCE


# Tokens and links


async def test_link_to_another_host(
    examined: Examined, world: MicrosoftWorld, microsoft: FakeMicrosoft
) -> None:
    elsewhere = FakeMicrosoft()
    try:
        for number in range(30):
            world.owner_adds(examined.calendar, at(NINE + number * HOUR))
        _, token = await read(examined)
        microsoft.calendars.links_to = elsewhere.url
        for reading in (read(examined), read(examined, token), taken(examined)):
            with pytest.raises(ProviderDown):
                await reading
        assert elsewhere.requests == []
    finally:
        elsewhere.close()


@pytest.mark.parametrize(
    "lead",
    [
        "https://evil.example/v1.0/me/calendars/1/calendarView/delta?$deltatoken=x",
        "{base}.evil.example/me/calendars/1/calendarView/delta",
        "{base}@evil.example/me",
        "//evil.example/v1.0/me",
    ],
)
async def test_token_that_leads_elsewhere_is_not_followed(
    examined: Examined, microsoft: FakeMicrosoft, api_url: str, lead: str
) -> None:
    link = lead.format(base=api_url)
    assert examined.provider.reader is not None
    for query in (
        ChangesQuery(examined.calendar, WINDOW, sync_token=link),
        ChangesQuery(examined.calendar, WINDOW, page_token=link),
    ):
        with pytest.raises(SyncTokenStale):
            await examined.provider.reader.changes(
                examined.access, query, seconds=SECONDS
            )
    assert microsoft.requests == []


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (410, "SyncStateNotFound"),
        (410, "resyncRequired"),
        (410, "syncStateNotFound"),
        (410, "ErrorItemNotFound"),
        (400, "SyncStateInvalid"),
        (404, "SyncStateNotFound"),
    ],
)
async def test_everything_must_be_read_again(
    examined: Examined,
    world: MicrosoftWorld,
    microsoft: FakeMicrosoft,
    status: int,
    code: str,
) -> None:
    _, token = await read(examined)
    microsoft.calendars.stale = (status, code)
    world.forgets_changes(examined.calendar)
    with pytest.raises(SyncTokenStale):
        await read(examined, token)


async def test_throttled_while_reading(
    examined: Examined, world: MicrosoftWorld
) -> None:
    world.throttles(7, as_date=False)
    with pytest.raises(Throttled) as caught:
        await read(examined)
    assert caught.value.retry_after == 7
    world.throttles(7, as_date=False)
    with pytest.raises(Throttled):
        await taken(examined)


async def test_reading_without_consent(
    examined: Examined, world: MicrosoftWorld
) -> None:
    world.revokes()
    with pytest.raises(NotAuthorized):
        await read(examined)


async def test_many_calendars_at_once(
    examined: Examined, world: MicrosoftWorld, microsoft: FakeMicrosoft
) -> None:
    for number in range(45):
        world.owner_adds(examined.calendar, at(NINE + number * HOUR))
    calendars = [examined.calendar, examined.read_only] * 5
    microsoft.pace = 0.005
    assert examined.provider.reader is not None
    found = await examined.provider.reader.taken(
        examined.access, calendars, WINDOW, seconds=SECONDS
    )
    assert {each: len(times) for each, times in found.items()} == {
        examined.calendar: 45,
        examined.read_only: 0,
    }
    assert 1 < microsoft.most_asking <= MOST_AT_ONCE


async def test_no_title_is_asked_for_where_it_can_be_helped(
    examined: Examined, world: MicrosoftWorld
) -> None:
    world.owner_adds(examined.calendar, at(NINE))
    assert "Private" not in repr(await taken(examined))
    assert "Private" not in repr(await read(examined))


async def test_account_whose_settings_may_be_read(
    examined: Examined, microsoft: FakeMicrosoft
) -> None:
    calendars = examined.provider.calendars
    assert calendars is not None
    account = await calendars.account(examined.access, seconds=SECONDS)
    assert (account.account, account.timezone) == ("ann@example.test", None)
    microsoft.calendars.tells_settings = True
    account = await calendars.account(examined.access, seconds=SECONDS)
    assert account.timezone == "America/New_York"
