"""What owners do to our events in their calendars, the appointments follow."""

import asyncio
from uuid import UUID

import pytest

from tests.harness.scenes.synced import Synced, span
from tests.harness.waiting import until
from universal_calendar.core.errors import SlotUnavailable
from universal_calendar.core.instant import DAY, HOUR, MINUTE
from universal_calendar.core.interval import Interval
from universal_calendar.core.retry import SECOND
from universal_calendar.services.calendars.calendar_writes import event_key


async def test_our_own_events_are_not_mirrored(synced: Synced) -> None:
    appointment_id = await synced.written(synced.hour(0))
    await synced.sync()
    assert await synced.mirror() == []
    assert await synced.state(appointment_id) == ("confirmed", synced.hour(0))
    # Nor is what its owner copies, for it says whose it is.
    (event,) = synced.sandbox.events(synced.there)
    copy = {name: event[name] for name in ("title", "start", "end", "properties")}
    synced.sandbox.owner_adds(synced.there, **copy)
    await synced.sync()
    assert await synced.mirror() == []


async def test_a_copy_that_stands_for_nothing_takes_time(synced: Synced) -> None:
    appointment_id = await synced.written(synced.hour(0))
    (event,) = synced.sandbox.events(synced.there)
    copy = {name: event[name] for name in ("title", "start", "end", "properties")}
    synced.sandbox.owner_adds(synced.there, **copy)
    await synced.cancel(appointment_id)
    await synced.write(appointment_id)
    synced.wait(SECOND)  # who reads while it is cancelled cannot tell
    await synced.sync()
    assert await synced.mirror() == [synced.hour(0)]


async def test_moved_by_its_owner(synced: Synced) -> None:
    appointment_id = await synced.written(synced.hour(0))
    await synced.sync()
    event_id = event_key(appointment_id, 0)
    synced.drag(event_id, synced.hour(20))  # outside the hours: the owner may
    before = synced.sandbox.history(synced.there)
    await synced.sync()
    assert await synced.state(appointment_id) == ("confirmed", synced.hour(20))
    link = await synced.link(appointment_id)
    assert (link["status"], link["last_error"]) == ("synced", None)
    assert link["synced_version"] == link["wanted_version"] == 2
    await synced.write(appointment_id)
    assert synced.sandbox.history(synced.there) == before  # nothing to write back
    due = "SELECT 1 FROM due_work WHERE kind = 'calendar' AND item_id = %s"
    assert await synced.rows(due, appointment_id) == []
    assert "appointment.updated" in await synced.actions(appointment_id)
    # A later change here finds the etag that it needs.
    await synced.move(appointment_id, synced.hour(2))
    await synced.write(appointment_id)
    assert synced.shown()[event_id].endswith("T11:00:00Z")


async def test_made_longer_by_its_owner(synced: Synced) -> None:
    appointment_id = await synced.written(synced.hour(0))
    longer = Interval(synced.hour(0).start, synced.hour(1).end)
    synced.drag(event_key(appointment_id, 0), longer)
    await synced.sync()
    assert await synced.state(appointment_id) == ("confirmed", longer)


async def test_made_a_series_by_its_owner(synced: Synced) -> None:
    appointment_id = await synced.written(synced.hour(0))
    series = {"every": "week", "count": 3}
    synced.sandbox.owner_changes(
        synced.there, event_key(appointment_id, 0), recurrence=series
    )
    await synced.sync()
    assert await synced.state(appointment_id) == ("confirmed", synced.hour(0))
    # The others are the owner's.
    weeks = [synced.hour(0, day=3 + 7 * week) for week in (1, 2)]
    assert await synced.mirror() == weeks


