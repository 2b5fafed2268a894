"""A platform's schedule is read: whose time its visits take, and what is listed."""

from dataclasses import replace

import pytest

from tests.harness.paper.schedule import EVE
from tests.harness.scenes.scheduled import Scheduled, open_scheduled
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.bootstrap.syncs import schedules
from universal_calendar.core.errors import SlotUnavailable
from universal_calendar.core.instant import HOUR
from universal_calendar.core.interval import Interval
from universal_calendar.core.provider_errors import NotAuthorized, Throttled
from universal_calendar.core.sync import window_at
from universal_calendar.services.ports.calendars import Access, ChangesQuery
from universal_calendar.services.ports.mirror import LeasedCalendar
from universal_calendar.services.ports.tenants import Agent
from universal_calendar.services.ports.visits import NOBODY, Technician
from universal_calendar.store.booking.conflicts import read_conflicts


@pytest.fixture
async def scheduled(parts: Parts) -> Scheduled:
    return await open_scheduled(parts)


# Visits that others made


async def test_a_visit_takes_its_technicians_time_alone(scheduled: Scheduled) -> None:
    ben, nobody, both = (scheduled.hour(n) for n in range(3))
    scheduled.platform.adds("t-ben", at=ben)
    scheduled.platform.adds(at=nobody)
    scheduled.platform.adds("t-eve", "t-ben", at=both)
    await scheduled.sync()
    assert await scheduled.occupied(ben) == [scheduled.ben]
    assert await scheduled.occupied(nobody) == [scheduled.ann]
    assert await scheduled.occupied(both) == [scheduled.ben, scheduled.eve]
    with pytest.raises(SlotUnavailable):
        await scheduled.book(scheduled.ben, ben)
    assert await scheduled.book(scheduled.eve, ben)


async def test_who_is_unknown_counts_as_nobody(scheduled: Scheduled) -> None:
    at = scheduled.hour(0)
    scheduled.platform.adds("t-unheard", at=at)
    await scheduled.sync()
    assert await scheduled.occupied(at) == [scheduled.ann]
    # Told of, they are who they are from the next sync on.
    eve = replace(EVE, technician_id="t-unheard", name="  eve ")
    scheduled.platform.team = [eve]
    await scheduled.rows("DELETE FROM technicians WHERE technician_id = 't-eve'")
    await scheduled.sync()
    assert await scheduled.occupied(at) == [scheduled.eve]


async def test_who_is_new_works_as_nobody_until_told(scheduled: Scheduled) -> None:
    at = scheduled.hour(0)
    scheduled.platform.team.append(Technician("t-temp", "Temp"))
    scheduled.platform.adds("t-temp", at=at)
    await scheduled.sync()
    assert await scheduled.occupied(at) == [scheduled.ann]


async def test_whose_time_it_is_changes_at_once(scheduled: Scheduled) -> None:
    at = scheduled.hour(0)
    scheduled.platform.adds("t-ben", at=at)
    await scheduled.sync()
    calls = list(scheduled.platform.calls)
    before = {
        each.name: (await scheduled.agenda(each, at)).revision
        for each in (scheduled.ben, scheduled.eve)
    }
    await scheduled.assign("t-ben", scheduled.eve)
    assert await scheduled.occupied(at) == [scheduled.eve]
    for each in (scheduled.ben, scheduled.eve):
        assert (await scheduled.agenda(each, at)).revision > before[each.name]
    await scheduled.assign("t-ben", None)
    assert await scheduled.occupied(at) == []
    assert scheduled.platform.calls == calls  # nobody had to be asked


async def test_two_platforms_each_have_a_nobody(scheduled: Scheduled) -> None:
    """Nobody has the same id everywhere, and is somebody else in each connection."""
    at = scheduled.hour(0)
    scheduled.platform.adds(at=at)
    await scheduled.sync()
    await scheduled.rows(
        "INSERT INTO connections (tenant_id, connection_id, provider, account_index,"
        " status, key_version, sealed, created_at, updated_at) SELECT tenant_id,"
        " tenant_id, provider, '', status, 1, '', now(), now() FROM connections"
    )
    await scheduled.rows(
        "INSERT INTO technicians SELECT tenant_id, tenant_id, '', %s, true, 1, ''"
        " FROM tenants",
        scheduled.eve.agent_id,
    )
    assert await scheduled.occupied(at) == [scheduled.ann]


