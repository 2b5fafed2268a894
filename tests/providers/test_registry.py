"""Every provider does what its manifest claims, and sits its exam."""

import inspect
from collections.abc import AsyncIterator
from importlib import import_module

import pytest

from tests.contracts.provider import PARTS, PARTS_OF_PLATFORMS
from tests.providers.means import open_means
from universal_calendar.providers.provider import Capability, Provider
from universal_calendar.providers.registry import PROVIDERS
from universal_calendar.services.ports.authorization import AuthorizingProvider
from universal_calendar.services.ports.calendars import (
    CalendarProvider,
    CalendarReader,
    PushProvider,
)
from universal_calendar.services.ports.field_service import FieldServiceProvider

PROTOCOLS: dict[Capability, type] = {
    Capability.WRITES_EVENTS: CalendarProvider,
    Capability.READS_CHANGES: CalendarReader,
    Capability.PUSHES: PushProvider,
    Capability.AUTHORIZES: AuthorizingProvider,
    Capability.MANAGES_JOBS: FieldServiceProvider,
}


@pytest.fixture(params=sorted(PROVIDERS))
async def provider(request: pytest.FixtureRequest) -> AsyncIterator[Provider]:
    async with open_means() as means:
        provider = PROVIDERS[request.param](means)
        assert provider is not None
        yield provider


def part_of(provider: Provider, capability: Capability) -> object:
    return {
        Capability.WRITES_EVENTS: provider.calendars,
        Capability.READS_CHANGES: provider.reader,
        Capability.PUSHES: provider.pushes,
        Capability.AUTHORIZES: provider.authorizer,
        Capability.MANAGES_JOBS: provider.field_service,
    }[capability]


def test_slug_is_the_one_registered(provider: Provider) -> None:
    assert provider.manifest.slug in PROVIDERS


@pytest.mark.parametrize("capability", Capability)
def test_claimed_capability_has_its_methods(
    provider: Provider, capability: Capability
) -> None:
    part = part_of(provider, capability)
    assert (part is not None) == (capability in provider.manifest.capabilities)
    if part is None:
        return
    for name, promised in inspect.getmembers(PROTOCOLS[capability], inspect.isfunction):
        if name.startswith("_"):
            continue
        kept = getattr(part, name)
        assert inspect.iscoroutinefunction(kept) == inspect.iscoroutinefunction(
            promised
        )
        assert list(inspect.signature(kept).parameters) == [
            each for each in inspect.signature(promised).parameters if each != "self"
        ]
        owner = next(each for each in type(part).__mro__ if name in vars(each))
        assert owner is not PROTOCOLS[capability], f"{name} is only inherited"


def test_every_capability_is_examined(provider: Provider) -> None:
    module = import_module(f"tests.providers.test_{provider.manifest.slug}")
    sat = {
        base
        for each in vars(module).values()
        if inspect.isclass(each) and each.__name__.startswith("Test")
        for base in each.__mro__
    }
    claimed = provider.manifest.capabilities
    parts = PARTS_OF_PLATFORMS if Capability.MANAGES_JOBS in claimed else PARTS
    for capability in claimed:
        assert set(parts[capability]) <= sat
