"""A service to which accounts can be connected, and the owners of such accounts."""

import asyncio
import re
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2

from tests.harness.running import RunningService, running_service
from tests.providers.google.server import FakeGoogle, running_google
from tests.providers.google.world import ACCOUNT, open_account
from tests.web.tenant_api.conftest import Desk
from tests.web.tenant_api.wishes import data, problem
from universal_calendar.services.ports.identity import Role

PUBLIC = "https://calendar.example.com/base"
RETURN = "https://app.example.com/settings/calendar"
CALLBACK = "/calendar/oauth/callback"
CONFIRM = "/calendar/oauth/confirm"
SETUP = "/calendar/setup"

Json = dict[str, Any]


@contextmanager
def google_in_thread() -> Iterator[FakeGoogle]:
    """Run the fake Google in a loop of its own, so that a test may block."""
    ready: Future[tuple[FakeGoogle, asyncio.Event]] = Future()

    async def serve() -> None:
        async with running_google() as google:
            stop = asyncio.Event()
            ready.set_result((google, stop))
            loops.append(asyncio.get_running_loop())
            await stop.wait()

    loops: list[asyncio.AbstractEventLoop] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    google, stop = ready.result(10)
    try:
        yield google
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join(10)
    assert failed == []


def oauth_settings(google: FakeGoogle) -> dict[str, str]:
    """Return how a service is registered with the fake Google."""
    registration = google.registration
    return {
        "GOOGLE_CALENDAR_CLIENT_ID": registration.client_id,
        "GOOGLE_CALENDAR_CLIENT_SECRET": registration.client_secret,
        "GOOGLE_AUTHORIZE_URL": registration.authorize_url,
        "GOOGLE_TOKEN_URL": registration.token_url,
        "GOOGLE_REVOKE_URL": str(registration.revoke_url),
        "GOOGLE_CALENDAR_BASE_URL": registration.api_url,
    }


@dataclass(frozen=True)
class Place:
    """A service with a Google beside it."""

    google: FakeGoogle
    service: RunningService
    http: httpx2.Client

    def desk(self, desk: Desk) -> Desk:
        """Return the owner of a business, at this service."""
        return replace(desk, url=self.service.url).as_user(Role.OWNER)


@contextmanager
def a_place(home: Path, **settings: str) -> Iterator[Place]:
    """Run both for a block."""
    with (
        google_in_thread() as google,
        running_service(
            home, **({"PUBLIC_BASE_URL": PUBLIC} | oauth_settings(google) | settings)
        ) as service,
        httpx2.Client(trust_env=False, timeout=30) as http,
    ):
        open_account(google)
        yield Place(google, service, http)


def begin(desk: Desk, provider: str = "google", **more: object) -> Json:
    """Begin to connect an account."""
    return data(desk.post("/calendar/connect", {"provider": provider, **more}))


def consent(
    place: Place, url: str, *, unticks: str | None = None, account: str = ACCOUNT
) -> str:
    """Agree at Google's page; return where the browser is sent to."""
    asked = parse_qs(urlsplit(url).query)["scope"][0].split()
    granted = " ".join(each for each in asked if each != unticks)
    answer = place.http.post(url, data={"account": account, "granted": granted})
    assert answer.status_code == 302, answer.text
    return str(answer.headers["location"])


def code_of(location: str) -> tuple[str, str]:
    """Return code and state of where a browser is sent to."""
    query = parse_qs(urlsplit(location).query)
    return query["code"][0], query["state"][0]


def finish(desk: Desk, state: str, **more: Any) -> httpx2.Response:
    """Finish connecting; None leaves a field out."""
    headers = more.pop("headers", {})
    body = {"provider": "google", "state": state, **more}
    kept = {name: value for name, value in body.items() if value is not None}
    return desk.post(CALLBACK, kept, headers=headers)


def browse(place: Place, location: str) -> httpx2.Response:
    """Open an address of the service as a browser would."""
    assert location.startswith(PUBLIC), location
    return place.http.get(place.service.url + location.removeprefix(PUBLIC))


def press(place: Place, page: httpx2.Response, answer: str) -> httpx2.Response:
    """Press a button of a page that asks."""
    form = {"token": hidden(page, "token"), "answer": answer}
    return place.http.post(place.service.url + CONFIRM, data=form)


def hidden(page: httpx2.Response, name: str) -> str:
    """Return the value of a hidden field."""
    found = re.search(rf'type=hidden name={name} value="([^"]*)"', page.text)
    assert found, page.text
    return unescape(found[1])


def status(desk: Desk) -> Json:
    """Return what the service says of connections."""
    return data(desk.ask("GET", f"/calendar/status/{desk.tenant_id}"))


def check_page(page: httpx2.Response) -> str:
    """Check that a page is safe, whatever it says; return its text."""
    assert page.headers["content-type"] == "text/html; charset=utf-8", page.text
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "script" not in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "<script" not in page.text
    return str(page.text)


def unusable(answer: httpx2.Response) -> None:
    """Check that a state was refused, and nothing said of why."""
    (field,) = problem(answer, 400, "VALIDATION_ERROR")["fields"]
    assert field == {
        "field": "state",
        "message": "is unknown, used or expired; connect again",
    }


def accounts(desk: Desk) -> list[str]:
    """Return the accounts that are connected."""
    return [each["account"] for each in status(desk)["connections"]]
