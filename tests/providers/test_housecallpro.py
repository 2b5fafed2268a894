"""Housecall Pro sits the exam of field-service platforms.

The other side is a fake that is held against the contract of what this project uses.
"""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.contracts.hints import HintsExam
from tests.contracts.schedules import (
    ExaminedPlatform,
    FieldServiceExam,
    ScheduleReadingExam,
    ScheduleTroubleExam,
    ScheduleWritingExam,
)
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


class TestWriting(ScheduleWritingExam):
    pass


class TestTroubles(ScheduleTroubleExam):
    pass


class TestReading(ScheduleReadingExam):
    pass


class TestFieldService(FieldServiceExam):
    pass


class TestHints(HintsExam):
    pass


class TestWritingByCompanyKey(ScheduleWritingExam):
    """A company's own key may touch appointments, but no schedule and no dispatch."""

    @pytest.fixture
    async def examined(
        self, house: FakeHousecallPro
    ) -> AsyncIterator[ExaminedPlatform]:
        async with examined_at(house, apiKey=house.company_key) as examined:
            yield examined


class TestFieldServiceByToken(FieldServiceExam):
    """A token of OAuth opens the same."""

    @pytest.fixture
    async def examined(
        self, house: FakeHousecallPro
    ) -> AsyncIterator[ExaminedPlatform]:
        async with examined_at(house, accessToken=house.access_token) as examined:
            yield examined
