"""Writing to Google, beyond what every provider has."""

from dataclasses import replace

import pytest

from tests.contracts.drafts import SECONDS, a_draft, as_seen, later
from tests.contracts.world import Examined
from tests.contracts.writing import WritingExam
from tests.providers.google.editing import LONGEST_DESCRIPTION
from tests.providers.google.server import FakeGoogle
from tests.providers.google.world import ACCOUNT, READ_ONLY, SHARED, GoogleWorld
from universal_calendar.core.provider_errors import (
    EventChanged,
    EventGone,
    ProviderDown,
    ProviderError,
    Rejected,
    Throttled,
)
from universal_calendar.services.ports.calendars import ProviderCalendar

put = WritingExam.put


async def test_account(examined: Examined) -> None:
    calendars = examined.provider.calendars
    assert calendars is not None
    account = await calendars.account(examined.access, seconds=SECONDS)
    assert (account.account, account.timezone) == (ACCOUNT, "America/New_York")
    assert account.calendars == (
        ProviderCalendar(ACCOUNT, ACCOUNT, is_primary=True, is_writable=True),
        ProviderCalendar(READ_ONLY, "Holidays", is_primary=False, is_writable=False),
        ProviderCalendar(SHARED, "Team", is_primary=False, is_writable=True),
    )


async def test_what_its_owner_added_stays(
    world: GoogleWorld, google: FakeGoogle, examined: Examined
) -> None:
    known = await put(examined, a_draft())
    added = {
        "colorId": "5",
        "attendees": [{"email": "guest@example.com"}],
        "reminders": {"useDefault": False},
    }
    world.owner_edits(ACCOUNT, known.event_id, **added)
    written = await put(examined, later(a_draft()), known)
    event = google.calendar(ACCOUNT).at()[written.event_id]
    assert {name: event[name] for name in added} == added
    assert world.events(ACCOUNT) == [as_seen(later(a_draft()), written)]


async def test_description_that_is_longer_than_google_takes(
    world: GoogleWorld, examined: Examined
) -> None:
    """What is cut is its middle: a customer's name and number are at its end."""
    long = "".join(f"{number:05}\n" for number in range(5000)) + "+1 415 555 0100"
    draft = replace(a_draft(), description=long)
    written = await put(examined, draft)
    (seen,) = world.events(ACCOUNT)
    assert seen.description is not None
    assert len(seen.description) == LONGEST_DESCRIPTION
    assert seen.description.startswith("00000\n00001\n")
    assert seen.description.endswith("\n04999\n+1 415 555 0100")
    assert await put(examined, draft) == written
    whole = replace(draft, description=long[:LONGEST_DESCRIPTION], sequence=1)
    await put(examined, whole, written)
    assert [each.description for each in world.events(ACCOUNT)] == [whole.description]


async def test_white_space_is_no_change(world: GoogleWorld, examined: Examined) -> None:
    known = await put(examined, a_draft())
    world.owner_edits(
        ACCOUNT, known.event_id, description="Two lines \r\nof \U0001f600"
    )
    written = await put(examined, later(a_draft()), known)
    assert world.events(ACCOUNT) == [as_seen(later(a_draft()), written)]


@pytest.mark.parametrize(
    "edit",
    [
        {"summary": "Mine"},
        {"location": None},
        {"transparency": "transparent"},
        {"status": "tentative"},
        {"recurrence": ["RRULE:FREQ=DAILY;COUNT=2"]},
        {"start": {"date": "2026-06-01"}, "end": {"date": "2026-06-02"}},
        {"extendedProperties": {"private": {}}},
    ],
)
async def test_what_its_owner_edited(
    world: GoogleWorld, examined: Examined, edit: dict[str, object]
) -> None:
    known = await put(examined, a_draft())
    world.owner_edits(ACCOUNT, known.event_id, **edit)
    with pytest.raises(EventChanged) as caught:
        await put(examined, later(a_draft()), known)
    assert caught.value.event_id == known.event_id
    draft = replace(later(a_draft()), description=None)
    written = await put(examined, draft, replace(known, etag=None))
    assert world.events(ACCOUNT) == [as_seen(draft, written)]
    assert await put(examined, draft) == written


async def test_nothing_comes_back_to_life(
    world: GoogleWorld, examined: Examined
) -> None:
    known = await put(examined, a_draft())
    world.owner_deletes(ACCOUNT, known.event_id)
    for etag in (known.etag, None):
        with pytest.raises(EventGone):
            await put(examined, later(a_draft()), replace(known, etag=etag))
    assert world.events(ACCOUNT) == []


async def test_event_that_never_was(examined: Examined) -> None:
    known = await put(examined, a_draft())
    for etag in (known.etag, None):
        unknown = replace(known, event_id="neverwas", etag=etag)
        with pytest.raises(EventGone):
            await put(examined, a_draft(2), unknown)


async def test_owner_who_writes_at_the_same_moment(
    world: GoogleWorld, examined: Examined
) -> None:
    known = await put(examined, a_draft())
    world.owner_edits(ACCOUNT, known.event_id, colorId="5")
    world.refuses(412, "conditionNotMet")
    world.is_slow(0)
    world.refuses(412, "conditionNotMet")
    with pytest.raises(EventChanged) as caught:
        await put(examined, later(a_draft()), known)
    assert caught.value.event_id == known.event_id


@pytest.mark.parametrize(
    ("status", "reason", "error"),
    [
        (403, "rateLimitExceeded", Throttled),
        (403, "userRateLimitExceeded", Throttled),
        (403, "quotaExceeded", Throttled),
        (429, "rateLimitExceeded", Throttled),
        (403, "forbiddenForNonOrganizer", Rejected),
        (403, "insufficientPermissions", Rejected),
        (400, "invalid", Rejected),
        (500, "backendError", ProviderDown),
        (503, "backendError", ProviderDown),
    ],
)
async def test_refusals(
    world: GoogleWorld,
    examined: Examined,
    status: int,
    reason: str,
    error: type[ProviderError],
) -> None:
    world.refuses(status, reason)
    with pytest.raises(ProviderError) as caught:
        await put(examined, a_draft())
    assert type(caught.value) is error


async def test_calendar_of_others_is_written_to(
    world: GoogleWorld, examined: Examined
) -> None:
    team = replace(examined, calendar=SHARED)
    written = await put(team, a_draft())
    assert world.events(SHARED) == [as_seen(a_draft(), written)]
