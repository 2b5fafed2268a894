"""A small arena: product, reference and floor, each a process, on one PostgreSQL."""

from collections.abc import Iterator

import pytest

from bench.arena import Arena, Effort, open_arena
from bench.stage import Stage, open_stage
from tests.harness.homes import let_through

SMALL = Effort(
    agents=3,
    busy_agents=2,
    turns=2,
    batches=1,
    bookings=10,
    rounds=2,
    large=20_000,
    events=500,
)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Run a PostgreSQL of the benchmark's own."""
    folder = tmp_path_factory.mktemp("bench")
    let_through(folder)
    with open_stage(folder) as stage:
        yield stage


@pytest.fixture(scope="module")
def arena(stage: Stage) -> Iterator[Arena]:
    """Run the three servers, seeded alike."""
    with open_arena(stage, SMALL, lambda: None) as arena:
        yield arena
