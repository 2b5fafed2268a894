"""One sandbox for the session, an account and a provider for each test."""

from collections.abc import AsyncIterator, Iterator
from uuid import uuid5

import pytest

from tests.contracts.drafts import TENANT
from tests.contracts.pushes import Receiver, open_receiver
from tests.contracts.world import Examined
from tests.harness.outside.sandbox import Sandbox, SandboxAccount, running_sandbox
from tests.providers.contract import CheckedSender
from tests.providers.means import means_of
from tests.providers.sandbox_world import SandboxWorld
from universal_calendar.providers.registry import PROVIDERS
from universal_calendar.services.ports.calendars import Access


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    yield running
    if running.process.poll() is not None:
        running.start()
    running.clear_faults()


@pytest.fixture
def account(sandbox: Sandbox, request: pytest.FixtureRequest) -> SandboxAccount:
    zone = "America/New_York"
    calendars = [
        {"name": "Work", "timeZone": zone},
        {"name": "Holidays", "timeZone": zone, "isWritable": False},
    ]
    return sandbox.account(request.node.nodeid[-255:], calendars=calendars)


@pytest.fixture
async def sender() -> AsyncIterator[CheckedSender]:
    sender = CheckedSender()
    yield sender
    await sender.close()


@pytest.fixture
def examined(
    sandbox: Sandbox, account: SandboxAccount, sender: CheckedSender
) -> Examined:
    secrets = account.credentials
    foreign = {**secrets, "accessToken": "a" * 32, "refreshToken": "b" * 32}
    provider = PROVIDERS["fake"](means_of(sender))
    assert provider is not None
    return Examined(
        provider,
        Access(TENANT, uuid5(TENANT, account.account), secrets),
        account.calendar_id,
        str(account.calendars[1]["id"]),
        foreign,
        SandboxWorld(sandbox),
    )


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with open_receiver() as receiver:
        yield receiver
