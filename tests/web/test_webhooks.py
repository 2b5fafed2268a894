"""Webhooks in: what providers tell over a socket, and whatever else comes there."""

import asyncio
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx2
import pytest

from tests.harness.crowd import clients
from tests.harness.outside.sandbox import Sandbox, running_sandbox
from tests.harness.running import RunningService, running_service
from tests.harness.scenes.business import Business, open_business
from tests.harness.scenes.connected import Connected, connect
from universal_calendar.bootstrap.parts import Parts, Server, new_id
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import DAY, from_datetime
from universal_calendar.services.ports.calendars import PushChannel
from universal_calendar.services.ports.channels import KnownChannel
from universal_calendar.store.calendars.push_channels import ChannelTable

PROMPTLY = 0.5
OTHER = "another"
UNKNOWN = b"47addfec-f4cd-41e2-b6ec-6a5e949fe754"
HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"\xff\xfe\x00",
    "nesting": b"[" * 200_000,
    "deep objects": b'{"channelId":' * 20_000,
    "numbers": b"9" * 100_000,
    "wrong type": b'{"channelId": 7}',
    "a list": b"[]",
    "NUL": b'{"channelId": "\\u0000"}',
    "surrogate": b'{"channelId": "\\ud800"}',
    "SQL": b'{"channelId": "\' OR 1=1 --"}',
    "long id": b'{"channelId": "' + b"a" * 200_000 + b'"}',
    "Arabic digits": '{"channelId": "٤٧"}'.encode(),
}


@dataclass(frozen=True)
class Hook:
    """A channel that is open, and who tells by it."""

    http: httpx2.Client
    url: str
    connected: Connected
    channel_id: UUID
    secret: str

    def content(self, message: int = 1) -> bytes:
        body = {
            "channelId": str(self.channel_id),
            "calendarId": "?",
            "message": message,
        }
        return json.dumps(body).encode()

    def signed(self, content: bytes, secret: str | None = None) -> dict[str, str]:
        key = (secret or self.secret).encode()
        signature = hmac.new(key, content, hashlib.sha256).hexdigest()
        return {"sandbox-signature": signature, "content-type": "application/json"}

    def send(
        self, content: bytes, headers: dict[str, Any] | None = None, path: str = "fake"
    ) -> httpx2.Response:
        url = f"{self.url}/webhooks/{path}"
        return self.http.post(url, content=content, headers=headers or {})

    def tell(self, message: int = 1, secret: str | None = None) -> httpx2.Response:
        content = self.content(message)
        return self.send(content, self.signed(content, secret))


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
async def connected(parts: Parts, business: Business, sandbox: Sandbox) -> Connected:
    return await connect(parts, business, sandbox)


async def open_channel(connected: Connected) -> tuple[UUID, str]:
    """Keep a channel as if the provider had opened it; return its id and secret."""
    parts, now = connected.parts, from_datetime(utc_now())
    table = ChannelTable(parts.database, parts.keyring, new_id)
    channel = KnownChannel(new_id(now), now, secrets.token_urlsafe(32), None)
    assert await table.add(connected.tenant_id, connected.calendar_id, channel)
    opened = PushChannel(str(channel.channel_id), "there", now + 7 * DAY)
    assert await table.opened(connected.tenant_id, opened, now)
    return channel.channel_id, channel.secret


@pytest.fixture
async def hook(
    http: httpx2.Client, process: RunningService, connected: Connected
) -> Hook:
    channel_id, secret = await open_channel(connected)
    return Hook(http, process.url, connected, channel_id, secret)


def is_refused(answer: httpx2.Response, status: int, code: str) -> bool:
    """Tell whether it is an error in the tenant API's dialect."""
    return answer.status_code == status and answer.json()["error"]["code"] == code


async def test_what_is_told_makes_the_calendar_due(hook: Hook) -> None:
    began = time.monotonic()
    answer = hook.tell()
    assert time.monotonic() - began < PROMPTLY
    assert (answer.status_code, answer.content) == (202, b"")
    assert await hook.connected.due_syncs() == 1


async def test_doubles_and_disorder_are_one(hook: Hook) -> None:
    for message in (3, 1, 2, 2, 1):
        assert hook.tell(message).status_code == 202
    assert await hook.connected.due_syncs() == 1


async def test_a_thousand_at_once_are_one(hook: Hook) -> None:
    url = f"{hook.url}/webhooks/fake"
    async with clients(32) as crowd:
        contents = [hook.content(number) for number in range(1000)]
        asked = [
            crowd.post(url, content=each, headers=hook.signed(each))
            for each in contents
        ]
        answers = await asyncio.gather(*asked)
    assert {each.status_code for each in answers} == {202}
    assert await hook.connected.due_syncs() == 1


async def test_what_is_told_during_a_sync_brings_another(hook: Hook) -> None:
    """As while a worker has the row, which is then put off."""
    hook.tell()
    await hook.connected.rows("UPDATE due_work SET due_at = now() + '1 hour'")
    assert await hook.connected.due_syncs() == 0
    hook.tell(2)
    assert await hook.connected.due_syncs() == 1


async def test_unknown_and_forged_look_the_same(hook: Hook) -> None:
    forged = hook.tell(secret=OTHER)
    content = hook.content().replace(str(hook.channel_id).encode(), UNKNOWN)
    unknown = hook.send(content, hook.signed(content))
    unsigned = hook.send(hook.content())
    for answer in (forged, unknown, unsigned):
        assert is_refused(answer, 401, "UNAUTHORIZED")
        assert answer.content == forged.content
    assert "Nothing proves that the provider sent this" in forged.text
    assert await hook.connected.due_syncs() == 0


