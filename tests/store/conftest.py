"""A platform's schedule for each test that wants one."""

import pytest

from tests.harness.scenes.business import Business
from tests.harness.scenes.schedules import Schedule, connected_schedule
from universal_calendar.bootstrap.parts import Parts


@pytest.fixture
async def schedule(parts: Parts, business: Business) -> Schedule:
    """Connect a platform's account to a business of this test's own."""
    return await connected_schedule(parts, business)
