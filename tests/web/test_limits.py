"""Rate limits: exact over any number of processes, and fair to those who behave."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from tests.harness.running import RunningService, running_service
from tests.harness.scenes.business import Business, open_business
from tests.web.api import BOOKING, Api, day_after, wait_for
from universal_calendar.bootstrap.parts import Parts, Server

KEY_LIMIT, FAILURE_LIMIT = 50, 5
KEY_COST, FAILURE_COST = 60 / KEY_LIMIT, 60 / FAILURE_LIMIT
PROXY, STRANGER = "127.0.0.21", "127.0.0.22"


@pytest.fixture(scope="module")
def twins(home: Path, server: Server) -> Iterator[list[RunningService]]:
    """Run two processes of one service that allow little."""
    settings = {
        "API_KEY_RATE_LIMIT": str(KEY_LIMIT),
        "AUTH_FAILURE_LIMIT": str(FAILURE_LIMIT),
        "TRUSTED_PROXIES": f"{PROXY}, 10.0.0.0/8, 2001:db8::/32",
    }
    with ExitStack() as stack:
        yield [stack.enter_context(running_service(home, **settings)) for _ in range(2)]


@pytest.fixture
def limited(
    http: httpx2.Client, twins: list[RunningService], business: Business
) -> list[Api]:
    """Return one agent, asked through either process."""
    return [Api(http, each.url, business.api_key, business.agent_id) for each in twins]


class TestApiKeys:
    def test_limit_is_exact_over_two_processes(self, limited: list[Api]) -> None:
        day, started = day_after(1), time.monotonic()
        with ThreadPoolExecutor(16) as threads:
            asked = [
                threads.submit(limited[turn % 2].free_slots, day) for turn in range(90)
            ]
            statuses = [each.result().status_code for each in asked]
        refilled = (time.monotonic() - started) / KEY_COST
        assert set(statuses) == {200, 429}
        assert KEY_LIMIT <= statuses.count(200) <= KEY_LIMIT + int(refilled)

    def test_allowance_is_told_and_counts_down(self, limited: list[Api]) -> None:
        first = limited[0].free_slots(day_after(1))
        second = limited[1].book(day_after(1), "10:00")
        assert first.headers["RateLimit-Policy"] == f'"api-key";q={KEY_LIMIT};w=60'
        assert first.headers["RateLimit"] == '"api-key";r=49;t=1'
        assert second.headers["RateLimit"] == '"api-key";r=48;t=2'

    def test_every_kind_of_request_counts(self, limited: list[Api]) -> None:
        api, day = limited[0], day_after(1)
        api.free_slots(day)  # 49 are left
        api.book(day, "03:00")
        api.book("wrong", "03:00")
        api.free_slots(day, duration_minutes=0)
        api.send(b"{")
        api.with_agent("47addfec-f4cd-41e2-b6ec-6a5e949fe754").free_slots(day)
        assert api.free_slots(day).headers["RateLimit"].startswith('"api-key";r=43;')

    def test_refusal(self, limited: list[Api]) -> None:
        api, day = limited[0], day_after(1)
        answer = self.exhausted(api)
        assert answer.json().keys() == {"detail", "code"}
        assert answer.json()["code"] == "rate_limited"
        assert answer.headers["x-request-id"]
        assert api.book(day, "10:00").status_code == 429
        assert api.send(b"{").status_code == 429

    def test_who_waits_as_told_passes(self, limited: list[Api]) -> None:
        api = limited[0]
        refused = self.exhausted(api)
        told = int(refused.headers["Retry-After"])
        assert told >= KEY_COST, "a whole request is back only after this long"
        wait_for("the next request", self.passes(api), told)

    def test_refusal_says_how_long_to_wait(self, limited: list[Api]) -> None:
        refused = self.exhausted(limited[0])
        assert (
            f"again in {refused.headers['Retry-After']} s" in refused.json()["detail"]
        )

    async def test_other_keys_are_not_touched(
        self, limited: list[Api], parts: Parts
    ) -> None:
        self.exhausted(limited[0])
        other = limited[0].of(await open_business(parts))
        assert other.free_slots(day_after(1)).status_code == 200

    def test_a_limited_key_is_not_a_failure(self, limited: list[Api]) -> None:
        refused = self.exhausted(limited[0])
        assert refused.status_code == 429
        wait_for("the next request", self.passes(limited[0]), 5)

    def exhausted(self, api: Api) -> httpx2.Response:
        for _ in range(2 * KEY_LIMIT):
            answer = api.free_slots(day_after(1))
            if answer.status_code == 429:
                return answer
        raise AssertionError("no limit")

    def passes(self, api: Api) -> Callable[[], bool]:
        return lambda: api.free_slots(day_after(1)).status_code == 200


def from_address(api: Api, address: str) -> Api:
    """Ask from another address of this machine."""
    transport = httpx2.HTTPTransport(local_address=address)
    return replace(api, http=httpx2.Client(transport=transport, trust_env=False))


@pytest.fixture
def stranger(limited: list[Api]) -> Iterator[Api]:
    """Ask from an address that is no trusted proxy."""
    api = from_address(limited[0], STRANGER)
    with api.http:
        yield api


@pytest.fixture
def proxy(limited: list[Api]) -> Iterator[Api]:
    """Ask from the address of a trusted proxy."""
    api = from_address(limited[0], PROXY)
    with api.http:
        yield api


def failure(api: Api, *hops: str) -> int:
    """Fail to authenticate, forwarded for these; return the status."""
    headers = [("X-API-Key", "wrong"), *(("X-Forwarded-For", hop) for hop in hops)]
    answer = api.http.post(api.url + BOOKING, headers=headers, json={})
    return answer.status_code


def failures(api: Api, *hops: str) -> list[int]:
    """Fail once more often than is allowed."""
    return [failure(api, *hops) for _ in range(FAILURE_LIMIT + 1)]


LIMITED = [401] * FAILURE_LIMIT + [429]


class TestFailures:
    def test_a_stranger_whatever_he_says_he_forwards(self, stranger: Api) -> None:
        tried = [failure(stranger, f"198.51.100.{n}") for n in range(FAILURE_LIMIT + 1)]
        assert tried == LIMITED
        answer = stranger.with_key("wrong").free_slots(day_after(1))
        assert answer.status_code == 429
        assert answer.json().keys() == {"detail", "code"}
        assert int(answer.headers["Retry-After"]) >= FAILURE_COST
        assert stranger.with_key(None).book(day_after(1), "10:00").status_code == 429

    def test_valid_keys_still_pass(self, stranger: Api) -> None:
        failures(stranger)
        assert failure(stranger) == 429
        assert stranger.free_slots(day_after(1)).status_code == 200
        assert stranger.book(day_after(1), "10:00").status_code == 201

    def test_health_is_exempt(self, stranger: Api) -> None:
        failures(stranger)
        for path in ("/health", "/healthz", "/readyz", "/metrics", "/openapi.json"):
            assert stranger.with_key("wrong").request("GET", path).status_code == 200

    def test_clients_behind_a_proxy_are_counted_apart(self, proxy: Api) -> None:
        assert failures(proxy, "203.0.113.1") == LIMITED
        assert failure(proxy, "203.0.113.2") == 401

    def test_nearest_untrusted_hop_counts(self, proxy: Api) -> None:
        tried = [
            failure(proxy, f"198.51.100.{n}, 203.0.113.3, 10.1.2.3")
            for n in range(FAILURE_LIMIT + 1)
        ]
        assert tried == LIMITED

    def test_several_headers_are_one_list(self, proxy: Api) -> None:
        tried = [
            failure(proxy, f"198.51.100.{n}", "203.0.113.4")
            for n in range(FAILURE_LIMIT + 1)
        ]
        assert tried == LIMITED

    def test_an_empty_hop_is_the_proxy_itself(self, proxy: Api) -> None:
        assert failures(proxy, "") == LIMITED
        assert failure(proxy) == 429
        assert failure(proxy, "203.0.113.5") == 401

    @pytest.mark.parametrize("hop", ["unknown", "_hidden", "203.0.113.999", "a" * 5000])
    def test_odd_hops_are_addresses_like_any(self, hop: str, proxy: Api) -> None:
        assert failures(proxy, f"198.51.100.1, {hop}") == LIMITED
