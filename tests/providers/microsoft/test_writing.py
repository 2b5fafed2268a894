"""What Graph does with transactions and etags, and what follows for writing."""

import asyncio
from dataclasses import replace

import pytest

from tests.contracts.drafts import NINE, SECONDS, a_draft, as_seen, at, later
from tests.contracts.reading import ReadingExam
from tests.contracts.world import Examined
from tests.contracts.writing import WritingExam
from tests.providers.means import open_means
from tests.providers.microsoft.mailbox import new_id
from tests.providers.microsoft.server import MOST_AT_ONCE, FakeMicrosoft, Fault
from tests.providers.microsoft.world import MicrosoftWorld
from universal_calendar.core.instant import DAY
from universal_calendar.core.provider_errors import (
    EventChanged,
    EventGone,
    ProviderDown,
    Rejected,
)
from universal_calendar.providers.registry import PROVIDERS
from universal_calendar.services.ports.calendars import ProviderAccount

put = WritingExam.put
read = ReadingExam().read


async def test_not_offered_without_a_registration() -> None:
    async with open_means({}) as means:
        assert PROVIDERS["microsoft"](means) is None


# Transactions


async def test_new_event_takes_one_request(
    examined: Examined, microsoft: FakeMicrosoft
) -> None:
    await put(examined, a_draft())
    assert len(microsoft.requests) == 1


async def test_same_again_after_its_owner_moved_it(
    examined: Examined, world: MicrosoftWorld
) -> None:
    """Graph answers with the event as it is now, as if it had just made it."""
    written = await put(examined, a_draft())
    moved = at(NINE + 3 * DAY)
    world.owner_moves(examined.calendar, written.event_id, moved)
    with pytest.raises(EventChanged) as caught:
        await put(examined, a_draft())
    assert caught.value.event_id == written.event_id
    assert [each.interval for each in world.events(examined.calendar)] == [moved]


async def test_duplicate_that_is_told_as_a_bad_request(
    examined: Examined, world: MicrosoftWorld, microsoft: FakeMicrosoft
) -> None:
    written = await put(examined, a_draft())
    microsoft.faults.append(Fault("duplicate"))
    again = await put(examined, later(a_draft()))
    assert again.event_id == written.event_id
    assert world.events(examined.calendar) == [as_seen(later(a_draft()), again)]


async def test_transaction_of_a_deleted_event_that_graph_remembers(
    examined: Examined, world: MicrosoftWorld, microsoft: FakeMicrosoft
) -> None:
    microsoft.mailbox.remembers_deleted = True
    written = await put(examined, a_draft())
    world.owner_deletes(examined.calendar, written.event_id)
    for draft in (a_draft(), later(a_draft())):
        with pytest.raises(EventGone):
            await put(examined, draft)
    assert world.events(examined.calendar) == []
    await put(examined, a_draft(generation=1))


async def test_copy_by_its_owner_is_not_the_event(
    examined: Examined, world: MicrosoftWorld, microsoft: FakeMicrosoft
) -> None:
    """Outlook copies our properties along, and not the transaction."""
    microsoft.mailbox.remembers_deleted = True
    written = await put(examined, a_draft())
    event = microsoft.mailbox.all[written.event_id]
    copy = microsoft.mailbox.add(replace(event, event_id=new_id(), transaction=None))
    found, _ = await read(examined)
    assert found[copy.event_id].appointment_id is None
    world.owner_deletes(examined.calendar, written.event_id)
    with pytest.raises(EventGone):
        await put(examined, later(a_draft()))


async def test_refusal_that_is_no_duplicate(
    examined: Examined, microsoft: FakeMicrosoft
) -> None:
    microsoft.faults.append(Fault("invalid"))
    with pytest.raises(Rejected):
        await put(examined, a_draft())
    written = await put(examined, a_draft())
    microsoft.faults.append(Fault("invalid"))
    with pytest.raises(Rejected):
        await WritingExam.delete(examined, written.event_id)


@pytest.mark.parametrize("lost", [1, 2, 3])
async def test_every_answer_may_be_lost(
    examined: Examined, world: MicrosoftWorld, lost: int
) -> None:
    world.loses_answers(lost)
    for _ in range(lost):
        with pytest.raises(ProviderDown):
            await put(examined, later(a_draft()))
    written = await put(examined, later(later(a_draft())))
    assert world.events(examined.calendar) == [
        as_seen(later(later(a_draft())), written)
    ]


