"""An office for each test, and a business with a calendar in a sandbox."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.harness.outside.sandbox import Sandbox, running_sandbox
from tests.harness.scenes.business import Business
from tests.harness.scenes.synced import Synced, connect, offering
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


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Run a sandbox for all tests of this folder."""
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    """Lend the sandbox, in which all is well again afterwards."""
    yield running
    running.clear_faults()


@pytest.fixture
async def synced(
    parts: Parts, sandbox: Sandbox, request: pytest.FixtureRequest
) -> AsyncIterator[Synced]:
    """Open a business with a calendar of its own in the sandbox."""
    async with offering(parts) as offered:
        yield await connect(parts, offered, sandbox, request.node.nodeid[-200:])