async def test_deleted_by_its_owner(synced: Synced) -> None:
    appointment_id = await synced.written(synced.hour(0))
    synced.delete(event_key(appointment_id, 0))
    before = synced.sandbox.history(synced.there)
    await synced.sync()
    status, _ = await synced.state(appointment_id)
    assert status == "cancelled"
    found = await synced.parts.appointments.get(synced.tenant_id, appointment_id)
    assert found.cancellation_reason == "calendar_event_deleted"
    link = await synced.link(appointment_id)
    assert (link["status"], link["event_id"]) == ("synced", None)
    await synced.write(appointment_id)
    assert synced.sandbox.history(synced.there) == before
    assert await synced.book(synced.hour(0))  # its time is free again


@pytest.mark.parametrize(
    "change", [{"transparency": "transparent"}, {"response": "declined"}]
)
async def test_freed_by_its_owner(synced: Synced, change: dict[str, str]) -> None:
    appointment_id = await synced.written(synced.hour(0))
    event_id = event_key(appointment_id, 0)
    synced.sandbox.owner_changes(synced.there, event_id, **change)
    await synced.sync()
    status, _ = await synced.state(appointment_id)
    assert status == "cancelled"
    await synced.write(appointment_id)
    assert synced.shown() == {}  # as after any cancellation


@pytest.mark.parametrize("is_full", [False, True])
async def test_deletions_are_found_by_a_full_sync_too(
    synced: Synced, is_full: bool
) -> None:
    gone, stays = [await synced.written(synced.hour(n)) for n in (0, 1)]
    await synced.sync()
    synced.delete(event_key(gone, 0))
    if is_full:
        synced.sandbox.forget_changes(synced.there)
    await synced.sync()
    statuses = [(await synced.state(each))[0] for each in (gone, stays)]
    assert statuses == ["cancelled", "confirmed"]


async def test_noise_changes_nothing(synced: Synced) -> None:
    appointment_id = await synced.written(synced.hour(0))
    synced.touch(event_key(appointment_id, 0))
    before = await synced.revision()
    await synced.sync()
    assert await synced.state(appointment_id) == ("confirmed", synced.hour(0))
    assert await synced.revision() == before
    await synced.move(appointment_id, synced.hour(1))
    await synced.write(appointment_id)
    assert synced.shown()[event_key(appointment_id, 0)].endswith("T10:00:00Z")


async def test_one_that_makes_room_lets_another_follow(synced: Synced) -> None:
    first, second = [await synced.written(synced.hour(n)) for n in (0, 1)]
    synced.drag(event_key(first, 0), synced.hour(1))
    synced.drag(event_key(second, 0), synced.hour(2))
    await synced.sync()
    times = [(await synced.state(each))[1] for each in (first, second)]
    assert times == [synced.hour(1), synced.hour(2)]


async def test_what_a_foreign_event_left_is_free_for_ours(synced: Synced) -> None:
    foreign = synced.add(synced.hour(1))
    appointment_id = await synced.written(synced.hour(0))
    await synced.sync()
    synced.drag(event_key(appointment_id, 0), synced.hour(1))
    synced.drag(foreign, synced.hour(2))
    await synced.sync()
    assert await synced.state(appointment_id) == ("confirmed", synced.hour(1))


# Moves that cannot be had


async def refused(synced: Synced) -> tuple[UUID, UUID]:
    """Book two hours, and drag the first onto the second."""
    first, second = [await synced.written(synced.hour(n)) for n in (0, 1)]
    synced.drag(event_key(first, 0), synced.hour(1))
    await synced.sync()
    times = [(await synced.state(each))[1] for each in (first, second)]
    assert times == [synced.hour(0), synced.hour(1)]
    link = await synced.link(first)
    assert (link["status"], link["last_error"]) == ("failed", "MoveRefused")
    assert (await synced.actions(first)).count("appointment.move_refused") == 1
    assert await synced.mirror() == [synced.hour(1)]
    return first, second