async def test_no_more_than_four_at_once(
    examined: Examined, microsoft: FakeMicrosoft
) -> None:
    microsoft.pace = 0.01
    drafts = [a_draft(number) for number in range(20)]
    await asyncio.gather(*(put(examined, each) for each in drafts))
    assert microsoft.most_asking == MOST_AT_ONCE


async def test_title_that_is_too_long(
    examined: Examined, world: MicrosoftWorld
) -> None:
    draft = replace(a_draft(), title="ü" * 300)
    assert await put(examined, draft) == await put(examined, draft)
    assert [each.title for each in world.events(examined.calendar)] == ["ü" * 255]


# Etags


async def test_etag_that_changed_for_no_reason(
    examined: Examined, world: MicrosoftWorld
) -> None:
    known = await put(examined, a_draft())
    world.graph_touches(known.event_id)
    written = await put(examined, later(a_draft()), known)
    assert world.events(examined.calendar) == [as_seen(later(a_draft()), written)]


async def test_conflict_that_passes(
    examined: Examined, world: MicrosoftWorld, microsoft: FakeMicrosoft
) -> None:
    known = await put(examined, a_draft())
    microsoft.faults.append(Fault("conflict"))
    written = await put(examined, later(a_draft()), known)
    assert world.events(examined.calendar) == [as_seen(later(a_draft()), written)]


async def test_conflict_that_stays_is_tried_once_more_and_left(
    examined: Examined, world: MicrosoftWorld, microsoft: FakeMicrosoft
) -> None:
    known = await put(examined, a_draft())
    before = len(microsoft.requests)
    microsoft.faults.extend([Fault("conflict", writes=True)] * 2)
    with pytest.raises(ProviderDown):
        await put(examined, later(a_draft()), known)
    assert len(microsoft.requests) - before == 3
    assert world.events(examined.calendar) == [as_seen(a_draft(), known)]


@pytest.mark.parametrize(
    "fields",
    [
        {"subject": "Dentist"},
        {"text": "Bring the papers"},
        {"place": "Elsewhere"},
        {"show_as": "free"},
        {"is_all_day": True},
        {"is_cancelled": True},
    ],
)
async def test_whatever_its_owner_changed_is_left_alone(
    examined: Examined, world: MicrosoftWorld, fields: dict[str, object]
) -> None:
    known = await put(examined, a_draft())
    world.owner_changes(known.event_id, **fields)
    (before,) = world.events(examined.calendar)
    with pytest.raises(EventChanged):
        await put(examined, later(a_draft()), known)
    assert world.events(examined.calendar) == [before]


async def test_what_a_draft_no_longer_has_is_emptied(
    examined: Examined, world: MicrosoftWorld
) -> None:
    known = await put(examined, a_draft())
    bare = replace(later(a_draft()), description=None, location=None)
    written = await put(examined, bare, known)
    assert world.events(examined.calendar) == [as_seen(bare, written)]


async def test_event_that_its_owner_moved_to_another_calendar(
    examined: Examined, microsoft: FakeMicrosoft
) -> None:
    known = await put(examined, a_draft())
    microsoft.mailbox.all[known.event_id].calendar_id = examined.read_only
    with pytest.raises(EventGone):
        await put(examined, later(a_draft()), known)


# Tokens


async def test_renewed_token_is_kept_although_nobody_waited(
    examined: Examined, world: MicrosoftWorld, microsoft: FakeMicrosoft
) -> None:
    """A refresh token that rotated and was not kept would lock its owner out."""
    world.expires_tokens()
    microsoft.faults.extend([Fault("pass"), Fault("late", 0.5)])
    with pytest.raises(ProviderDown):
        await put(examined, a_draft(), seconds=0.2)
    await put(examined, a_draft())
    assert microsoft.login.refreshes == 1


async def test_tokens_rotate(
    examined: Examined, world: MicrosoftWorld, microsoft: FakeMicrosoft
) -> None:
    for number in range(1, 6):
        world.expires_tokens()
        await put(examined, a_draft(number))
    assert microsoft.login.refreshes == 5


async def test_calendars_over_several_pages(
    examined: Examined, microsoft: FakeMicrosoft
) -> None:
    more = microsoft.mailbox.add_calendars(45)
    calendars = examined.provider.calendars
    assert calendars is not None
    account: ProviderAccount = await calendars.account(examined.access, seconds=SECONDS)
    listed = [each.external_id for each in account.calendars]
    assert listed == [examined.calendar, examined.read_only, *more]
