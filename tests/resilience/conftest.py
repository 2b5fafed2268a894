"""Islands, which a test may ill-treat, and the books of its business."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.harness.island import Island, island
from tests.harness.machines.ground import Ground, open_ground
from tests.harness.machines.ledger import Ledger
from tests.harness.machines.town import Town, found_town
from tests.harness.outside.sandbox import Sandbox, running_sandbox
from tests.harness.scenes.business import Business
from universal_calendar.bootstrap.parts import Server


@pytest.fixture
def place() -> Iterator[Island]:
    """Name a home of the test's own, in which nothing runs yet."""
    with island() as one:
        yield one


@pytest.fixture
def ledger(server: Server, business: Business) -> Ledger:
    """Open the books of the test's business, past row-level security."""
    assert server.embedded is not None
    return Ledger.of(server.embedded, business.tenant_id)


@pytest.fixture
def town() -> Iterator[Town]:
    """Found a town of the test's own: nothing is settled, and no service runs."""
    with found_town() as town:
        yield town


@pytest.fixture
async def ground(place: Island) -> AsyncIterator[Ground]:
    """Run a database that no process takes along when it dies."""
    async with open_ground(place) as ground:
        yield ground


@pytest.fixture
def sandbox(place: Island) -> Iterator[Sandbox]:
    """Run a sandbox of the test's own."""
    with running_sandbox(place.home.parent / "sandbox") as sandbox:
        yield sandbox
