"""A schedule too large for one task: the next one goes on where it ended."""

from datetime import datetime

import pytest

from tests.harness.scenes.scheduled import Scheduled, open_scheduled
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.core.instant import HOUR, MINUTE, from_datetime
from universal_calendar.core.provider_errors import (
    NotAuthorized,
    ProviderDown,
    ProviderError,
    Rejected,
    Throttled,
)
from universal_calendar.core.retry import SECOND
from universal_calendar.services.ports.connections import Direction


@pytest.fixture
async def scheduled(parts: Parts) -> Scheduled:
    scheduled = await open_scheduled(parts)
    scheduled.platform.page_size = 2
    for number in range(6):
        scheduled.platform.adds("t-ben", at=scheduled.hour(number))
    scheduled.wait(MINUTE)
    return scheduled


def pages(scheduled: Scheduled) -> int:
    """Return how many pages were asked for since last asked."""
    found = scheduled.platform.calls.count("changes")
    scheduled.platform.calls.clear()
    return found


async def go_on(scheduled: Scheduled) -> None:
    """Have the next task come when it is due."""
    await scheduled.wait_until_due()
    await scheduled.read_due()


@pytest.mark.parametrize("error", [Throttled(30.0), ProviderDown(), NotAuthorized()])
async def test_it_goes_on_where_it_was_stopped(
    scheduled: Scheduled, error: ProviderError
) -> None:
    scheduled.platform.fails("changes", None, error)
    await scheduled.sync()
    assert pages(scheduled) == 2
    assert await scheduled.occupied(scheduled.hour(0)) == []
    await go_on(scheduled)
    assert pages(scheduled) == 2
    for number in range(6):
        assert await scheduled.occupied(scheduled.hour(number)) == [scheduled.ben]
    assert len(await scheduled.statuses()) == 6
    await scheduled.sync()
    assert pages(scheduled) == 3


async def test_time_that_runs_out_is_no_failure(scheduled: Scheduled) -> None:
    scheduled.platform.page_size, scheduled.platform.seconds_a_page = 1, 0.2
    await scheduled.sync(seconds=0.5)
    asked = [pages(scheduled)]
    while await scheduled.due_in() <= 60:
        calendar = await scheduled.calendar()
        assert (calendar["sync_error"], calendar["leased_until"]) == (None, None)
        assert await scheduled.occupied(scheduled.hour(5)) == []
        scheduled.wait(MINUTE)
        await scheduled.read_due(seconds=0.5)
        asked.append(pages(scheduled))
    assert sum(asked) == 6
    assert len(asked) > 1
    assert await scheduled.occupied(scheduled.hour(5)) == [scheduled.ben]
    assert len(await scheduled.statuses()) == 6


async def test_what_is_read_by_name_meanwhile_is_newer(scheduled: Scheduled) -> None:
    appointment_id, event = await scheduled.written_visit(
        scheduled.eve, scheduled.hour(7)
    )
    scheduled.platform.fails("changes", None, None, None, Throttled(30.0))
    await scheduled.sync()  # its page says that it is at seven
    scheduled.platform.moves(event, scheduled.hour(8))
    (gone, *_) = scheduled.platform.visits
    del scheduled.platform.visits[gone]
    new = scheduled.platform.adds("t-eve", at=scheduled.hour(0))
    scheduled.wait(MINUTE)
    for each in (event, gone, new):
        await scheduled.hint(each)
    await scheduled.read_due()
    assert scheduled.platform.calls.count("named") == 3
    assert await scheduled.half_read() == 0
    assert await scheduled.is_as(appointment_id, scheduled.eve, scheduled.hour(8))
    assert await scheduled.occupied(scheduled.hour(0)) == [scheduled.eve]
    listed = await scheduled.statuses()
    assert (listed[gone], listed[new]) == ("cancelled", "scheduled")


async def test_what_we_wrote_meanwhile_stays(scheduled: Scheduled) -> None:
    appointment_id, event = await scheduled.written_visit(
        scheduled.eve, scheduled.hour(6)
    )
    scheduled.platform.fails("changes", None, None, None, Throttled(30.0))
    await scheduled.sync()
    scheduled.wait(MINUTE)
    await scheduled.move(appointment_id, scheduled.hour(7))
    await scheduled.write(appointment_id)
    scheduled.wait(MINUTE)
    await go_on(scheduled)
    assert await scheduled.half_read() == 0
    assert await scheduled.is_as(appointment_id, scheduled.eve, scheduled.hour(7))
    assert scheduled.platform.visits[event].interval == scheduled.hour(7)


async def test_a_page_that_is_refused_is_not_asked_for_again(
    scheduled: Scheduled,
) -> None:
    scheduled.platform.fails("changes", None, Rejected())
    await scheduled.sync()
    assert await scheduled.half_read() == 0
    pages(scheduled)
    await go_on(scheduled)
    assert pages(scheduled) == 3


async def test_an_outage_is_no_reading_that_it_rests_from(
    scheduled: Scheduled,
) -> None:
    scheduled.platform.seconds_a_page = 0.2
    scheduled.platform.fails("changes", None, ProviderDown())
    await scheduled.sync()
    scheduled.wait(2 * HOUR)
    await scheduled.read_due()
    rests_until = from_datetime(
        datetime.fromisoformat((await scheduled.calendar())["rests_until"])
    )
    # Three pages, a fifth of a second each, over two tasks.
    assert 1.8 < (rests_until - scheduled.now) / SECOND < 60


async def test_what_was_read_long_ago_is_read_again(scheduled: Scheduled) -> None:
    scheduled.platform.fails("changes", None, ProviderDown())
    await scheduled.sync()
    pages(scheduled)
    scheduled.wait(4 * HOUR)
    await scheduled.read_due()
    assert pages(scheduled) == 3


async def test_who_asked_meanwhile_gets_a_reading_of_their_own(
    scheduled: Scheduled,
) -> None:
    scheduled.platform.fails("changes", None, Throttled(30.0))
    await scheduled.sync()
    scheduled.wait(MINUTE)
    pages(scheduled)
    await scheduled.sync()
    assert pages(scheduled) == 2
    assert await scheduled.due_in() <= 60
    await go_on(scheduled)
    assert pages(scheduled) == 3


async def test_what_was_half_read_is_forgotten_once_nobody_is_to_read_it(
    scheduled: Scheduled,
) -> None:
    scheduled.platform.fails("changes", None, Throttled(30.0))
    await scheduled.sync()
    scheduled.wait(MINUTE)
    await scheduled.hint("job-of-before")
    for direction in (Direction.TO_PROVIDER, Direction.BIDIRECTIONAL):
        await scheduled.use_for(direction)
    assert await scheduled.half_read() == 0
    assert await scheduled.rows("SELECT FROM named_visits") == []
    await go_on(scheduled)
    assert len(await scheduled.statuses()) == 6
