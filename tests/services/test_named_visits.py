"""What webhooks name on a platform's schedule is read by itself; all of it, later."""

import pytest

from tests.harness.paper.schedule import EVE
from tests.harness.scenes.scheduled import Scheduled, open_scheduled
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.core.instant import DAY, MINUTE, to_datetime
from universal_calendar.core.provider_errors import ProviderDown, Rejected
from universal_calendar.core.retry import SECOND
from universal_calendar.core.sync import FRESH


@pytest.fixture
async def scheduled(parts: Parts) -> Scheduled:
    scheduled = await open_scheduled(parts)
    scheduled.wait(MINUTE)
    return scheduled


async def calls(scheduled: Scheduled) -> list[str]:
    """Settle, and return what the platform was asked."""
    scheduled.platform.calls.clear()
    await scheduled.read_due()
    return scheduled.platform.calls


async def rests(scheduled: Scheduled, seconds: int) -> None:
    """Have the schedule rest, as if it were so large that reading it takes long."""
    until = to_datetime(scheduled.now + seconds * SECOND)
    await scheduled.rows("UPDATE calendars SET rests_until = %s", until)


# By name


async def test_a_visit_that_was_named_is_read_alone(scheduled: Scheduled) -> None:
    first, second, third = (scheduled.hour(n) for n in range(3))
    named = scheduled.platform.adds("t-ben", at=first)
    scheduled.platform.adds("t-eve", at=second)
    await scheduled.hint(named)
    assert await scheduled.due_in() == 0
    assert await calls(scheduled) == ["named"]
    assert await scheduled.occupied(first) == [scheduled.ben]
    assert await scheduled.occupied(second) == []
    assert await scheduled.statuses() == {named: "scheduled"}
    scheduled.platform.moves(named, third)
    await scheduled.hint(named)
    await scheduled.read_due()
    assert await scheduled.occupied(first) == []
    assert await scheduled.occupied(third) == [scheduled.ben]
    assert await calls(scheduled) == []


async def test_named_often_it_is_read_once(scheduled: Scheduled) -> None:
    named = scheduled.platform.adds("t-ben", at=scheduled.hour(0))
    for _ in range(30):
        await scheduled.hint(named)
    assert await calls(scheduled) == ["named"]


async def test_many_names_are_read_a_few_at_a_time(scheduled: Scheduled) -> None:
    for number in range(45):
        at = scheduled.hour(0, day=3 + number)
        await scheduled.hint(scheduled.platform.adds("t-ben", at=at))
    for expected in (20, 20, 5):
        assert await scheduled.due_in() == 0
        assert await calls(scheduled) == ["named"] * expected
    assert await scheduled.due_in() > 0
    assert len(await scheduled.statuses()) == 45


async def test_a_job_names_all_its_visits(scheduled: Scheduled) -> None:
    hours = [scheduled.hour(n) for n in range(3)]
    visits = [scheduled.platform.adds("t-ben", at=at, job="roof") for at in hours]
    await scheduled.sync()
    scheduled.wait()
    del scheduled.platform.visits[visits[0]]
    scheduled.platform.assigns(visits[1], "t-eve")
    await scheduled.hint("roof")
    assert await calls(scheduled) == ["named"]
    taken = [await scheduled.occupied(at) for at in hours]
    assert taken == [[], [scheduled.eve], [scheduled.ben]]
    assert (await scheduled.statuses())[visits[0]] == "cancelled"


async def test_ours_follows_and_is_cancelled_by_name(scheduled: Scheduled) -> None:
    moved, event = await scheduled.written_visit(scheduled.ben, scheduled.hour(0))
    gone, other = await scheduled.written_visit(scheduled.eve, scheduled.hour(0))
    scheduled.platform.moves(event, scheduled.hour(2))
    del scheduled.platform.visits[other]
    for each in (event, other):
        await scheduled.hint(each)
    assert await calls(scheduled) == ["named"] * 2
    assert await scheduled.is_as(moved, scheduled.ben, scheduled.hour(2))
    assert (await scheduled.appointment(gone)).status.is_final


