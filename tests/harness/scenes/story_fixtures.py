"""Fixtures of the stories that are told through HTTP with a worker."""

from collections.abc import AsyncIterator, Callable, Iterator

import httpx2
import pytest

from conftest import settings_for
from tests.harness.homes import let_through
from tests.harness.outside.google_owners import GoogleOwner, google_owners
from tests.harness.outside.owners import OWNERS, Owner
from tests.harness.running import RunningService
from tests.harness.scenes.whole_story import Office, Place, working_service
from universal_calendar.bootstrap.parts import start_server

Accounts = Callable[[str], GoogleOwner]


@pytest.fixture(scope="module", name="place")
def given_place(
    tmp_path_factory: pytest.TempPathFactory, http: httpx2.Client
) -> Iterator[Place]:
    """Run a database whose due work the module's own services settle alone."""
    folder = tmp_path_factory.mktemp("story")
    let_through(folder)
    server = start_server(settings_for(folder / "home"))
    assert server.embedded is not None
    yield Place(folder / "home", server, http)
    server.embedded.stop()


@pytest.fixture(scope="module", name="accounts")
def given_accounts() -> Iterator[Accounts]:
    """Give what opens accounts at one Google."""
    with google_owners() as opened:
        yield opened


@pytest.fixture(scope="module", name="service")
def given_service(place: Place, accounts: Accounts) -> Iterator[RunningService]:
    """Run a service that reaches that Google."""
    with working_service(place.home, accounts("nobody@example.com")) as service:
        yield service


@pytest.fixture(params=sorted(OWNERS), name="owner")
def given_owner(request: pytest.FixtureRequest) -> Iterator[Owner]:
    """Give an owner at each of the providers."""
    with OWNERS[request.param]() as owner:
        yield owner


@pytest.fixture(name="office")
async def given_office(place: Place, owner: Owner) -> AsyncIterator[Office]:
    """Open a business with that owner; nothing is connected yet."""
    with working_service(place.home, owner) as service:
        office = await place.open_office(service.url, owner)
        yield office
        office.disconnects()


@pytest.fixture(name="connected")
def given_connected(office: Office) -> Office:
    """Give the business once its owner's calendar is connected and was read."""
    office.connects()
    office.waits_until_read()
    return office
