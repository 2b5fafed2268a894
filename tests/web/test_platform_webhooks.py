"""Webhooks of field-service platforms, signed here as their documentation says."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.harness.crowd import clients
from tests.harness.running import RunningService, running_service
from tests.harness.scenes.business import Business, open_business
from tests.harness.scenes.calendars import now
from tests.harness.scenes.fitters import Fitters, connect_account
from universal_calendar.bootstrap.parts import Parts, Server, new_id
from universal_calendar.clock import utc_now
from universal_calendar.store.connections.connections import ConnectionTable

PROMPTLY = 0.5
SECRETS = {
    "jobber": "jobber-secret-of-the-tests",
    "housecallpro": "hcp-secret-of-tests",
}
SETTINGS = {
    "JOBBER_WEBHOOK_SECRET": SECRETS["jobber"],
    "HOUSECALLPRO_WEBHOOK_SECRET": SECRETS["housecallpro"],
}
# Some of what each platform says of visits and of customers.
SCHEDULE = {"jobber": "VISIT_UPDATE", "housecallpro": "job.scheduled"}
CUSTOMER = {"jobber": "CLIENT_UPDATE", "housecallpro": "customer.updated"}
OTHER = {"jobber": "INVOICE_CREATE", "housecallpro": "estimate.created"}
PLATFORMS = sorted(SECRETS)
HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"\xff\xfe\x00",
    "nesting": b"[" * 200_000,
    "deep objects": b'{"data":' * 20_000,
    "numbers": b"9" * 100_000,
    "a list": b"[]",
    "null": b"null",
    "NaN": b"NaN",
    "empty object": b"{}",
}
HOSTILE_IDS = ["", "\0", "\ud800", "x" * 100_000, {"id": 1}, ["a"], None, 7, True]


@dataclass(frozen=True)
class Platform:
    """A platform that tells of one account."""

    http: httpx2.Client
    url: str
    name: str
    fitters: Fitters

    @property
    def account(self) -> str:
        return self.fitters.account

    def told(
        self,
        topic: str,
        item: Any = "item-1",
        account: Any = None,
        at: datetime | None = None,
    ) -> dict[str, Any]:
        """Return what the platform says, as its documentation has it."""
        moment = (at or utc_now()).strftime("%Y-%m-%dT%H:%M:%SZ")
        whose = self.account if account is None else account
        if self.name == "jobber":
            event = {
                "topic": topic,
                "appId": "app-1",
                "accountId": whose,
                "itemId": item,
                "occurredAt": moment,
            }
            return {"data": {"webHookEvent": event}}
        what = topic.split(".")[0]
        return {
            "event": topic,
            "event_occurred_at": moment,
            "company_id": whose,
            what: {"id": item},
        }

    def signed(
        self, content: bytes, secret: str | None = None, at: datetime | None = None
    ) -> dict[str, str]:
        """Return the headers that prove a delivery."""
        key = (secret or SECRETS[self.name]).encode()
        if self.name == "jobber":
            digest = hmac.new(key, content, hashlib.sha256).digest()
            return {"x-jobber-hmac-sha256": base64.b64encode(digest).decode()}
        stamp = str(int((at or utc_now()).timestamp()))
        text = stamp.encode() + b"." + content
        digest_text = hmac.new(key, text, hashlib.sha256).hexdigest()
        return {"api-timestamp": stamp, "api-signature": digest_text}

    def send(
        self, content: bytes, headers: dict[str, str] | None = None
    ) -> httpx2.Response:
        """Send a delivery."""
        all_headers = {"content-type": "application/json", **(headers or {})}
        url = f"{self.url}/webhooks/{self.name}"
        return self.http.post(url, content=content, headers=all_headers)

    def tell(self, topic: str, item: Any = "item-1", **more: Any) -> httpx2.Response:
        """Tell of something."""
        content = json.dumps(self.told(topic, item, **more)).encode()
        return self.send(content, self.signed(content, at=more.get("at")))

    async def due(self, kind: str) -> int:
        """Return how many of a kind are due for the tenant."""
        rows = await self.fitters.rows(
            "SELECT FROM due_work WHERE tenant_id = %s AND kind = %s"
            " AND due_at <= now()",
            self.fitters.tenant_id,
            kind,
        )
        return len(rows)

    async def changes(self) -> list[tuple[Any, ...]]:
        """Return the customers who are to be asked about."""
        return await self.fitters.rows(
            "SELECT customer_id, changes FROM changed_customers ORDER BY customer_id"
        )


@pytest.fixture(scope="module")
def receiving(home: Path, server: Server) -> Iterator[RunningService]:
    """Run a service that knows what both platforms sign with."""
    with running_service(home, WEBHOOK_RATE_LIMIT="1000000", **SETTINGS) as service:
        yield service


@pytest.fixture(params=PLATFORMS)
async def platform(
    request: pytest.FixtureRequest,
    parts: Parts,
    business: Business,
    receiving: RunningService,
    http: httpx2.Client,
) -> Platform:
    fitters = await connected(parts, business, request.param)
    return Platform(http, receiving.url, request.param, fitters)


async def connected(parts: Parts, business: Business, provider: str) -> Fitters:
    """Connect an account that no other test has, and settle its first sync."""
    account = f"account-{new_id(now())}"
    return await connect_account(parts, business, account, provider=provider)


@pytest.fixture
async def jobber(
    parts: Parts, business: Business, receiving: RunningService, http: httpx2.Client
) -> Platform:
    fitters = await connected(parts, business, "jobber")
    return Platform(http, receiving.url, "jobber", fitters)


def is_refused(answer: httpx2.Response, status: int, code: str) -> bool:
    """Tell whether it is an error in the tenant API's dialect."""
    return answer.status_code == status and answer.json()["error"]["code"] == code


