"""A Google for each test, and a provider that is connected to it."""

from collections.abc import AsyncIterator

import pytest

from tests.contracts.world import Examined
from tests.providers.google.server import FakeGoogle, running_google
from tests.providers.google.world import GoogleWorld, examined_at


@pytest.fixture
async def google() -> AsyncIterator[FakeGoogle]:
    async with running_google() as google:
        yield google


@pytest.fixture
async def examined(google: FakeGoogle) -> AsyncIterator[Examined]:
    async with examined_at(google) as examined:
        yield examined


@pytest.fixture
def world(google: FakeGoogle, examined: Examined) -> GoogleWorld:
    """Return the world of the examined account."""
    return GoogleWorld(google)
