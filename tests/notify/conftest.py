"""Senders of these tests."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.notify.mailbox import Mailbox, mailbox
from tests.notify.receiver import Receiver, receiver
from universal_calendar.outgoing.http import Sender


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    """Open a sender without the guard."""
    sender = Sender(is_guarded=False)
    yield sender
    await sender.close()


@pytest.fixture
async def guarded() -> AsyncIterator[Sender]:
    """Open a sender that connects to public addresses only."""
    sender = Sender(is_guarded=True)
    yield sender
    await sender.close()


@pytest.fixture
def endpoint() -> Iterator[Receiver]:
    """Run an HTTP server."""
    with receiver() as running:
        yield running


@pytest.fixture
async def mail() -> AsyncIterator[Mailbox]:
    """Run a mail server."""
    async with mailbox() as running:
        yield running