async def test_the_schedule_is_due(platform: Platform) -> None:
    began = time.monotonic()
    answer = platform.tell(SCHEDULE[platform.name])
    assert time.monotonic() - began < PROMPTLY
    assert (answer.status_code, answer.content) == (202, b"")
    assert await platform.due("sync") == 1
    assert await platform.changes() == []


async def test_a_customer_is_to_be_asked_about(platform: Platform) -> None:
    for item in ("one", "two", "one"):
        assert platform.tell(CUSTOMER[platform.name], item).status_code == 202
    assert await platform.changes() == [("one", 2), ("two", 1)]
    assert await platform.due("customer") == 2


async def test_other_topics_change_nothing(platform: Platform) -> None:
    assert platform.tell(OTHER[platform.name]).status_code == 202
    assert await platform.due("sync") == 0
    assert await platform.changes() == []


async def test_two_hundred_doubles_at_once_are_one_row(platform: Platform) -> None:
    content = json.dumps(platform.told(CUSTOMER[platform.name])).encode()
    headers = platform.signed(content)
    url = f"{platform.url}/webhooks/{platform.name}"
    async with clients(32) as crowd:
        asked = [crowd.post(url, content=content, headers=headers) for _ in range(200)]
        answers = await asyncio.gather(*asked)
    assert {each.status_code for each in answers} == {202}
    assert await platform.changes() == [("item-1", 200)]
    assert await platform.due("customer") == 1


async def test_forged_and_unsigned_look_the_same(platform: Platform) -> None:
    content = json.dumps(platform.told(CUSTOMER[platform.name])).encode()
    others = next(value for name, value in SECRETS.items() if name != platform.name)
    forged = platform.send(content, platform.signed(content, others))
    changed = platform.send(content + b" ", platform.signed(content))
    unsigned = platform.send(content)
    for answer in (forged, changed, unsigned):
        assert is_refused(answer, 401, "UNAUTHORIZED")
        assert answer.content == forged.content
    assert await platform.changes() == []


@pytest.mark.parametrize("hours", [-48, 48])
async def test_kept_deliveries_are_worth_nothing(
    platform: Platform, hours: int
) -> None:
    at = utc_now() + timedelta(hours=hours)
    answer = platform.tell(CUSTOMER[platform.name], at=at)
    assert is_refused(answer, 401, "UNAUTHORIZED")
    assert await platform.changes() == []


async def test_an_account_that_nobody_connected(platform: Platform) -> None:
    known = platform.tell(OTHER[platform.name])
    unknown = platform.tell(CUSTOMER[platform.name], account="somebody-elses")
    assert (unknown.status_code, unknown.content) == (known.status_code, known.content)
    assert await platform.changes() == []


async def test_everybody_who_connected_the_account_is_told(
    platform: Platform, parts: Parts
) -> None:
    twin = await connect_account(
        parts, await open_business(parts), platform.account, provider=platform.name
    )
    stranger = await connected(parts, await open_business(parts), platform.name)
    assert platform.tell(CUSTOMER[platform.name]).status_code == 202
    for fitters, wanted in [(platform.fitters, 1), (twin, 1), (stranger, 0)]:
        rows = await fitters.rows("SELECT FROM changed_customers")
        assert len(rows) == wanted


