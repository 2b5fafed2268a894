"""Whatever a provider does, appointments stand, and in the end it agrees with them."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from tests.harness.paper.provider import GOOD, Paper
from tests.harness.scenes.business import Business
from tests.harness.scenes.calendars import Diary, now
from tests.harness.waiting import until
from universal_calendar.bootstrap.parts import Parts, new_id
from universal_calendar.core.errors import InvalidField
from universal_calendar.core.instant import HOUR, Instant
from universal_calendar.core.provider_errors import (
    EventChanged,
    NotAuthorized,
    ProviderDown,
    Rejected,
    Throttled,
)
from universal_calendar.core.retry import SECOND
from universal_calendar.services.calendars.calendar_writes import (
    LEASE_MARGIN,
    CalendarWrites,
    event_key,
)
from universal_calendar.services.connections.connections import Connections
from universal_calendar.services.ports.calendars import WrittenEvent
from universal_calendar.services.ports.connections import Connection, ConnectionStatus
from universal_calendar.services.ports.links import Failed, LinkState, LinkStatus
from universal_calendar.store.calendars.links import LinkTable
from universal_calendar.store.connections.connections import (
    ConnectionQuota,
    ConnectionTable,
)
from universal_calendar.store.rate_limits import RateLimit


@pytest.fixture
def paper() -> Paper:
    return Paper()


@pytest.fixture
def connections(parts: Parts, paper: Paper) -> Connections:
    table = ConnectionTable(parts.database, parts.keyring)
    return Connections(table, parts.units, {"paper": paper}, new_id)


@pytest.fixture
async def diary(parts: Parts, business: Business, connections: Connections) -> Diary:
    await connections.add(business.tenant_id, "paper", GOOD, now())
    return Diary(parts, business)


def _half() -> float:
    """Draw no wait so short that one settling tries twice."""
    return 0.5


def writes_of(parts: Parts, paper: Paper, *, a_minute: int = 10_000) -> CalendarWrites:
    limit = RateLimit(a_minute, timedelta(minutes=1))
    return CalendarWrites(
        LinkTable(parts.database, parts.keyring, new_id),
        {"paper": paper},
        ConnectionQuota(parts.rate_limits, parts.keyring, limit),
        _half,
    )


@pytest.fixture
def writes(parts: Parts, paper: Paper) -> CalendarWrites:
    return writes_of(parts, paper)


async def settle(
    writes: CalendarWrites,
    diary: Diary,
    appointment_id: UUID,
    *,
    at: Instant | None = None,
    seconds: float = 5.0,
) -> LinkState:
    (state,) = await writes.settle(
        diary.tenant_id, appointment_id, at or now(), seconds=seconds
    )
    return state


async def connection_of(connections: Connections, diary: Diary) -> Connection:
    (connection,) = await connections.all(diary.tenant_id)
    return connection


async def assert_agreed(
    diary: Diary, paper: Paper, appointment_id: UUID, generation: int = 0
) -> None:
    """Assert that the one event is there, as the appointment is."""
    key = event_key(appointment_id, generation)
    mine = {
        place: draft
        for place, draft in paper.events.items()
        if draft.appointment_id == appointment_id
    }
    assert list(mine) == [("cal-Work", key)]
    assert mine["cal-Work", key].interval.start == await diary.start_of(appointment_id)
    link = await diary.link(appointment_id)
    assert link["status"] == "synced"
    assert link["synced_version"] == link["wanted_version"]
    assert link["event_id"] == f"id-{key}"
    assert link["leased_until"] is None
    assert await diary.due_at(appointment_id) is None


async def test_booking_is_written_and_leaves_no_work(
    diary: Diary, paper: Paper, writes: CalendarWrites, connections: Connections
) -> None:
    appointment_id = await diary.book()
    state = await settle(writes, diary, appointment_id)
    assert state.status is LinkStatus.SYNCED
    await assert_agreed(diary, paper, appointment_id)
    (draft,) = paper.events.values()
    assert draft.title == "Leak"
    assert draft.description == (
        "Kitchen sink\nJohn Doe\n+12125550100\njohn@example.test"
    )
    assert (await connection_of(connections, diary)).last_success_at is not None


async def test_settling_again_asks_nobody(
    diary: Diary, paper: Paper, writes: CalendarWrites
) -> None:
    appointment_id = await diary.book()
    for _ in range(3):
        await settle(writes, diary, appointment_id)
    assert paper.calls == ["put"]


async def test_move_and_cancel_follow(
    diary: Diary, paper: Paper, writes: CalendarWrites
) -> None:
    appointment_id = await diary.book()
    await settle(writes, diary, appointment_id)
    await diary.move(appointment_id)
    await settle(writes, diary, appointment_id)
    await assert_agreed(diary, paper, appointment_id)
    assert next(iter(paper.events.values())).sequence == 2
    await diary.cancel(appointment_id)
    state = await settle(writes, diary, appointment_id)
    assert (state.status, state.event_id) == (LinkStatus.SYNCED, None)
    assert not paper.events
    assert await diary.due_at(appointment_id) is None


async def test_cancelled_before_it_was_ever_written(
    diary: Diary, paper: Paper, writes: CalendarWrites
) -> None:
    appointment_id = await diary.book()
    await diary.cancel(appointment_id)
    state = await settle(writes, diary, appointment_id)
    assert state.status is LinkStatus.SYNCED
    assert paper.calls == []


async def test_an_event_that_comes_back_gets_a_new_key(
    diary: Diary, paper: Paper, writes: CalendarWrites
) -> None:
    """Providers burn the ids of deleted events."""
    appointment_id = await diary.book()
    await settle(writes, diary, appointment_id)
    await diary.cancel(appointment_id)
    await settle(writes, diary, appointment_id)
    await diary.revive(appointment_id)
    await settle(writes, diary, appointment_id)
    assert paper.calls == ["put", "delete", "put"]
    await assert_agreed(diary, paper, appointment_id, generation=1)


async def test_an_event_that_its_owner_deleted_is_written_anew_at_once(
    diary: Diary, paper: Paper, writes: CalendarWrites
) -> None:
    appointment_id = await diary.book()
    await settle(writes, diary, appointment_id)
    paper.burnt.update(paper.events)
    paper.events.clear()
    await diary.move(appointment_id)
    await settle(writes, diary, appointment_id)
    await assert_agreed(diary, paper, appointment_id, generation=1)


async def test_lost_answer_makes_no_second_event(
    diary: Diary, paper: Paper, writes: CalendarWrites
) -> None:
    appointment_id = await diary.book()
    paper.after.append(ProviderDown())
    state = await settle(writes, diary, appointment_id)
    assert (state.status, state.event_id) == (LinkStatus.PENDING, None)
    assert state.last_error == "ProviderDown"
    await settle(writes, diary, appointment_id, at=now() + HOUR)
    assert paper.calls == ["put", "put"]
    await assert_agreed(diary, paper, appointment_id)


async def test_event_of_a_lost_answer_is_found_and_deleted(
    diary: Diary, paper: Paper, writes: CalendarWrites
) -> None:
    appointment_id = await diary.book()
    paper.after.append(ProviderDown())
    await settle(writes, diary, appointment_id)
    assert len(paper.events) == 1
    await diary.cancel(appointment_id)
    state = await settle(writes, diary, appointment_id, at=now() + HOUR)
    assert state.status is LinkStatus.SYNCED
    assert not paper.events


async def test_lost_answer_to_a_deletion(
    diary: Diary, paper: Paper, writes: CalendarWrites
) -> None:
    appointment_id = await diary.book()
    await settle(writes, diary, appointment_id)
    await diary.cancel(appointment_id)
    paper.after.append(ProviderDown())
    assert (await settle(writes, diary, appointment_id)).status is LinkStatus.PENDING
    state = await settle(writes, diary, appointment_id, at=now() + HOUR)
    assert state.status is LinkStatus.SYNCED


async def test_eight_tasks_at_once_write_one_event(
    diary: Diary, paper: Paper, writes: CalendarWrites
) -> None:
    appointment_id = await diary.book()
    paper.delay = 0.1
    await asyncio.gather(*(settle(writes, diary, appointment_id) for _ in range(8)))
    assert paper.calls == ["put"]
    await assert_agreed(diary, paper, appointment_id)


async def test_many_writers_and_changes_never_overlap(
    diary: Diary, paper: Paper, writes: CalendarWrites
) -> None:
    appointment_id = await diary.book()
    paper.delay = 0.01

    async def change() -> None:
        for _ in range(10):
            await diary.move(appointment_id)
            await asyncio.sleep(0.01)

    async def work() -> None:
        while await diary.due_at(appointment_id) is not None:
            await settle(writes, diary, appointment_id)

    changing = asyncio.create_task(change())
    await asyncio.gather(changing, *(work() for _ in range(4)))
    await work()
    assert paper.most_at_once == 1
    await assert_agreed(diary, paper, appointment_id)


async def test_a_change_during_the_write_is_written_too(
    diary: Diary, paper: Paper, writes: CalendarWrites
) -> None:
    appointment_id = await diary.book()
    paper.meanwhile = lambda: asyncio.ensure_future(diary.move(appointment_id))
    state = await settle(writes, diary, appointment_id)
    assert paper.calls == ["put", "put"]
    assert (state.wanted_version, state.synced_version) == (2, 2)
    await assert_agreed(diary, paper, appointment_id)


async def test_a_change_during_the_write_outlasts_the_time_there_is(
    diary: Diary, paper: Paper, writes: CalendarWrites
) -> None:
    """What was written is recorded as what it was, and the rest stays due."""
    appointment_id = await diary.book()
    paper.delay = 0.3

    async def move() -> None:
        await diary.move(appointment_id)

    paper.meanwhile = lambda: asyncio.ensure_future(move())
    state = await settle(writes, diary, appointment_id, seconds=0.5)
    assert (state.wanted_version, state.synced_version) == (2, 1)
    assert state.status is LinkStatus.PENDING
    assert state.event_id is not None
    assert await diary.due_at(appointment_id) is not None
    await settle(writes, diary, appointment_id, at=now() + HOUR)
    await assert_agreed(diary, paper, appointment_id)


async def test_cancelled_during_the_write(
    diary: Diary, paper: Paper, writes: CalendarWrites
) -> None:
    appointment_id = await diary.book()
    paper.meanwhile = lambda: asyncio.ensure_future(diary.cancel(appointment_id))
    state = await settle(writes, diary, appointment_id)
    assert state.status is LinkStatus.SYNCED
    assert paper.calls == ["put", "delete"]
    assert not paper.events
    assert await diary.due_at(appointment_id) is None


async def test_wanted_again_during_the_deletion(
    diary: Diary, paper: Paper, writes: CalendarWrites
) -> None:
    appointment_id = await diary.book()
    await settle(writes, diary, appointment_id)
    await diary.cancel(appointment_id)
    paper.meanwhile = lambda: asyncio.ensure_future(diary.revive(appointment_id))
    await settle(writes, diary, appointment_id)
    await assert_agreed(diary, paper, appointment_id, generation=1)


async def test_hanging_provider_costs_no_more_than_the_seconds_given(
    diary: Diary, paper: Paper, writes: CalendarWrites
) -> None:
    appointment_id = await diary.book()
    paper.is_hanging = True
    loop = asyncio.get_running_loop()
    began = loop.time()
    state = await settle(writes, diary, appointment_id, seconds=0.3)
    assert loop.time() - began < 1.0
    assert (state.status, state.last_error) == (LinkStatus.PENDING, "ProviderDown")
    paper.is_hanging = False
    await settle(writes, diary, appointment_id, at=now() + HOUR)
    await assert_agreed(diary, paper, appointment_id)


async def test_failing_provider_is_tried_again_and_its_connection_says_so(
    diary: Diary, paper: Paper, writes: CalendarWrites, connections: Connections
) -> None:
    appointment_id = await diary.book()
    paper.down(3)
    at = now()
    for failures in range(1, 4):
        await settle(writes, diary, appointment_id, at=at)
        link = await diary.link(appointment_id)
        assert link["attempts"] == failures
        connection = await connection_of(connections, diary)
        assert connection.status is ConnectionStatus.FAILING
        due = await diary.due_at(appointment_id)
        assert due is not None
        assert due <= now() + (failures * HOUR) + 31 * SECOND
        at += HOUR
    await settle(writes, diary, appointment_id, at=at)
    await assert_agreed(diary, paper, appointment_id)
    connection = await connection_of(connections, diary)
    assert connection.status is ConnectionStatus.ACTIVE
    assert connection.next_try_at is None


async def test_throttled_connection_is_left_alone_by_all_its_appointments(
    diary: Diary, paper: Paper, writes: CalendarWrites
) -> None:
    first, second = [await diary.book() for _ in range(2)]
    paper.before.append(Throttled(60.0))
    at = now()
    await settle(writes, diary, first, at=at)
    await settle(writes, diary, second, at=at)
    assert paper.calls == ["put"]
    due = await diary.due_at(second)
    assert due is not None
    assert due >= at + 60 * SECOND
    for each in (first, second):
        await settle(writes, diary, each, at=at + 70 * SECOND)
        await assert_agreed(diary, paper, each)


async def test_quota_of_a_connection_spares_its_provider(
    parts: Parts, diary: Diary, paper: Paper
) -> None:
    writes = writes_of(parts, paper, a_minute=3)
    booked = [await diary.book() for _ in range(5)]
    for each in booked:
        await settle(writes, diary, each)
    assert len(paper.calls) == 3
    at = now()
    for minute in range(1, 4):
        for each in booked:
            await settle(writes, diary, each, at=at + minute * 60 * SECOND)
    for each in booked:
        await assert_agreed(diary, paper, each)


async def test_refusal_is_final_until_the_appointment_changes(
    diary: Diary, paper: Paper, writes: CalendarWrites
) -> None:
    appointment_id = await diary.book()
    paper.before.append(Rejected())
    state = await settle(writes, diary, appointment_id)
    assert (state.status, state.last_error) == (LinkStatus.FAILED, "Rejected")
    assert await diary.due_at(appointment_id) is None
    await settle(writes, diary, appointment_id, at=now() + HOUR)
    assert paper.calls == ["put"]
    await diary.move(appointment_id)
    await settle(writes, diary, appointment_id)
    await assert_agreed(diary, paper, appointment_id)


async def test_refusal_of_what_has_changed_since_is_not_final(
    diary: Diary, paper: Paper, writes: CalendarWrites
) -> None:
    appointment_id = await diary.book()

    async def move_and_be_refused() -> None:
        await diary.move(appointment_id)
        raise Rejected

    paper.meanwhile = lambda: asyncio.ensure_future(move_and_be_refused())
    state = await settle(writes, diary, appointment_id)
    assert state.status is LinkStatus.SYNCED
    await assert_agreed(diary, paper, appointment_id)


async def test_revoked_access_waits_for_the_owner_and_goes_on_at_once(
    diary: Diary, paper: Paper, writes: CalendarWrites, connections: Connections
) -> None:
    first, second = [await diary.book() for _ in range(2)]
    paper.before.append(NotAuthorized())
    at = now()
    for each in (first, second):
        await settle(writes, diary, each, at=at)
    assert paper.calls == ["put"]
    connection = await connection_of(connections, diary)
    assert connection.status is ConnectionStatus.NEEDS_REAUTHORIZATION
    due = await diary.due_at(first)
    assert due is not None
    assert due >= at + HOUR
    again = await connections.add(diary.tenant_id, "paper", GOOD, now())
    assert again.connection_id == connection.connection_id
    assert again.status is ConnectionStatus.ACTIVE
    for each in (first, second):
        due = await diary.due_at(each)
        assert due is not None
        assert due <= now()
        await settle(writes, diary, each)
        await assert_agreed(diary, paper, each)


async def test_recovery_wakes_what_had_backed_off_for_long(
    diary: Diary, paper: Paper, writes: CalendarWrites
) -> None:
    old, new = [await diary.book() for _ in range(2)]
    paper.down(1)
    await settle(writes, diary, old)
    await diary.rows(
        "UPDATE links SET next_try_at = now() + interval '1 hour'"
        " WHERE tenant_id = %s AND appointment_id = %s",
        *(diary.tenant_id, old),
    )
    await diary.rows(
        "UPDATE due_work SET due_at = now() + interval '1 hour'"
        " WHERE tenant_id = %s AND item_id = %s",
        *(diary.tenant_id, old),
    )
    at = now() + 60 * SECOND
    await settle(writes, diary, new, at=at)
    due = await diary.due_at(old)
    assert due is not None
    assert due < at + 10 * SECOND
    await settle(writes, diary, old, at=at + 10 * SECOND)
    await assert_agreed(diary, paper, old)


async def test_event_changed_by_others_is_written_over(
    diary: Diary, paper: Paper, writes: CalendarWrites
) -> None:
    appointment_id = await diary.book()
    await settle(writes, diary, appointment_id)
    await diary.move(appointment_id)
    paper.before.append(EventChanged())
    state = await settle(writes, diary, appointment_id)
    assert state.status is LinkStatus.SYNCED
    assert paper.calls == ["put", "put", "put"]
    await assert_agreed(diary, paper, appointment_id)


async def test_event_that_others_changed_before_we_knew_it_is_written_over(
    diary: Diary, paper: Paper, writes: CalendarWrites
) -> None:
    """The answer to the insertion was lost, and then its owner edited the event."""
    appointment_id = await diary.book()
    paper.before.append(EventChanged("id-of-theirs"))
    state = await settle(writes, diary, appointment_id)
    assert state.status is LinkStatus.SYNCED
    assert paper.knew == [None, WrittenEvent("id-of-theirs", None)]


async def test_who_lost_its_lease_writes_nothing_down(
    parts: Parts, diary: Diary, paper: Paper
) -> None:
    """A process that slept through its lease must not undo what followed."""
    table = LinkTable(parts.database, parts.keyring, new_id)
    appointment_id = await diary.book()
    (state,) = await table.states(diary.tenant_id, appointment_id)
    at = now()
    slow = await table.lease(state.link_id, at, at + SECOND)
    assert slow is not None
    assert await table.lease(state.link_id, at, at + SECOND) is None
    late = at + 2 * SECOND
    writes = writes_of(parts, paper)
    await settle(writes, diary, appointment_id, at=late)
    await assert_agreed(diary, paper, appointment_id)
    failed = Failed("ProviderDown", LinkStatus.PENDING)
    assert await table.record(slow, failed, late) is None
    await assert_agreed(diary, paper, appointment_id)


async def test_lease_of_the_dead_ends(
    diary: Diary, paper: Paper, writes: CalendarWrites
) -> None:
    appointment_id = await diary.book()
    paper.is_hanging = True
    dying = asyncio.create_task(settle(writes, diary, appointment_id, seconds=2.0))
    await until(lambda: bool(paper.calls))
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    paper.is_hanging = False
    at = now()
    await settle(writes, diary, appointment_id, at=at)
    assert paper.calls == ["put"]
    due = await diary.due_at(appointment_id)
    assert due is not None
    assert at < due <= at + 2 * SECOND + LEASE_MARGIN
    await settle(writes, diary, appointment_id, at=due)
    await assert_agreed(diary, paper, appointment_id)


async def test_removed_connection_leaves_no_work(
    diary: Diary, paper: Paper, writes: CalendarWrites, connections: Connections
) -> None:
    appointment_id = await diary.book()
    connection = await connection_of(connections, diary)
    await connections.remove(diary.tenant_id, connection.connection_id, now())
    assert await connections.all(diary.tenant_id) == []
    settled = await writes.settle(diary.tenant_id, appointment_id, now(), seconds=1.0)
    assert settled == []
    assert await diary.due_at(appointment_id) is None


async def test_provider_that_is_switched_off_keeps_its_work(
    parts: Parts, diary: Diary, paper: Paper
) -> None:
    appointment_id = await diary.book()
    limit = RateLimit(100, timedelta(minutes=1))
    without = CalendarWrites(
        LinkTable(parts.database, parts.keyring, new_id),
        {},
        ConnectionQuota(parts.rate_limits, parts.keyring, limit),
        _half,
    )
    assert (await settle(without, diary, appointment_id)).status is LinkStatus.PENDING
    await settle(writes_of(parts, paper), diary, appointment_id, at=now() + HOUR)
    await assert_agreed(diary, paper, appointment_id)


async def test_who_writes_is_in_the_audit_log(
    diary: Diary, writes: CalendarWrites
) -> None:
    appointment_id = await diary.book()
    await settle(writes, diary, appointment_id)
    await diary.cancel(appointment_id)
    await settle(writes, diary, appointment_id)
    async with diary.parts.database.transaction(diary.tenant_id) as connection:
        cursor = await connection.execute(
            "SELECT actor_kind, action FROM audit_entries WHERE tenant_id = %s"
            " AND subject_id = %s ORDER BY entry_id",
            [diary.tenant_id, str(appointment_id)],
        )
        entries = await cursor.fetchall()
    assert entries == [("worker", "event.written"), ("worker", "event.deleted")]


async def test_unknown_provider_is_refused(
    business: Business, connections: Connections
) -> None:
    with pytest.raises(InvalidField, match="paper"):
        await connections.add(business.tenant_id, "google", {}, now())
