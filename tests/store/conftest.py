"""A platform's schedule for each test that wants one, and a desk that books."""

import pytest

from tests.harness.running import RunningService
from tests.harness.scenes.business import Business
from tests.harness.scenes.schedules import Schedule, connected_schedule
from tests.store.rotating import Desk
from universal_calendar.bootstrap.parts import Parts


@pytest.fixture
async def schedule(parts: Parts, business: Business) -> Schedule:
    """Connect a platform's account to a business of this test's own."""
    return await connected_schedule(parts, business)


@pytest.fixture
def desk(business: Business, process: RunningService) -> Desk:
    """Return the business as it is booked at the running service."""
    return Desk(business, process.url)