async def test_what_is_signed_is_what_counts(hook: Hook) -> None:
    headers = hook.signed(hook.content(1))
    assert hook.send(hook.content(2), headers).status_code == 401
    assert await hook.connected.due_syncs() == 0


async def test_another_tenants_channel_is_its_own(
    hook: Hook, parts: Parts, sandbox: Sandbox
) -> None:
    other = await connect(parts, await open_business(parts), sandbox)
    assert hook.tell().status_code == 202
    assert await other.due_syncs() == 0
    assert await hook.connected.due_syncs() == 1


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_bodies(hook: Hook, content: bytes) -> None:
    answer = hook.send(content, hook.signed(content))
    assert answer.status_code in (400, 401), answer.text
    assert answer.json()["success"] is False


@pytest.mark.parametrize(
    "value",
    [b"", b"\xff\xfe", b"0" * 60_000, b"sha256=", "é".encode(), b"a" * 64],
    ids=["empty", "bytes", "long", "prefixed", "UTF-8", "no hex"],
)
def test_hostile_headers(hook: Hook, value: bytes) -> None:
    headers = {"sandbox-signature": value, "x-goog-channel-id": value}
    answer = hook.send(hook.content(), headers)
    assert answer.status_code in (400, 401, 431)


def test_hostile_queries(hook: Hook) -> None:
    for query in ("channel=%00", "channel=%ff&channel=", "&&&=", "x=" + "a" * 9000):
        assert hook.send(b"?", path=f"fake?{query}").status_code == 400


def test_a_body_that_is_too_large(hook: Hook) -> None:
    answer = hook.send(b" " * (256 * 1024 + 1))
    assert is_refused(answer, 413, "PAYLOAD_TOO_LARGE")


def test_other_methods(hook: Hook) -> None:
    for method in ("GET", "PUT", "DELETE"):
        answer = hook.http.request(method, f"{hook.url}/webhooks/fake")
        assert is_refused(answer, 405, "METHOD_NOT_ALLOWED")
        assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("name", ["jobber", "housecallpro", "google", "yahoo", ""])
def test_what_is_not_offered(hook: Hook, name: str) -> None:
    assert is_refused(hook.send(hook.content(), path=name), 404, "NOT_FOUND")


async def test_a_channel_that_was_forgotten(hook: Hook) -> None:
    await hook.connected.rows("DELETE FROM connections")
    assert is_refused(hook.tell(), 401, "UNAUTHORIZED")


async def test_nothing_of_it_is_kept_or_logged(
    hook: Hook, process: RunningService
) -> None:
    canary = "canary-in-a-push"
    body = {"channelId": str(hook.channel_id), "summary": canary}
    content = json.dumps(body).encode()
    headers = hook.signed(content) | {"x-canary": canary}
    assert hook.send(content, headers, f"fake?note={canary}").status_code == 202
    assert not any(canary in line for line in process.lines)
    assert not any(hook.secret in line for line in process.lines)


def test_deliveries_have_a_limit_of_their_own(
    home: Path, server: Server, hook: Hook
) -> None:
    """By the address that the proxy names."""
    limits = {"WEBHOOK_RATE_LIMIT": "3", "RATE_LIMIT_MAX_REQUESTS": "1"}
    content = hook.content()
    with running_service(home, TRUSTED_PROXIES="127.0.0.1/32", **limits) as service:
        answers = [
            hook.http.post(
                f"{service.url}/webhooks/fake",
                content=content,
                headers=hook.signed(content) | {"x-forwarded-for": address},
            )
            for address in ["203.0.113.9"] * 5 + ["203.0.113.10"]
        ]
    assert [each.status_code for each in answers[:3]] == [202] * 3
    assert is_refused(answers[4], 429, "RATE_LIMIT_EXCEEDED")
    assert int(answers[4].headers["retry-after"]) >= 1
    assert answers[5].status_code == 202


@pytest.fixture(scope="module")
def offering(home: Path, server: Server) -> Iterator[RunningService]:
    """Run a service that is registered with Google and Microsoft."""
    registered = {
        f"{name}_CLIENT_{part}": "of-the-tests"
        for name in ("GOOGLE_CALENDAR", "MICROSOFT_GRAPH")
        for part in ("ID", "SECRET")
    }
    with running_service(home, **registered) as service:
        yield service


@pytest.mark.parametrize(
    "token",
    [
        "Validation: Testing client application reachability for subscription Request"
        "-Id: 49e1a5e6-6ba4-4d5b-8bb1-9e0b1b0c2d3e",
        "a+b/c=&%25<script>alert(1)</script>",
        "Z\N{LATIN SMALL LETTER U WITH DIAERESIS}rich",
    ],
)
def test_microsofts_handshake(
    http: httpx2.Client, offering: RunningService, token: str
) -> None:
    address = f"{offering.url}/webhooks/microsoft?channel={UNKNOWN.decode()}"
    answer = http.post(f"{address}&validationToken={quote(token, safe='')}")
    assert (answer.status_code, answer.text) == (200, token)
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_an_endless_handshake(http: httpx2.Client, offering: RunningService) -> None:
    address = f"{offering.url}/webhooks/microsoft?validationToken={'a' * 9000}"
    assert is_refused(http.post(address), 400, "VALIDATION_ERROR")


@pytest.mark.parametrize("provider", ["google", "microsoft"])
@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_bodies_for_every_provider(
    http: httpx2.Client, offering: RunningService, provider: str, content: bytes
) -> None:
    channel = UNKNOWN.decode()
    answer = http.post(
        f"{offering.url}/webhooks/{provider}?channel={channel}",
        content=content,
        headers={"x-goog-channel-id": f"{channel}_1", "x-goog-channel-token": "t"},
    )
    assert answer.status_code in (202, 400, 401), answer.text
