"""An office for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.harness.business import Business
from tests.notify.mailbox import mailbox
from tests.notify.receiver import receiver
from tests.services.office import Office, Screens
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.outgoing.http import Sender


@pytest.fixture
async def office(parts: Parts, business: Business) -> AsyncIterator[Office]:
    """Open an office with servers of its own."""
    sender = Sender(is_guarded=False)
    with receiver() as texts, receiver() as hook:
        async with mailbox() as mail:
            yield Office(parts, business, sender, mail, texts, hook, Screens())
    await sender.close()
