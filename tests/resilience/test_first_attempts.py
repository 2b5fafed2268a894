"""What is made is looked for before, but where nobody can have made it; alone."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from conftest import settings_for
from tests.harness.outside.jobber_company import Jobber
from tests.harness.scenes.visited import Visited, open_visited
from tests.providers.jobber.server import JobberServer, running_jobber
from universal_calendar.bootstrap.outside import open_outside
from universal_calendar.bootstrap.parts import Parts, new_id
from universal_calendar.bootstrap.worker import calendar_providers
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import MINUTE
from universal_calendar.core.retry import SECOND
from universal_calendar.services.booking.appointment_changes import Revision
from universal_calendar.services.calendars.calendar_writes import CalendarWrites
from universal_calendar.services.ports.appointments import Person
from universal_calendar.services.ports.calendars import Access
from universal_calendar.store.calendars.links import LinkTable
from universal_calendar.store.connections.connections import ConnectionQuota
from universal_calendar.store.connections.turns import TurnTable
from universal_calendar.store.rate_limits import RateLimit

JANE = Person("Leak", "Jane Roe", "+12125550123")
NEWEST = "NewestJobs"
A_MINUTE = timedelta(minutes=1)


@pytest.fixture
def there() -> Iterator[JobberServer]:
    with running_jobber() as there:
        yield there


@pytest.fixture
async def visited(parts: Parts, there: JobberServer) -> AsyncIterator[Visited]:
    platform = Jobber(there)
    platform.begin(1)
    values = {name.lower(): value for name, value in platform.settings.items()}
    settings = settings_for(parts.settings.uc_home, **values)
    async with open_outside(settings) as outside:
        yield await open_visited(replace(parts, settings=settings), outside, platform)


def patient(visited: Visited) -> CalendarWrites:
    """Return what writes, and waits as long as it may before it tries again."""
    parts = visited.parts
    return CalendarWrites(
        LinkTable(parts.database, parts.keyring, new_id),
        calendar_providers(visited.offered),
        ConnectionQuota(parts.rate_limits, parts.keyring, RateLimit(300, A_MINUTE)),
        lambda: 1.0,
    )


async def test_only_a_retry_looks_among_all_jobs(
    visited: Visited, there: JobberServer
) -> None:
    visited.writes = patient(visited)
    booked = await visited.book(visited.agents[1], visited.hour(0), JANE)
    there.jobber.lost.append("jobCreate")
    await visited.write(booked)
    assert NEWEST not in there.jobber.asked
    assert (await visited.link(booked))["status"] == "pending"
    other = Revision(person=lambda before: replace(before, phone="+12125550199"))
    await visited.revise(booked, other)
    visited.wait(MINUTE)
    await visited.write(booked)
    assert NEWEST in there.jobber.asked
    assert (await visited.link(booked))["status"] == "synced"
    assert len(visited.platform.refs()) == len(visited.platform.customers()) == 1


async def test_attempt_that_was_cut_off_is_one(visited: Visited) -> None:
    booked = await visited.book(visited.agents[1], visited.hour(0), JANE)
    links = LinkTable(visited.parts.database, visited.parts.keyring, new_id)
    (state,) = await links.states(visited.tenant_id, booked)
    for number, is_first in enumerate((True, False, False)):
        now = visited.now + number * MINUTE
        leased = await links.lease(state.link_id, now, now + SECOND)
        assert leased is not None
        assert leased.is_first is is_first


async def test_changes_and_cancellations_wait_for_nobody(visited: Visited) -> None:
    moved, cancelled = [
        await visited.book(visited.agents[1], visited.hour(number), JANE)
        for number in range(2)
    ]
    for each in (moved, cancelled):
        await visited.write(each)
    visited.wait()
    await visited.move(moved, visited.hour(4))
    await visited.cancel(cancelled)
    new = await visited.book(visited.agents[1], visited.hour(5), JANE)
    turns = TurnTable(visited.parts.database, utc_now, new_id)
    access = Access(visited.tenant_id, visited.connection_id, {})
    async with turns.of(access, seconds=30):
        for each in (moved, cancelled, new):
            where = visited.tenant_id, each, visited.now
            await visited.writes.settle(*where, seconds=1)
    statuses = [
        (await visited.link(each))["status"] for each in (moved, cancelled, new)
    ]
    assert statuses == ["synced", "synced", "pending"]
    assert (await visited.link(new))["last_error"] == "Throttled"
    visited.wait(MINUTE)
    await visited.write(new)
    assert (await visited.link(new))["status"] == "synced"
