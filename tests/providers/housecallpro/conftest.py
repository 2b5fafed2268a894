"""A Housecall Pro for each test, and a platform that is connected to it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.contracts.schedules import ExaminedPlatform
from tests.providers.housecallpro.server import FakeHousecallPro, running_housecallpro
from tests.providers.housecallpro.world import examined_at


@pytest.fixture
def house() -> Iterator[FakeHousecallPro]:
    with running_housecallpro() as house:
        yield house


@pytest.fixture
async def examined(house: FakeHousecallPro) -> AsyncIterator[ExaminedPlatform]:
    async with examined_at(house) as examined:
        yield examined