async def test_a_move_into_a_conflict_is_told_and_not_repeated(synced: Synced) -> None:
    appointment_id, _ = await refused(synced)
    await synced.want(is_full=True)
    for _ in range(3):
        await synced.sync()
    actions = await synced.actions(appointment_id)
    assert actions.count("appointment.move_refused") == 1
    assert (await synced.link(appointment_id))["status"] == "failed"
    assert await synced.mirror() == [synced.hour(1)]
    # Its owner moves it on to where it can be.
    synced.wait()
    synced.drag(event_key(appointment_id, 0), synced.hour(4))
    await synced.sync()
    assert await synced.state(appointment_id) == ("confirmed", synced.hour(4))
    assert (await synced.link(appointment_id))["status"] == "synced"
    assert await synced.mirror() == []


async def test_moved_back_it_agrees_again(synced: Synced) -> None:
    appointment_id, _ = await refused(synced)
    synced.wait()
    synced.drag(event_key(appointment_id, 0), synced.hour(0))
    await synced.sync()
    link = await synced.link(appointment_id)
    assert (link["status"], link["last_error"]) == ("synced", None)
    assert await synced.mirror() == []


async def test_rescheduled_here_it_agrees_again(synced: Synced) -> None:
    appointment_id, _ = await refused(synced)
    await synced.move(appointment_id, synced.hour(5))
    await synced.write(appointment_id)
    assert synced.shown()[event_key(appointment_id, 0)].endswith("T14:00:00Z")
    assert (await synced.link(appointment_id))["status"] == "synced"
    synced.wait()
    await synced.sync()
    assert await synced.mirror() == []


async def test_where_it_was_not_followed_nobody_else_is_booked(synced: Synced) -> None:
    """Not even once what was in its way is gone; its own appointment may go there."""
    moved, other = await refused(synced)
    await synced.cancel(other)
    with pytest.raises(SlotUnavailable):
        await synced.book(synced.hour(1))
    await synced.move(moved, synced.hour(1))
    await synced.write(moved)
    synced.wait()
    await synced.sync()
    assert await synced.mirror() == []
    assert (await synced.link(moved))["status"] == "synced"


@pytest.mark.parametrize("days", [-2, 402])
async def test_where_no_appointment_can_be(synced: Synced, days: int) -> None:
    appointment_id = await synced.written(synced.hour(0))
    await synced.sync()
    far = synced.hour(0, day=days)
    synced.drag(event_key(appointment_id, 0), far)
    await synced.sync()
    if days < 0:
        assert await synced.state(appointment_id) == ("confirmed", synced.hour(0))
        assert (await synced.link(appointment_id))["last_error"] == "MoveRefused"
    else:
        # The sandbox tells of our events wherever they are.
        assert await synced.state(appointment_id) == ("confirmed", far)


async def test_into_what_others_take(synced: Synced) -> None:
    synced.add(synced.hour(1))
    appointment_id = await synced.written(synced.hour(0))
    await synced.sync()
    synced.drag(event_key(appointment_id, 0), synced.hour(1))
    await synced.sync()
    assert await synced.state(appointment_id) == ("confirmed", synced.hour(0))
    assert (await synced.link(appointment_id))["last_error"] == "MoveRefused"


async def test_what_is_over_is_left_alone(synced: Synced) -> None:
    appointment_id = await synced.written(synced.hour(0))
    await synced.sync()
    synced.wait(5 * DAY)
    synced.delete(event_key(appointment_id, 0))
    await synced.sync()
    status, _ = await synced.state(appointment_id)
    assert status == "confirmed"


async def test_what_is_over_and_moved_takes_time_there(synced: Synced) -> None:
    appointment_id = await synced.written(synced.hour(0))
    synced.wait(5 * DAY)
    later = synced.hour(0, day=10)
    synced.drag(event_key(appointment_id, 0), later)
    await synced.sync()
    assert await synced.state(appointment_id) == ("confirmed", synced.hour(0))
    assert await synced.mirror() == [later]


# Writes of ours beside it


async def test_what_waits_to_be_written_wins(synced: Synced) -> None:
    appointment_id = await synced.written(synced.hour(0))
    await synced.move(appointment_id, synced.hour(2))
    synced.drag(event_key(appointment_id, 0), synced.hour(4))
    synced.wait()
    await synced.sync()
    assert await synced.state(appointment_id) == ("confirmed", synced.hour(2))
    await synced.write(appointment_id)
    synced.wait()
    await synced.sync()
    assert await synced.state(appointment_id) == ("confirmed", synced.hour(2))
    assert synced.shown()[event_key(appointment_id, 0)].endswith("T11:00:00Z")