async def test_what_changed_is_found_and_what_did_not_is_not_written(
    scheduled: Scheduled,
) -> None:
    at, later = scheduled.hour(0), scheduled.hour(5)
    event_id = scheduled.platform.adds("t-ben", "t-eve", at=at)
    gone = scheduled.platform.adds("t-ben", at=later)
    await scheduled.sync()
    rows = "SELECT ctid, xmin FROM mirrored_times ORDER BY 1"
    kept = await scheduled.rows(rows)
    scheduled.platform.assigns(event_id, "t-eve", "t-ben")  # the same, told otherwise
    await scheduled.sync()
    assert await scheduled.rows(rows) == kept
    scheduled.platform.assigns(event_id, "t-eve")
    scheduled.platform.moves(gone, None)
    await scheduled.sync()
    assert await scheduled.occupied(at) == [scheduled.eve]
    assert await scheduled.occupied(later) == []


# The list of visits, and how it is read


async def test_visits_are_kept_page_by_page(scheduled: Scheduled) -> None:
    scheduled.platform.page_size = 4
    events = [
        scheduled.platform.adds("t-ben", at=scheduled.hour(n % 8, day=1 + n // 8))
        for n in range(10)
    ]
    await scheduled.sync()
    assert scheduled.platform.calls.count("changes") == 3
    assert await scheduled.statuses() == dict.fromkeys(events, "scheduled")
    # The third page fails: what the others told is listed already, and nothing lost.
    scheduled.wait()
    del scheduled.platform.visits[events[-1]]
    for each in events[:2]:
        scheduled.platform.moves(each, None)
    scheduled.platform.fails("changes", None, None, NotAuthorized())
    await scheduled.sync()
    assert (await scheduled.calendar())["sync_error"] == "NotAuthorized"
    listed = await scheduled.statuses()
    assert [listed[each] for each in events] == ["cancelled"] * 2 + ["scheduled"] * 8
    assert await scheduled.occupied(scheduled.hour(0, day=1)) == [scheduled.ben]


async def test_what_is_judged_has_no_visits(scheduled: Scheduled) -> None:
    """However many there are: their details never come together in memory."""
    scheduled.platform.adds("t-ben", "t-unheard", at=scheduled.hour(0))
    access = Access(scheduled.tenant_id, scheduled.connection_id, {"account": "acme"})
    query = ChangesQuery("schedule", window_at(scheduled.now))
    page = await scheduled.platform.changes(access, query, seconds=5)
    calendar = LeasedCalendar(
        *(scheduled.tenant_id, scheduled.calendar_id, scheduled.now, "paper", access),
        *("schedule", None, None, None, False, False, 0, True),
    )
    agents = {"t-ben": scheduled.ben.agent_id, NOBODY: None}
    reading = schedules(scheduled.parts, scheduled.offered)
    (event,) = await reading.keep(calendar, page.events, agents, scheduled.now)
    assert page.events[0].visit is not None
    assert (event.visit, event.technicians) == (None, ("t-ben", NOBODY))
    assert list(await scheduled.statuses()) == [event.event_id]


async def test_a_visit_that_vanished_is_cancelled_in_the_list(
    scheduled: Scheduled,
) -> None:
    gone = scheduled.platform.adds("t-ben", at=scheduled.hour(0))
    stays = scheduled.platform.adds("t-ben", at=scheduled.hour(1))
    long_ago = scheduled.platform.adds("t-eve", at=scheduled.hour(0, day=-30))
    await scheduled.sync()
    del scheduled.platform.visits[gone]
    scheduled.wait()
    await scheduled.sync()
    assert await scheduled.statuses() == {
        gone: "cancelled",
        stays: "scheduled",
        long_ago: "scheduled",
    }


async def test_a_visit_that_was_done_stays_so_until_it_vanishes(
    scheduled: Scheduled,
) -> None:
    gone, untimed = (
        scheduled.platform.adds("t-ben", at=scheduled.hour(n)) for n in range(2)
    )
    scheduled.platform.completes(gone)
    scheduled.platform.completes(untimed)
    await scheduled.sync()
    del scheduled.platform.visits[gone]
    scheduled.platform.moves(untimed, None)
    for _ in range(2):
        scheduled.wait()
        await scheduled.sync()
        assert await scheduled.statuses() == {gone: "cancelled", untimed: "completed"}


async def test_what_looks_empty_cancels_nothing_in_the_list(
    scheduled: Scheduled,
) -> None:
    booked = [
        (await scheduled.written_visit(scheduled.ben, scheduled.hour(n)))[0]
        for n in range(3)
    ]
    await scheduled.sync()
    before = await scheduled.statuses()
    scheduled.platform.visits.clear()
    await scheduled.sync()
    assert (await scheduled.calendar())["sync_error"] == "LooksEmpty"
    assert await scheduled.statuses() == before
    for number, each in enumerate(booked):
        assert await scheduled.is_as(each, scheduled.ben, scheduled.hour(number))


async def test_everything_is_read_each_time_without_asking_in_vain(
    scheduled: Scheduled,
) -> None:
    for _ in range(2):
        scheduled.platform.calls.clear()
        await scheduled.sync()
        assert scheduled.platform.calls == ["technicians", "changes"]


@pytest.mark.parametrize("call", ["technicians", "changes"])
async def test_throttled_for_a_moment_it_waits(scheduled: Scheduled, call: str) -> None:
    scheduled.platform.adds("t-ben", at=scheduled.hour(0))
    scheduled.platform.fails(call, Throttled(0.2))
    await scheduled.sync()
    assert (await scheduled.calendar())["sync_error"] is None
    assert await scheduled.occupied(scheduled.hour(0)) == [scheduled.ben]


async def test_technicians_who_cannot_be_asked_for_stop_the_sync(
    scheduled: Scheduled,
) -> None:
    scheduled.platform.adds("t-ben", at=scheduled.hour(0))
    scheduled.platform.fails("technicians", NotAuthorized())
    await scheduled.sync()
    assert (await scheduled.calendar())["sync_error"] == "NotAuthorized"
    assert await scheduled.occupied(scheduled.hour(0)) == []


# Asked just before a booking


async def test_a_live_check_counts_the_agents_visits_alone(
    scheduled: Scheduled,
) -> None:
    await scheduled.sync()
    ben, nobody, new = (scheduled.hour(n) for n in range(3))
    scheduled.platform.adds("t-ben", at=ben)
    scheduled.platform.adds(at=nobody)
    scheduled.platform.adds("t-unheard", at=new)
    day = Interval(ben.start, ben.start + 8 * HOUR)
    assert await scheduled.asked(scheduled.ben, day) == [ben]
    assert await scheduled.asked(scheduled.ann, day) == [nobody, new]
    assert await scheduled.asked(scheduled.eve, day) == []


async def test_what_is_in_the_way_is_named_to_whom_it_concerns(
    scheduled: Scheduled,
) -> None:
    at = scheduled.hour(0)
    scheduled.platform.adds("t-ben", at=at)
    await scheduled.sync()
    assert await in_the_way(scheduled, scheduled.ben, at) == [("calendar", at)]
    assert await in_the_way(scheduled, scheduled.eve, at) == []


async def in_the_way(
    scheduled: Scheduled, agent: Agent, at: Interval
) -> list[tuple[str, Interval]]:
    agenda = await scheduled.agenda(agent, at)
    async with scheduled.parts.database.transaction(scheduled.tenant_id) as connection:
        found = await read_conflicts(connection, agenda, at, scheduled.now, [])
    return [(each.kind, each.interval) for each in found]
