"""Calendars are read into the mirror: all of it, what changed, and from when on."""

import asyncio

import pytest

from tests.harness.scenes.synced import Synced
from tests.harness.waiting import until
from universal_calendar.core.instant import DAY, HOUR, MINUTE
from universal_calendar.core.interval import Interval
from universal_calendar.core.retry import SECOND
from universal_calendar.core.sync import window_at
from universal_calendar.services.ports.syncs import SYNC
from universal_calendar.store.answers import read_tenant_keys
from universal_calendar.store.due_work import DueWorkTable
from universal_calendar.store.sealing.account_secrets import SealedAccount, seal_account


async def test_first_sync_reads_everything(synced: Synced) -> None:
    times = [synced.hour(n % 8, day=1 + n // 8) for n in range(60)]
    for each in times:
        synced.add(each)
    before = await synced.revision()
    await synced.sync()
    assert await synced.mirror() == times
    assert await synced.revision() == before + 1
    row = await synced.calendar()
    assert row["read_at"] is not None
    assert (row["leased_until"], row["sync_error"]) == (None, None)
    assert await synced.due_in() == pytest.approx(300, abs=5)


async def test_later_ones_read_what_changed(synced: Synced) -> None:
    stays, goes, moves = (synced.hour(n) for n in range(3))
    synced.add(stays)
    gone, moved = synced.add(goes), synced.add(moves)
    await synced.sync()
    synced.delete(gone)
    synced.drag(moved, synced.hour(5))
    synced.add(synced.hour(6))
    before = await synced.revision()
    await synced.sync()
    hours = [synced.hour(n) for n in (0, 5, 6)]
    assert await synced.mirror() == hours
    assert await synced.revision() == before + 1


async def test_nothing_new_writes_nothing_and_locks_nobody(synced: Synced) -> None:
    event_id = synced.add(synced.hour(0))
    await synced.sync()
    before = await synced.revision()
    rows = "SELECT ctid, xmin, xmax FROM mirrored_times WHERE calendar_id = %s"
    kept = await synced.rows(rows, synced.calendar_id)
    synced.touch(event_id)
    await synced.sync()
    await synced.want(is_full=True)
    async with synced.parts.database.transaction(synced.tenant_id) as connection:
        await connection.execute(
            "SELECT FROM agents WHERE tenant_id = %s FOR UPDATE", [synced.tenant_id]
        )
        await synced.sync()
    assert (await synced.calendar())["is_full_wanted"] is False
    assert await synced.rows(rows, synced.calendar_id) == kept
    assert await synced.revision() == before


async def test_only_what_takes_time_is_mirrored(synced: Synced) -> None:
    synced.add(synced.hour(0), transparency="transparent")
    synced.add(synced.hour(1), response="declined")
    synced.add(synced.hour(2), status="tentative")
    synced.add(synced.hour(3), kind="outOfOffice")
    synced.add(synced.hour(4), recurrence={"every": "day", "count": 2})
    await synced.sync()
    expected = [synced.hour(n) for n in (2, 3, 4)] + [synced.hour(4, day=4)]
    assert await synced.mirror() == expected


async def test_an_occurrence_less_is_one_time_less(synced: Synced) -> None:
    event_id = synced.add(synced.hour(0), recurrence={"every": "day", "count": 3})
    await synced.sync()
    series = {"every": "day", "count": 2}
    synced.sandbox.owner_changes(synced.there, event_id, recurrence=series)
    await synced.sync()
    assert await synced.mirror() == [synced.hour(0, day=n) for n in (3, 4)]


async def test_forgotten_changes_are_read_anew(synced: Synced) -> None:
    gone = synced.add(synced.hour(0))
    synced.add(synced.hour(1))
    await synced.sync()
    synced.delete(gone)
    synced.sandbox.forget_changes(synced.there)
    await synced.sync()
    assert await synced.mirror() == [synced.hour(1)]
    assert (await synced.calendar())["sync_error"] is None
    synced.add(synced.hour(2))
    await synced.sync()
    assert await synced.mirror() == [synced.hour(1), synced.hour(2)]


async def test_the_window_rolls(synced: Synced) -> None:
    far = Interval(window_at(synced.now).end + DAY, window_at(synced.now).end + 2 * DAY)
    synced.add(far)
    synced.add(synced.hour(0))
    await synced.sync()
    assert await synced.mirror() == [synced.hour(0)]
    near = synced.hour(0)
    synced.wait(29 * DAY)
    await synced.sync()
    assert await synced.mirror() == []  # what is over is forgotten
    assert near.end < synced.now
    synced.wait(DAY)
    await synced.sync()
    assert await synced.mirror() == [far]


async def test_what_is_not_read_is_not_due(synced: Synced) -> None:
    synced.add(synced.hour(0))
    await synced.rows("UPDATE calendars SET is_read = false")
    await synced.sync()
    assert await synced.mirror() == []
    assert await synced.due_in() is None
    await synced.want()
    await synced.rows("UPDATE calendars SET is_read = true")
    await synced.rows("UPDATE connections SET direction = 'to_provider'")
    await synced.sync()
    assert await synced.due_in() is None
    await synced.want()
    await synced.rows("UPDATE connections SET direction = 'from_provider'")
    await synced.sync()
    assert await synced.mirror() == [synced.hour(0)]


async def test_a_calendar_that_is_gone_is_not_due(synced: Synced) -> None:
    await synced.rows("DELETE FROM links")
    await synced.rows("DELETE FROM connections")
    await synced.sync()
    assert await synced.due_in() is None


async def test_syncs_of_a_connection_take_turns(synced: Synced) -> None:
    rows = DueWorkTable(synced.parts.database)
    woken = await rows.take([SYNC], synced.now, synced.now + HOUR, 10_000)
    (mine,) = (each for each in woken if each.item_id == synced.calendar_id)
    assert mine.lane == synced.connection_id


async def test_who_asks_meanwhile_is_served_next(synced: Synced) -> None:
    synced.sandbox.fault("latency", operations=["listEvents"], seconds=0.5)
    running = asyncio.create_task(synced.sync())
    await until(synced.is_being_read)
    synced.wait(SECOND)
    await synced.want(is_full=True)
    await running
    due = await synced.due_in()
    assert due is not None
    assert due < 2
    assert (await synced.calendar())["is_full_wanted"] is True


async def test_two_at_once_read_once(synced: Synced) -> None:
    for number in range(5):
        synced.add(synced.hour(number))
    synced.sandbox.fault("latency", operations=["listEvents"], seconds=0.3)
    await asyncio.gather(*(synced.sync() for _ in range(4)))
    assert len(await synced.mirror()) == 5
    assert (await synced.calendar())["leased_until"] is None


async def test_an_abandoned_sync_is_done_again(synced: Synced) -> None:
    synced.add(synced.hour(0))
    synced.sandbox.fault("hang", operations=["listEvents"])
    dying = asyncio.create_task(synced.sync())
    await until(synced.is_being_read)
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    synced.sandbox.clear_faults()
    await synced.sync()
    assert await synced.mirror() == []  # somebody may still be at it
    synced.wait(2 * MINUTE)
    await synced.sync()
    assert await synced.mirror() == [synced.hour(0)]


async def test_who_lost_the_lease_writes_nothing(synced: Synced) -> None:
    synced.add(synced.hour(0))
    synced.sandbox.fault("latency", operations=["listEvents"], seconds=0.5, times=1)
    slow = asyncio.create_task(synced.sync())
    await until(synced.is_being_read)
    later = synced.now + 2 * MINUTE
    taken = "UPDATE calendars SET leased_until = now() + interval '1 day'"
    await synced.rows(taken)
    await slow
    assert await synced.mirror() == []
    assert (await synced.calendar())["leased_until"] is not None
    await synced.rows("UPDATE calendars SET leased_until = NULL")
    synced.now = later
    await synced.sync()
    assert await synced.mirror() == [synced.hour(0)]


# A provider that does not do what it is asked


async def test_provider_down_for_long_is_told_and_ends_by_itself(
    synced: Synced,
) -> None:
    synced.add(synced.hour(0))
    await synced.sync()
    synced.sandbox.fault("failure", status=503)
    began = synced.now
    while synced.now < began + 6 * HOUR:
        await synced.sync()
        due = await synced.due_in()
        assert due is not None
        assert due <= 301
        synced.wait(int(due * SECOND) + SECOND)
    row, connection = await synced.calendar(), await synced.connection()
    assert row["sync_error"] == "ProviderDown"
    assert connection["status"] == "failing"
    assert connection["failing_since"] is not None
    assert await synced.mirror() == [synced.hour(0)]
    synced.sandbox.clear_faults()
    await synced.sync()
    row, connection = await synced.calendar(), await synced.connection()
    assert (row["sync_error"], row["sync_attempts"]) == (None, 0)
    assert (connection["status"], connection["failing_since"]) == ("active", None)
    assert connection["next_try_at"] is None


async def test_throttled_for_a_moment_it_waits(synced: Synced) -> None:
    synced.add(synced.hour(0))
    synced.sandbox.fault("throttle", operations=["listEvents"], seconds=1, times=2)
    await synced.sync()
    assert await synced.mirror() == [synced.hour(0)]


async def test_throttled_for_long_it_comes_back_then(synced: Synced) -> None:
    synced.sandbox.fault("throttle", operations=["listEvents"], seconds=1000, times=1)
    await synced.sync()
    due = await synced.due_in()
    assert due == pytest.approx(1000, abs=3)
    connection = await synced.connection()
    assert connection["status"] == "active"
    # Its pause holds for whoever comes before.
    await synced.want()
    await synced.sync()
    assert await synced.due_in() == pytest.approx(1000, abs=3)
    assert (await synced.calendar())["read_at"] is None
    synced.wait(1003 * SECOND)
    await synced.sync()
    assert (await synced.calendar())["read_at"] is not None


async def test_revoked_it_asks_to_be_connected_again(synced: Synced) -> None:
    await synced.sync()
    synced.sandbox.fault("revoked", times=1)
    await synced.sync()
    connection = await synced.connection()
    assert connection["status"] == "needs_reauthorization"
    (told,) = await synced.rows(
        "SELECT item_id FROM due_work WHERE kind = 'connection' AND tenant_id = %s",
        synced.tenant_id,
    )
    assert told == (synced.connection_id,)
    assert await synced.due_in() == pytest.approx(3600, abs=5)


async def test_a_calendar_that_is_gone_there_is_told(synced: Synced) -> None:
    await synced.sync()
    other = synced.sandbox.account(f"{synced.account.account[-200:]}-other")
    await use(synced, other.credentials)
    await synced.sync()
    row = await synced.calendar()
    assert row["sync_error"] == "Rejected"
    assert (await synced.connection())["status"] == "failing"
    assert await synced.due_in() == pytest.approx(3600, abs=5)
    # A write that goes well does not hide it.
    appointment_id = await synced.book(synced.hour(0))
    await use(synced, synced.account.credentials)
    await synced.write(appointment_id)
    assert (await synced.connection())["status"] == "failing"
    await synced.sync()
    assert (await synced.connection())["status"] == "active"


async def use(synced: Synced, credentials: dict[str, str]) -> None:
    """Have the connection open another account."""
    account = SealedAccount(synced.account.account, credentials)
    async with synced.parts.database.transaction(synced.tenant_id) as connection:
        keys = await read_tenant_keys(
            connection, synced.parts.keyring, synced.tenant_id
        )
        sealed = seal_account(keys, synced.connection_id, account)
        await connection.execute("UPDATE connections SET sealed = %s", [sealed])
