"""The sister services and a sender for each test."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.harness.outside.sister_services import SisterServices, sister_services
from universal_calendar.outgoing.http import Sender


@pytest.fixture
def services() -> Iterator[SisterServices]:
    """Run the sister services."""
    with sister_services() as services:
        yield services


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    """Open a sender without the guard, as the platform's URLs need none."""
    sender = Sender(is_guarded=False)
    yield sender
    await sender.close()
