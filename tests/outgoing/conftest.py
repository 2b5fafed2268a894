"""Senders of the tests."""

from collections.abc import AsyncIterator

import pytest

from universal_calendar.outgoing.http import Sender


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    """Open a sender without the guard, which takes at most 1 MiB."""
    sender = Sender(is_guarded=False, largest_answer=1024 * 1024)
    yield sender
    await sender.close()


@pytest.fixture
async def guarded() -> AsyncIterator[Sender]:
    """Open a sender that connects to public addresses only."""
    sender = Sender(is_guarded=True)
    yield sender
    await sender.close()