async def test_what_was_written_a_moment_ago_is_asked_for_again(
    synced: Synced,
) -> None:
    appointment_id = await synced.book(synced.hour(0))
    await synced.write(appointment_id)
    synced.drag(event_key(appointment_id, 0), synced.hour(3))
    await synced.sync()
    assert await synced.state(appointment_id) == ("confirmed", synced.hour(0))
    due = await synced.due_in()
    assert due is not None
    assert due <= 21
    synced.wait()
    await synced.sync()
    assert await synced.state(appointment_id) == ("confirmed", synced.hour(3))


async def test_what_is_being_written_is_asked_for_again(synced: Synced) -> None:
    """Its owner moves it after our write reached it, before we know that it did."""
    appointment_id = await synced.written(synced.hour(0))
    await synced.sync()
    await synced.move(appointment_id, synced.hour(1))
    event_id = event_key(appointment_id, 0)
    synced.sandbox.fault("latency", operations=["listEvents"], seconds=0.01)
    synced.sandbox.fault("lost_answer", operations=["replaceEvent"], seconds=2, times=1)
    writing = asyncio.create_task(synced.write(appointment_id))
    await until(lambda: synced.shown()[event_id].endswith("T10:00:00Z"))
    synced.drag(event_id, synced.hour(5))
    await synced.sync()
    assert await synced.state(appointment_id) == ("confirmed", synced.hour(1))
    due = await synced.due_in()
    assert due is not None
    assert due <= 21
    await writing
    synced.wait(MINUTE)
    await synced.write(appointment_id)
    synced.wait()
    await synced.sync()
    _, interval = await synced.state(appointment_id)
    assert synced.shown()[event_id] == span(interval)["start"]["at"]


# A calendar that suddenly looks empty


async def test_a_calendar_that_looks_empty_cancels_nothing(synced: Synced) -> None:
    booked = [await synced.written(synced.hour(n)) for n in range(6)]
    synced.add(synced.hour(7))
    await synced.sync()
    for each in booked:
        synced.delete(event_key(each, 0))
    synced.add(synced.hour(7, day=4))
    await synced.sync()
    statuses = {(await synced.state(each))[0] for each in booked}
    assert statuses == {"confirmed"}
    assert await synced.mirror() == [synced.hour(7)]
    assert (await synced.calendar())["sync_error"] == "LooksEmpty"
    connection = await synced.connection()
    assert connection["status"] == "failing"
    assert connection["failing_since"] is not None
    synced.wait(HOUR)
    await synced.sync()
    assert (await synced.calendar())["sync_error"] == "LooksEmpty"
    # Its owner says that it is so.
    await synced.want(is_full=True, may_be_empty=True)
    await synced.sync()
    statuses = {(await synced.state(each))[0] for each in booked}
    assert statuses == {"cancelled"}
    row = await synced.calendar()
    assert (row["sync_error"], row["may_be_empty"]) == (None, False)
    assert (await synced.connection())["status"] == "active"


async def test_a_mirror_that_looks_empty_stays(synced: Synced) -> None:
    events = [synced.add(synced.hour(n % 8, day=2 + n // 8)) for n in range(12)]
    await synced.sync()
    for each in events:
        synced.delete(each)
    synced.sandbox.forget_changes(synced.there)
    await synced.sync()
    assert len(await synced.mirror()) == 12
    assert (await synced.calendar())["sync_error"] == "LooksEmpty"
    with pytest.raises(SlotUnavailable):
        await synced.book(synced.hour(0))
    # They are back.
    for number in range(3):
        synced.add(synced.hour(number))
    synced.wait(SECOND)
    await synced.sync()
    assert len(await synced.mirror()) == 3
    assert (await synced.connection())["status"] == "active"
