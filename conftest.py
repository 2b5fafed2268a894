"""Fixtures of every test: one embedded server, one service, and open parts."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest

from tests.harness.homes import let_through
from tests.harness.running import GENEROUS, RunningService, running_service
from tests.harness.scenes.business import Business, open_business
from universal_calendar.bootstrap.parts import Parts, Server, open_parts, start_server
from universal_calendar.settings import Settings


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what CI asks for: a test that cannot run is a failure."""
    parser.addoption("--no-skips", action="store_true", help="fail on any skip")


def pytest_configure() -> None:
    """Let processes of the tests be interrupted, and examples take their time.

    A shell that starts the tests in its background has them ignore SIGINT, and so would
    every process that they start.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # How long an example takes says what else the machine does, not how the code is.
    hypothesis.settings.register_profile(
        "untimed",
        deadline=None,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
    hypothesis.settings.load_profile("untimed")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return one more than processors: tests wait for others a third of their time."""
    return min((os.cpu_count() or 1) + 1, 4)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest: processes side by side then end together."""
    longest = ("tests/resilience/", "tests/web/", "tests/cli/", "tests/worker/")

    def place(item: pytest.Item) -> int:
        name = item.nodeid
        found = (at for at, each in enumerate(longest) if name.startswith(each))
        return next(found, len(longest))

    items.sort(key=place)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Turn a skip into a failure under --no-skips."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]  # pluggy's result
    if report.skipped and item.config.getoption("--no-skips"):
        report.outcome = "failed"


def settings_for(home: Path, **values: object) -> Settings:
    """Return settings that depend on nothing outside the test."""
    generous = {name.lower(): value for name, value in GENEROUS.items()}
    return Settings(_env_file=None, uc_home=home, **{**generous, **values})


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the data directory that the session's service and parts share."""
    folder = tmp_path_factory.mktemp("universal-calendar")
    let_through(folder)
    return folder / "home"


@pytest.fixture(scope="session")
def settings(home: Path) -> Settings:
    """Return the settings of the session's parts."""
    return settings_for(home)


@pytest.fixture(scope="session")
def server(settings: Settings) -> Iterator[Server]:
    """Run the embedded PostgreSQL for the session, migrated."""
    server = start_server(settings)
    yield server
    assert server.embedded is not None
    server.embedded.stop()


@pytest.fixture
async def parts(settings: Settings, server: Server) -> AsyncIterator[Parts]:
    """Open the product's parts on the session's server."""
    async with open_parts(settings, server) as parts:
        yield parts


@pytest.fixture
async def business(parts: Parts) -> Business:
    """Open a business of this test's own: every day 09:00 to 17:00 UTC."""
    return await open_business(parts)


@pytest.fixture(scope="session")
def process(home: Path, server: Server) -> Iterator[RunningService]:
    """Run the service as a process for the session."""
    with running_service(home) as service:
        yield service


@dataclass(frozen=True)
class Service:
    """The running service with an agent that is open every day 09:00 to 17:00 UTC."""

    url: str
    api_key: str
    agent_id: str


@pytest.fixture(scope="session")
def service(process: RunningService, settings: Settings, server: Server) -> Service:
    """Return the running service with a business in it."""

    async def seed() -> Business:
        async with open_parts(settings, server) as parts:
            return await open_business(parts)

    business = asyncio.run(seed())
    return Service(process.url, business.api_key, business.agent_id)
