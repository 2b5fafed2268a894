"""Islands: homes whose service and server a test may ill-treat."""

from collections.abc import Iterator

import pytest

from tests.harness.island import Island, island


@pytest.fixture
def place() -> Iterator[Island]:
    """Name a home of the test's own, in which nothing runs yet."""
    with island() as one:
        yield one
