"""Islands, which a test may ill-treat, and the books of its business."""

from collections.abc import Iterator

import pytest

from tests.harness.business import Business
from tests.harness.island import Island, island
from tests.harness.ledger import Ledger
from tests.harness.town import Town, found_town
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
