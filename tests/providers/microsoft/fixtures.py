"""An account at the stand-in, connected; a test that ends finds no violation."""

from collections.abc import AsyncIterator, Iterator
from uuid import uuid5

import pytest

from tests.contracts.drafts import TENANT
from tests.contracts.pushes import Receiver, open_receiver
from tests.contracts.world import Examined
from tests.providers.means import open_means
from tests.providers.microsoft.account import connected_secrets, registration
from tests.providers.microsoft.contract import read_contract
from tests.providers.microsoft.proxy import ValidatingProxy
from tests.providers.microsoft.server import FakeMicrosoft
from tests.providers.microsoft.world import MicrosoftConsent, MicrosoftWorld
from universal_calendar.providers.registry import PROVIDERS
from universal_calendar.services.ports.calendars import Access


@pytest.fixture(name="microsoft")
def given_microsoft() -> Iterator[FakeMicrosoft]:
    fake = FakeMicrosoft()
    yield fake
    fake.close()
    assert fake.http.errors == []


@pytest.fixture(name="api_url")
def given_api_url(microsoft: FakeMicrosoft) -> Iterator[str]:
    """Give Graph's address: the proxy's, where Microsoft's description is at hand."""
    contract = read_contract()
    if contract is None:
        yield f"{microsoft.url}/v1.0"
        return
    proxy = ValidatingProxy(microsoft.url, contract)
    yield f"{proxy.url}/v1.0"
    proxy.close()
    assert proxy.violations == []
    assert proxy.http.errors == []


@pytest.fixture(name="examined")
async def given_examined(
    microsoft: FakeMicrosoft, api_url: str
) -> AsyncIterator[Examined]:
    secrets = connected_secrets(microsoft)
    foreign = {**secrets, "accessToken": "a" * 32, "refreshToken": "b" * 32}
    async with open_means({"microsoft": registration(microsoft, api_url)}) as means:
        provider = PROVIDERS["microsoft"](means)
        assert provider is not None
        yield Examined(
            provider,
            Access(TENANT, uuid5(TENANT, microsoft.url), secrets),
            microsoft.mailbox.main,
            microsoft.mailbox.read_only,
            foreign,
            MicrosoftWorld(microsoft),
            remembers_deleted=microsoft.mailbox.remembers_deleted,
        )


@pytest.fixture(name="receiver")
async def given_receiver(examined: Examined) -> AsyncIterator[Receiver]:
    async with open_receiver() as receiver:
        assert examined.provider.pushes is not None
        receiver.challenge = examined.provider.pushes.challenge
        yield receiver


@pytest.fixture(name="consent")
def given_consent() -> MicrosoftConsent:
    return MicrosoftConsent()


@pytest.fixture(name="world")
def given_world(microsoft: FakeMicrosoft) -> MicrosoftWorld:
    return MicrosoftWorld(microsoft)
