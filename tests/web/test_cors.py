"""What browsers are told: whose pages may ask, and what no page may do."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.harness.running import RunningService, running_service
from tests.web.api import BOOKING, FREE_SLOTS
from universal_calendar.bootstrap.parts import Server

ORIGIN, STRANGER = "https://app.example.com", "https://evil.example.com"
PATHS = (
    "/health",
    "/agents",
    "/nothing",
    "/openapi.json",
    "/docs",
    BOOKING,
    f"{FREE_SLOTS}/x",
)


@pytest.fixture(scope="module")
def named(home: Path, server: Server) -> Iterator[RunningService]:
    """Run a service that pages of two origins may ask, behind HTTPS."""
    origins = f"{ORIGIN}, http://localhost:3000"
    with running_service(home, CORS_ORIGIN=origins, HSTS_SECONDS="31536000") as service:
        yield service


@pytest.fixture(scope="module")
def anyones(home: Path, server: Server) -> Iterator[RunningService]:
    """Run a service that any page may ask."""
    with running_service(home, CORS_ORIGIN="*") as service:
        yield service


def preflight(
    http: httpx2.Client,
    service: RunningService,
    origin: str,
    headers: str = "authorization, content-type, idempotency-key",
    method: str = "POST",
) -> httpx2.Response:
    wanted = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
    }
    return http.options(f"{service.url}/appointments", headers=wanted)


def opened(answer: httpx2.Response) -> dict[str, str]:
    return {
        name.removeprefix("access-control-"): value
        for name, value in answer.headers.items()
        if name.startswith("access-control-allow-")
    }


def test_closed_by_default(http: httpx2.Client, process: RunningService) -> None:
    for path in PATHS:
        answer = http.get(process.url + path, headers={"Origin": ORIGIN})
        assert opened(answer) == {}
    answer = preflight(http, process, ORIGIN)
    assert (answer.status_code, opened(answer)) == (405, {})


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_preflight_of_a_named_origin(
    method: str, http: httpx2.Client, named: RunningService
) -> None:
    answer = preflight(http, named, ORIGIN, method=method)
    assert answer.status_code == 200
    allowed = opened(answer)
    assert allowed["allow-origin"] == ORIGIN
    assert method in allowed["allow-methods"]
    assert allowed["allow-credentials"] == "true"
    assert "authorization" in allowed["allow-headers"].lower()


def test_answers_to_a_named_origin(http: httpx2.Client, named: RunningService) -> None:
    for path in PATHS:
        answer = http.get(named.url + path, headers={"Origin": ORIGIN})
        assert opened(answer)["allow-origin"] == ORIGIN
        assert "Retry-After" in answer.headers["access-control-expose-headers"]
        assert "origin" in answer.headers["vary"].lower()


@pytest.mark.parametrize(
    "origin",
    [
        STRANGER,
        "null",
        "http://app.example.com",
        f"{ORIGIN}.evil.example.com",
        "https://evil-app.example.com",
        f"{ORIGIN}:8443",
        ORIGIN.upper(),
    ],
)
def test_other_origins(origin: str, http: httpx2.Client, named: RunningService) -> None:
    answer = http.get(f"{named.url}/health", headers={"Origin": origin})
    assert "allow-origin" not in opened(answer)
    answer = preflight(http, named, origin)
    assert (answer.status_code, "allow-origin" in opened(answer)) == (400, False)


def test_a_page_may_not_send_a_service_key(
    http: httpx2.Client, named: RunningService
) -> None:
    assert preflight(http, named, ORIGIN, "x-service-key").status_code == 400
    assert preflight(http, named, ORIGIN, method="PATCH").status_code == 400


def test_any_origin_never_comes_with_credentials(
    http: httpx2.Client, anyones: RunningService
) -> None:
    answer = http.get(f"{anyones.url}/health", headers={"Origin": STRANGER})
    assert opened(answer) == {"allow-origin": "*"}
    cookie = {"Origin": STRANGER, "Cookie": "a=b"}
    answer = http.get(f"{anyones.url}/health", headers=cookie)
    assert "allow-credentials" not in opened(answer)
    answer = preflight(http, anyones, STRANGER)
    assert answer.status_code == 200
    assert "allow-credentials" not in opened(answer)


def test_every_answer_protects_itself(
    http: httpx2.Client, process: RunningService
) -> None:
    for path in PATHS:
        for method in ("GET", "POST", "OPTIONS"):
            answer = http.request(method, process.url + path)
            told = answer.headers
            assert told["x-content-type-options"] == "nosniff"
            assert told["cache-control"] == "no-store"
            assert told["content-security-policy"] == "frame-ancestors 'none'"
            assert told["x-frame-options"] == "DENY"
            assert told["referrer-policy"] == "no-referrer"
            assert "server" not in told
            assert "strict-transport-security" not in told


def test_https_is_promised_where_it_is_there(
    http: httpx2.Client, named: RunningService
) -> None:
    for path in PATHS:
        told = http.get(named.url + path).headers
        assert told["strict-transport-security"] == "max-age=31536000"


def test_no_answer_redirects(http: httpx2.Client, process: RunningService) -> None:
    for path in PATHS:
        headers = {"Host": "evil.example.com"}
        answer = http.get(f"{process.url}{path}/", headers=headers)
        assert answer.status_code in (404, 422, 401)
        assert "location" not in answer.headers


def test_methods_of_other_paths_are_told_too(
    http: httpx2.Client, process: RunningService
) -> None:
    for path, methods in (
        (BOOKING, "POST"),
        (f"{FREE_SLOTS}/x", "GET"),
        ("/healthz", "GET"),
    ):
        answer = http.patch(process.url + path)
        assert (answer.status_code, answer.headers["allow"]) == (405, methods)
