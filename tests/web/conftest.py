"""An agent to ask and to book: one that the session shares, one of the test's own."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import psycopg
import pytest

from conftest import Service, settings_for
from tests.harness.homes import let_through
from tests.harness.running import RunningService
from tests.harness.scenes.business import Business
from tests.harness.scenes.mirror import Mirror
from tests.web.api import Api
from universal_calendar.bootstrap.parts import Parts, Server, start_server

Superuser = psycopg.Connection[tuple[object, ...]]


@pytest.fixture(scope="session")
def http() -> Iterator[httpx2.Client]:
    """Open connections that no proxy stands in."""
    with httpx2.Client(trust_env=False, timeout=30) as client:
        yield client


@pytest.fixture(scope="session")
def shared(http: httpx2.Client, service: Service) -> Api:
    """Return the session's agent, for tests that book nothing."""
    return Api(http, service.url, service.api_key, service.agent_id)


@pytest.fixture
def api(http: httpx2.Client, process: RunningService, business: Business) -> Api:
    """Return an agent of the test's own, open every day 09:00 to 17:00 UTC."""
    return Api(http, process.url, business.api_key, business.agent_id)


@pytest.fixture
def mirror(parts: Parts, business: Business) -> Mirror:
    """Return what is known of the business's calendars; it has none yet."""
    return Mirror.of(parts, business)


@pytest.fixture(scope="session")
def own_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data directory beside the session's, for what would disturb it."""
    folder = tmp_path_factory.mktemp("beside")
    let_through(folder)
    return folder / "home"


@pytest.fixture(scope="session")
def own_server(own_home: Path) -> Iterator[Server]:
    """Run the database of that home."""
    server = start_server(settings_for(own_home))
    assert server.embedded is not None
    yield server
    server.embedded.stop()


def superuser_of(server: Server, database: str = "universal_calendar") -> Superuser:
    """Connect past row-level security."""
    assert server.embedded is not None
    return psycopg.connect(
        server.embedded.admin_url,
        dbname=database,
        options="-c search_path=universal_calendar",
        autocommit=True,
    )


@pytest.fixture
def superuser(server: Server) -> Iterator[Superuser]:
    """Connect to the session's database, past row-level security."""
    with superuser_of(server) as connection:
        yield connection