async def test_the_same_account_at_another_platform(
    platform: Platform, parts: Parts
) -> None:
    (other,) = [each for each in PLATFORMS if each != platform.name]
    namesake = await connect_account(
        parts, await open_business(parts), platform.account, provider=other
    )
    platform.tell(CUSTOMER[platform.name])
    assert await namesake.rows("SELECT FROM changed_customers") == []


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_bodies(platform: Platform, content: bytes) -> None:
    for headers in ({}, platform.signed(content)):
        answer = platform.send(content, headers)
        assert answer.status_code in (400, 401), answer.text
        assert answer.json()["success"] is False


@pytest.mark.parametrize("value", HOSTILE_IDS, ids=lambda each: str(each)[:9])
async def test_hostile_ids(platform: Platform, value: Any) -> None:
    for more in ({"item": value}, {"account": value}):
        told = platform.told(CUSTOMER[platform.name], **more)
        content = json.dumps(told).encode()
        answer = platform.send(content, platform.signed(content))
        assert answer.status_code in (202, 400), answer.text
    assert [len(name) < 999 for name, _ in await platform.changes()] in ([], [True])


@pytest.mark.parametrize(
    "value",
    [b"", b"\xff\xfe", b"0" * 60_000, "é".encode(), b"a" * 64, b"=" * 44, b"-1"],
    ids=["empty", "bytes", "long", "UTF-8", "no hex", "no Base64", "negative"],
)
def test_hostile_headers(platform: Platform, value: bytes) -> None:
    content = json.dumps(platform.told(CUSTOMER[platform.name])).encode()
    for name in ("x-jobber-hmac-sha256", "api-signature", "api-timestamp"):
        headers: dict[str, Any] = {**platform.signed(content), name: value}
        if platform.name == "jobber" and name.startswith("api-"):
            continue
        answer = platform.http.post(
            f"{platform.url}/webhooks/{platform.name}", content=content, headers=headers
        )
        if platform.name == "housecallpro" and name.startswith("x-"):
            continue
        assert answer.status_code in (400, 401, 431), answer.text


def test_a_body_that_is_too_large(platform: Platform) -> None:
    content = b" " * (256 * 1024 + 1)
    answer = platform.send(content, platform.signed(content))
    assert is_refused(answer, 413, "PAYLOAD_TOO_LARGE")


def test_other_methods(platform: Platform) -> None:
    for method in ("GET", "PUT", "DELETE"):
        url = f"{platform.url}/webhooks/{platform.name}"
        answer = platform.http.request(method, url)
        assert is_refused(answer, 405, "METHOD_NOT_ALLOWED")


async def test_nothing_of_it_is_kept_or_logged(
    platform: Platform, receiving: RunningService
) -> None:
    canary = "canary-in-a-webhook"
    told = platform.told(CUSTOMER[platform.name]) | {"note": canary}
    content = json.dumps(told).encode()
    answer = platform.send(content, platform.signed(content) | {"x-canary": canary})
    assert answer.status_code == 202
    printed = "".join(receiving.lines)
    for secret in (canary, SECRETS[platform.name], platform.account):
        assert secret not in printed


async def test_access_that_was_taken_away(jobber: Platform, parts: Parts) -> None:
    jobber.fitters.wait()
    for _ in range(2):
        at = utc_now() + timedelta(seconds=5)
        assert jobber.tell("APP_DISCONNECT", at=at).status_code == 202
    row = await jobber.fitters.connection()
    assert row["status"] == "needs_reauthorization"
    table = ConnectionTable(parts.database, parts.keyring)
    access = await table.access(jobber.fitters.tenant_id, jobber.fitters.connection_id)
    assert access.secrets == {}
    assert await jobber.due("connection") == 1


def test_deliveries_have_a_limit_of_their_own(
    home: Path, server: Server, http: httpx2.Client
) -> None:
    proxied = {"TRUSTED_PROXIES": "127.0.0.1/32", "WEBHOOK_RATE_LIMIT": "3"}
    with running_service(home, **proxied, **SETTINGS) as service:
        url = f"{service.url}/webhooks/jobber"
        # Buckets outlive services: this address is no other test's.
        whose = {"x-forwarded-for": "203.0.113.77"}
        answers = [http.post(url, content=b"{}", headers=whose) for _ in range(5)]
    assert [each.status_code for each in answers[:3]] == [401] * 3
    assert is_refused(answers[4], 429, "RATE_LIMIT_EXCEEDED")


def test_our_registration_is_jobbers_secret_too(
    home: Path, server: Server, http: httpx2.Client
) -> None:
    registered = {"JOBBER_CLIENT_ID": "ours", "JOBBER_CLIENT_SECRET": "of-the-tests"}
    with running_service(home, **registered) as service:
        answers = {
            name: http.post(f"{service.url}/webhooks/{name}", content=b"{}").status_code
            for name in PLATFORMS
        }
    assert answers == {"jobber": 401, "housecallpro": 404}
