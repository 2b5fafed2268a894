"""What callers see while the database is away, or answers nonsense."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from conftest import settings_for
from tests.harness.running import RunningService, running_service
from tests.harness.scenes.business import Business, open_business
from tests.web.api import Api, day_after, wait_for
from tests.web.conftest import superuser_of
from universal_calendar.bootstrap.parts import Server, open_parts


@pytest.fixture(scope="module")
def own_process(own_home: Path, own_server: Server) -> Iterator[RunningService]:
    with running_service(own_home) as service:
        yield service


@pytest.fixture(scope="module")
def own(
    own_home: Path, own_server: Server, own_process: RunningService, http: httpx2.Client
) -> Api:
    """Return an agent of a service that may be ill-treated."""

    async def add() -> Business:
        async with open_parts(settings_for(own_home), own_server) as parts:
            return await open_business(parts)

    business = asyncio.run(add())
    return Api(http, own_process.url, business.api_key, business.agent_id)


@pytest.fixture
def without_database(own: Api, own_server: Server) -> Iterator[Api]:
    """Let nobody in and throw everybody out."""
    assert own.free_slots(day_after(1)).status_code == 200
    change = "ALTER DATABASE universal_calendar ALLOW_CONNECTIONS"
    with superuser_of(own_server, "postgres") as superuser:
        superuser.execute(f"{change} false")
        superuser.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = 'universal_calendar'"
        )
        yield own
        superuser.execute(f"{change} true")
    wait_for("bookings again", lambda: own.request("GET", "/readyz").status_code == 200)


def test_without_the_database(without_database: Api) -> None:
    api, day = without_database, day_after(1)
    for answer in (
        api.free_slots(day),
        api.book(day, "10:00"),
        api.with_key("wrong").free_slots(day),
    ):
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.headers["x-request-id"]
        assert answer.json() == {
            "detail": "The database does not answer; try again shortly.",
            "code": "service_unavailable",
        }


def test_health_without_the_database(without_database: Api) -> None:
    health = without_database.request("GET", "/health")
    assert health.status_code == 503
    assert health.json()["status"] == "unhealthy"
    assert health.json()["database"] == {"connected": False}
    assert health.json()["dependencies"] == {"postgres": "unhealthy"}
    ready = without_database.request("GET", "/readyz")
    assert (ready.status_code, ready.headers["retry-after"]) == (503, "1")
    assert without_database.request("GET", "/healthz").status_code == 200


def test_bookings_go_on_afterwards(own: Api) -> None:
    assert own.book(day_after(2), "10:00").status_code == 201


@pytest.fixture
def broken(own: Api, own_server: Server) -> Iterator[Api]:
    """Take a table away, as a botched migration would."""
    with superuser_of(own_server) as superuser:
        superuser.execute("ALTER TABLE schedules RENAME TO botched")
        yield own
        superuser.execute("ALTER TABLE botched RENAME TO schedules")


def test_our_own_fault(broken: Api, own_process: RunningService) -> None:
    answer = broken.book(day_after(3), "10:00", participant_name="Zaphod")
    assert answer.status_code == 500
    request_id = answer.headers["x-request-id"]
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "detail": "Internal server error",
        "request_id": request_id,
    }
    wait_for(
        "the log's line", lambda: any(request_id in line for line in own_process.lines)
    )
    (logged,) = [line for line in own_process.lines if "unhandled_error" in line]
    assert request_id in logged
    assert "UndefinedTable" in logged
    written = "".join(own_process.lines)
    assert "Zaphod" not in written
    assert "Traceback" not in written


def test_our_own_fault_keeps_the_callers_request_id(broken: Api) -> None:
    day = {"start_date": str(day_after(3)), "end_date": str(day_after(3))}
    path = f"/api/calendar/free-slots/{broken.agent_id}"
    answer = broken.request("GET", path, {"X-Request-ID": "mine"}, params=day)
    assert (answer.status_code, answer.json()["request_id"]) == (500, "mine")
