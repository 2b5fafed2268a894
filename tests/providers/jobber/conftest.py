"""A Jobber for each test, a company there, and a provider connected to it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.contracts.schedules import ExaminedPlatform
from tests.providers.jobber.owner import Owner
from tests.providers.jobber.server import JobberServer, running_jobber
from tests.providers.jobber.world import ZONE, JobberWorld, examined_at
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import Instant, from_datetime


@pytest.fixture
def server() -> Iterator[JobberServer]:
    with running_jobber() as server:
        yield server


@pytest.fixture
def owner(server: JobberServer) -> Owner:
    return server.open("ABC Plumbing", ZONE, "Olive Owner", "Mike Johnson")


@pytest.fixture
async def examined(
    server: JobberServer, owner: Owner
) -> AsyncIterator[ExaminedPlatform]:
    async with examined_at(server, owner) as examined:
        yield examined


@pytest.fixture
def world(server: JobberServer, owner: Owner) -> JobberWorld:
    return JobberWorld(server, owner)


@pytest.fixture
def now() -> Instant:
    return from_datetime(utc_now())
