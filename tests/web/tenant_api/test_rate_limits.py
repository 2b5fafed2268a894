"""Limits of the tenant API: exact over all processes, told in headers."""

import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from tests.harness import tokens
from tests.harness.running import SERVICE_KEY, RunningService, running_service
from tests.web.tenant_api.conftest import Desk, user_token
from tests.web.tenant_api.test_authentication import some_id
from universal_calendar.bootstrap.parts import Server
from universal_calendar.services.ports.identity import Role

PROCESSES, LIMIT, REQUESTS, SERVICE_LIMIT = 4, 100, 1000, 7
DAY_IN_MS = 86_400_000
"""So long that nothing refills while a test runs."""
ONLY_SERVICES_LIMITED = "another-service-key-of-the-tests"


@pytest.fixture(scope="module")
def processes(home: Path, server: Server) -> Iterator[list[RunningService]]:
    """Run four processes of one service that allow little."""
    settings = {
        "RATE_LIMIT_MAX_REQUESTS": str(LIMIT),
        "RATE_LIMIT_WINDOW_MS": str(DAY_IN_MS),
        "DATABASE_POOL_SIZE": "4",
        "TRUSTED_PROXIES": "127.0.0.0/8",
    }
    with ExitStack() as stack:
        yield [
            stack.enter_context(running_service(home, **settings))
            for _ in range(PROCESSES)
        ]


@pytest.fixture(scope="module")
def thrifty(home: Path, server: Server) -> Iterator[RunningService]:
    """Run a service that limits service keys."""
    keys = f"{SERVICE_KEY},{ONLY_SERVICES_LIMITED}"
    settings = {
        "SERVICE_KEY_RATE_LIMIT": str(SERVICE_LIMIT),
        "INTERNAL_SERVICE_KEY": keys,
    }
    with running_service(home, **settings) as service:
        yield service


def everywhere(desk: Desk, processes: list[RunningService]) -> list[Desk]:
    return [replace(desk, url=each.url) for each in processes]


def test_exactly_a_hundred_of_a_thousand_pass(
    desk: Desk, processes: list[RunningService]
) -> None:
    asking = everywhere(desk.as_user(Role.VIEWER), processes)

    def ask(turn: int) -> int:
        return asking[turn % PROCESSES].get("/agents").status_code

    with ThreadPoolExecutor(16) as threads:
        statuses = Counter(threads.map(ask, range(REQUESTS)))
    assert statuses == {200: LIMIT, 429: REQUESTS - LIMIT}


def test_allowance_is_told_on_every_answer(
    desk: Desk, processes: list[RunningService]
) -> None:
    first, second, *_ = everywhere(desk.as_user(Role.VIEWER), processes)
    answers = [
        first.get("/agents"),
        second.post("/agents", {}),
        first.get(f"/agents/{some_id()}"),
        second.get("/agents/x"),
        first.get(f"/tenants/{some_id()}"),
    ]
    assert [each.status_code for each in answers] == [200, 403, 404, 400, 403]
    for turn, answer in enumerate(answers, 1):
        window = DAY_IN_MS // 1000
        assert answer.headers["ratelimit-policy"] == f'"user";q={LIMIT};w={window}'
        assert answer.headers["ratelimit"].startswith(f'"user";r={LIMIT - turn};')


def test_refusal(desk: Desk, processes: list[RunningService]) -> None:
    user = replace(desk.as_user(Role.VIEWER), url=processes[0].url)
    answer = [user.get("/agents") for _ in range(LIMIT + 1)][-1]
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (429, "RATE_LIMIT_EXCEEDED")
    seconds = int(answer.headers["retry-after"])
    assert seconds == DAY_IN_MS / 1000 / LIMIT
    assert f"again in {seconds} s" in error["message"]
    # Another token of the same user is the same user; others are not touched.
    again = user_token(desk.tenant_id, Role.OWNER)
    same = replace(user, headers={"Authorization": f"Bearer {again}"})
    assert same.get("/agents").status_code == 429
    other = replace(desk.as_user(Role.VIEWER, "user-2"), url=user.url)
    assert other.get("/agents").status_code == 200
    assert replace(desk, url=user.url).get("/agents").status_code == 200


def test_same_name_in_another_tenant_is_somebody_else(
    desk: Desk, processes: list[RunningService]
) -> None:
    user = replace(desk.as_user(Role.VIEWER), url=processes[0].url)
    for _ in range(LIMIT):
        user.get("/agents")
    assert user.get("/agents").status_code == 429
    token = tokens.signed(tokens.claims(some_id()))
    answer = desk.http.get(
        f"{user.url}/agents", headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 200


def test_callers_without_credential_are_counted_by_address(
    desk: Desk, processes: list[RunningService]
) -> None:
    def ask(address: str, turn: int = 0) -> httpx2.Response:
        url = processes[turn % PROCESSES].url
        headers = {"X-Forwarded-For": address}
        return desk.http.get(f"{url}/agents", headers=headers)

    answers = [ask("203.0.113.77", turn) for turn in range(LIMIT + 1)]
    assert {each.status_code for each in answers[:-1]} == {401}
    assert answers[0].headers["ratelimit"].startswith('"anonymous";r=99;')
    assert answers[-1].status_code == 429
    assert ask("203.0.113.78").status_code == 401


def test_service_keys_have_no_limit_unless_told(
    desk: Desk, processes: list[RunningService]
) -> None:
    service = replace(desk, url=processes[0].url)
    answers = [service.get("/agents") for _ in range(LIMIT + 1)]
    assert {each.status_code for each in answers} == {200}
    assert "ratelimit" not in answers[-1].headers


def test_service_keys_are_counted_each_by_itself(
    desk: Desk, thrifty: RunningService
) -> None:
    service = replace(desk, url=thrifty.url)
    answers = [service.get("/agents") for _ in range(SERVICE_LIMIT + 1)]
    assert [each.status_code for each in answers] == [200] * SERVICE_LIMIT + [429]
    policy = answers[0].headers["ratelimit-policy"]
    assert policy == f'"service-key";q={SERVICE_LIMIT};w=60'
    other = replace(service, headers={"X-Service-Key": ONLY_SERVICES_LIMITED})
    assert other.get("/agents").status_code == 200


def test_pages_for_operators_are_exempt(processes: list[RunningService]) -> None:
    with httpx2.Client(trust_env=False) as http:
        for path in ("/health", "/healthz", "/readyz", "/metrics", "/openapi.json"):
            answers = [http.get(processes[0].url + path) for _ in range(LIMIT + 1)]
            assert {each.status_code for each in answers} == {200}
            assert "ratelimit" not in answers[-1].headers


def test_headers_are_as_the_draft_has_them(desk: Desk, thrifty: RunningService) -> None:
    answer = replace(desk.as_user(Role.VIEWER), url=thrifty.url).get("/agents")
    assert re.fullmatch(r'"user";q=\d+;w=900', answer.headers["ratelimit-policy"])
    assert re.fullmatch(r'"user";r=\d+;t=\d+', answer.headers["ratelimit"])
