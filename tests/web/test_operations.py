"""What operators and their machines see."""

import re
from datetime import datetime, timedelta

import pytest

from tests.harness.running import RunningService
from tests.web.api import FREE_SLOTS, Api, day_after, wait_for
from universal_calendar.clock import utc_now


@pytest.mark.proves("GET /health")
def test_health(shared: Api) -> None:
    answer = shared.with_key(None).request("GET", "/health")
    assert answer.status_code == 200
    body = answer.json()
    timestamp = datetime.fromisoformat(body.pop("timestamp"))
    assert utc_now() - timedelta(seconds=5) < timestamp <= utc_now()
    assert 0 < body.pop("uptime") < 3600
    assert re.fullmatch(r"\d+\.\d+\.\d+", body.pop("version"))
    assert body == {
        "status": "healthy",
        "service": "universal-calendar",
        "database": {"connected": True},
        "dependencies": {"postgres": "healthy"},
    }


def test_uptime_grows(shared: Api) -> None:
    def uptime() -> float:
        return float(shared.request("GET", "/health").json()["uptime"])

    first = uptime()
    wait_for("the next millisecond", lambda: uptime() > first)


@pytest.mark.proves("GET /healthz", "GET /readyz")
def test_liveness_and_readiness(shared: Api) -> None:
    anyone = shared.with_key(None)
    assert anyone.request("GET", "/healthz").json() == {"status": "alive"}
    assert anyone.request("GET", "/readyz").json() == {"status": "ready"}


@pytest.mark.parametrize("path", ["/health", "/healthz", "/readyz"])
def test_health_is_never_cached(path: str, shared: Api) -> None:
    assert shared.request("GET", path).headers["cache-control"] == "no-store"


def requests_counted(api: Api, route: str, method: str, status: int) -> float:
    text = api.request("GET", "/metrics").text
    labels = f'{{method="{method}",route="{route}",status="{status}"}}'
    found = re.search(rf"^http_requests_total{re.escape(labels)} (.+)$", text, re.M)
    return 0.0 if found is None else float(found[1])


@pytest.mark.proves("GET /metrics")
def test_metrics_count_by_route_method_and_status(shared: Api) -> None:
    route = f"{FREE_SLOTS}/{{agent_id}}"
    before = requests_counted(shared, route, "GET", 200)
    shared.free_slots(day_after(1))
    assert requests_counted(shared, route, "GET", 200) == before + 1
    answer = shared.request("GET", "/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert "http_request_duration_seconds_bucket" in answer.text


def test_metrics_name_no_agent_and_grow_with_no_path(shared: Api) -> None:
    for path in ("/no-such-1", "/no-such-2", "/api/no-such-3"):
        shared.request("GET", path)
    shared.request("BREW", "/healthz")
    shared.free_slots(day_after(1))
    text = shared.request("GET", "/metrics").text
    assert "no-such" not in text
    assert "BREW" not in text
    assert shared.agent_id not in text


REQUEST_ID = re.compile(r"[0-9a-f]{16}")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health", 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/api/calendar/free-slots/x?start_date=x", 422),
        ("GET", "/nothing", 404),
        ("GET", "/api/nothing", 404),
        ("PUT", "/api/calendar/external-booking", 405),
        ("POST", "/api/calendar/external-booking", 415),
        ("OPTIONS", "/api/calendar/external-booking", 405),
    ],
)
def test_every_answer_has_a_request_id(
    method: str, path: str, status: int, shared: Api
) -> None:
    answer = shared.request(method, path)
    assert answer.status_code == status
    assert REQUEST_ID.fullmatch(answer.headers["x-request-id"])


def test_request_ids_differ(shared: Api) -> None:
    ids = {shared.request("GET", "/healthz").headers["x-request-id"] for _ in range(9)}
    assert len(ids) == 9


@pytest.mark.parametrize("given", ["a", "A.b_c-9", "0" * 64])
def test_request_id_of_the_caller_is_kept(given: str, shared: Api) -> None:
    headers = {"X-Request-ID": given}
    for path in ("/healthz", "/nothing", "/api/calendar/free-slots/x"):
        answer = shared.request("GET", path, headers)
        assert answer.headers.get_list("x-request-id") == [given]


@pytest.mark.parametrize("given", ["", "0" * 65, "a b", "<script>", 'a"b', "a\tb"])
def test_request_id_that_is_none_is_replaced(given: str, shared: Api) -> None:
    answer = shared.request("GET", "/healthz", {"X-Request-ID": given})
    assert REQUEST_ID.fullmatch(answer.headers["x-request-id"])


def test_answers_name_no_server(shared: Api) -> None:
    assert "server" not in shared.free_slots(day_after(1)).headers


def test_no_cross_origin_answers(shared: Api) -> None:
    headers = {"Origin": "https://example.com"}
    answer = shared.request("GET", "/healthz", headers)
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_service_logs_no_warning_of_its_own_libraries(process: RunningService) -> None:
    assert not [line for line in process.lines if "Traceback" in line]