async def test_what_was_just_written_is_asked_about_again(scheduled: Scheduled) -> None:
    appointment_id, event = await scheduled.written_visit(
        scheduled.ben, scheduled.hour(0)
    )
    await scheduled.sync()
    scheduled.wait(MINUTE)
    await scheduled.write(appointment_id)
    await scheduled.rows("UPDATE links SET updated_at = %s", to_datetime(scheduled.now))
    scheduled.platform.moves(event, scheduled.hour(2))
    await scheduled.hint(event)
    assert await calls(scheduled) == ["named"]
    assert await scheduled.is_as(appointment_id, scheduled.ben, scheduled.hour(0))
    assert await scheduled.due_in() >= FRESH / SECOND
    assert await scheduled.due_in() < FRESH / SECOND + 5
    scheduled.wait(FRESH + 5 * SECOND)
    assert await calls(scheduled) == ["named"]
    assert await scheduled.is_as(appointment_id, scheduled.ben, scheduled.hour(2))


async def test_somebody_new_is_asked_for(scheduled: Scheduled) -> None:
    scheduled.platform.team.append(type(EVE)("t-zoe", "Zoe"))
    await scheduled.hint(scheduled.platform.adds("t-zoe", at=scheduled.hour(0)))
    assert await calls(scheduled) == ["named", "technicians"]
    assert await scheduled.occupied(scheduled.hour(0)) == [scheduled.ann]


async def test_named_during_an_outage_it_is_read_afterwards(
    scheduled: Scheduled,
) -> None:
    named = scheduled.platform.adds("t-ben", at=scheduled.hour(0))
    await scheduled.hint(named)
    scheduled.platform.fails("named", ProviderDown())
    await scheduled.read_due()
    assert await scheduled.occupied(scheduled.hour(0)) == []
    await scheduled.wait_until_due()
    assert await calls(scheduled) == ["named"]
    assert await scheduled.occupied(scheduled.hour(0)) == [scheduled.ben]


async def test_what_is_not_told_by_name_is_told_with_the_rest(
    scheduled: Scheduled,
) -> None:
    odd, named = (
        scheduled.platform.adds("t-ben", at=scheduled.hour(n)) for n in range(2)
    )
    for each in (odd, named):
        await scheduled.hint(each)
    scheduled.platform.fails("named", Rejected())
    await rests(scheduled, 40)
    assert await calls(scheduled) == ["named", "named"]
    assert (await scheduled.calendar())["sync_error"] is None
    taken = [await scheduled.occupied(scheduled.hour(n)) for n in range(2)]
    assert sorted(map(len, taken)) == [0, 1]
    await scheduled.wait_until_due()
    scheduled.wait(SECOND)
    assert await calls(scheduled) == ["technicians", "changes"]
    taken = [await scheduled.occupied(scheduled.hour(n)) for n in range(2)]
    assert taken == [[scheduled.ben], [scheduled.ben]]


# All of it


async def test_all_is_read_once_it_is_time(scheduled: Scheduled) -> None:
    at = scheduled.hour(0)
    scheduled.platform.adds("t-ben", at=at)
    assert await calls(scheduled) == []
    await scheduled.wait_until_due()
    assert await calls(scheduled) == ["technicians", "changes"]
    assert await scheduled.occupied(at) == [scheduled.ben]


async def test_a_hint_without_a_name_waits_for_the_rest(scheduled: Scheduled) -> None:
    await rests(scheduled, 40)
    await scheduled.hint()
    assert await scheduled.due_in() == 40
    assert await calls(scheduled) == []
    assert await scheduled.due_in() == 40
    scheduled.wait(40 * SECOND)
    assert await calls(scheduled) == ["technicians", "changes"]
    assert await calls(scheduled) == []


async def test_who_asks_for_a_sync_waits_for_no_rest(scheduled: Scheduled) -> None:
    await rests(scheduled, 40)
    await scheduled.sync()
    assert scheduled.platform.calls == ["technicians", "changes"]


async def test_a_name_is_read_during_the_rest(scheduled: Scheduled) -> None:
    await rests(scheduled, 40)
    await scheduled.hint()
    await scheduled.hint(scheduled.platform.adds("t-ben", at=scheduled.hour(0)))
    assert await calls(scheduled) == ["named"]
    assert await scheduled.due_in() == 40


async def test_what_was_named_before_all_is_read_is_not_read_twice(
    scheduled: Scheduled,
) -> None:
    named = scheduled.platform.adds("t-ben", at=scheduled.hour(0))
    await scheduled.hint(named)
    scheduled.platform.fails("named", ProviderDown())
    await scheduled.read_due()
    scheduled.wait(DAY)
    await scheduled.rows(
        "UPDATE named_visits SET due_at = %s", to_datetime(scheduled.now + DAY)
    )
    assert await calls(scheduled) == ["technicians", "changes"]
    scheduled.wait(DAY)
    assert "named" not in await calls(scheduled)
