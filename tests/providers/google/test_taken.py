"""Asking what is taken right now."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from tests.contracts.drafts import NINE, SECONDS, a_draft, at
from tests.contracts.world import Examined
from tests.contracts.writing import WritingExam
from tests.providers.google.calendars import Calendar
from tests.providers.google.server import FakeGoogle
from tests.providers.google.world import ACCOUNT, SHARED, GoogleWorld, invited, span
from universal_calendar.core.busy import BusyType
from universal_calendar.core.instant import HOUR
from universal_calendar.core.interval import Interval
from universal_calendar.core.provider_errors import NotAuthorized, Throttled
from universal_calendar.services.ports.calendars import TakenTime

MORNING = Interval(NINE, NINE + 4 * HOUR)


async def taken(
    examined: Examined, *calendars: str, window: Interval = MORNING
) -> Mapping[str, Sequence[TakenTime]]:
    reader = examined.provider.reader
    assert reader is not None
    return await reader.taken(examined.access, calendars, window, seconds=SECONDS)


async def test_what_is_free_is_not_listed(
    google: FakeGoogle, world: GoogleWorld, examined: Examined
) -> None:
    world.owner_adds(SHARED, at(NINE))
    found = await taken(examined, ACCOUNT, SHARED)
    assert {each: len(times) for each, times in found.items()} == {
        ACCOUNT: 0,
        SHARED: 1,
    }
    assert google.asked == ["calendar.freebusy.query", "calendar.events.list"]


async def test_kinds_of_time(google: FakeGoogle, examined: Examined) -> None:
    away = google.add(ACCOUNT, **span(at(NINE)), eventType="outOfOffice")
    unsure = google.add(
        ACCOUNT, **span(at(NINE + HOUR)), attendees=invited("needsAction")
    )
    google.add(ACCOUNT, **span(at(NINE + 2 * HOUR)), eventType="workingLocation")
    draft = replace(a_draft(), interval=at(NINE + 3 * HOUR))
    ours = await WritingExam.put(examined, draft)
    found = await taken(examined, ACCOUNT)
    assert sorted(found[ACCOUNT], key=lambda each: each.interval) == [
        TakenTime(at(NINE), BusyType.UNAVAILABLE, event_id=away["id"]),
        TakenTime(at(NINE + HOUR), BusyType.TENTATIVE, event_id=unsure["id"]),
        TakenTime(
            draft.interval,
            BusyType.BUSY,
            appointment_id=draft.appointment_id,
            event_id=ours.event_id,
        ),
    ]


async def test_occurrence_is_taken(world: GoogleWorld, examined: Examined) -> None:
    world.owner_adds(
        ACCOUNT, at(NINE - 7 * 24 * HOUR), repeat="week 3", zone="America/New_York"
    )
    found = await taken(examined, ACCOUNT)
    assert [each.interval for each in found[ACCOUNT]] == [at(NINE)]


async def test_many_calendars(google: FakeGoogle, examined: Examined) -> None:
    names = [f"calendar{n}@group.calendar.google.com" for n in range(120)]
    google.open(ACCOUNT, *(Calendar(each, each, "UTC") for each in names))
    google.add(names[119], **span(at(NINE)))
    found = await taken(examined, *names)
    assert set(found) == set(names)
    assert [each for each, times in found.items() if times] == [names[119]]
    assert google.asked.count("calendar.freebusy.query") == 3


async def test_calendar_that_shares_no_events(
    google: FakeGoogle, examined: Examined
) -> None:
    google.open(ACCOUNT, Calendar("boss", "Boss", "UTC", role="freeBusyReader"))
    google.add("boss", **span(at(NINE)))
    found = await taken(examined, "boss")
    assert found == {"boss": [TakenTime(at(NINE), BusyType.BUSY)]}


async def test_many_events_in_one_calendar(
    world: GoogleWorld, examined: Examined
) -> None:
    for number in range(60):
        world.owner_adds(ACCOUNT, at(NINE + number * HOUR // 20, HOUR // 20))
    window = Interval(NINE, NINE + 3 * HOUR)
    assert len((await taken(examined, ACCOUNT, window=window))[ACCOUNT]) == 60


async def test_errors_are_not_taken_for_free_time(
    world: GoogleWorld, examined: Examined
) -> None:
    world.refuses(403, "userRateLimitExceeded")
    with pytest.raises(Throttled):
        await taken(examined, ACCOUNT)
    world.revokes()
    with pytest.raises(NotAuthorized):
        await taken(examined, ACCOUNT)
