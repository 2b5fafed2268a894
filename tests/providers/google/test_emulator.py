"""Google's client against a server that others wrote: npm's `@emulators/google`.

It has OAuth, lists, inserts, deletes and tells what is busy. It has no ids of our own,
no properties, no PATCH, no sync tokens and no channels.
"""

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx2
import pytest

from tests.contracts.authorizing import REDIRECT, a_verifier, challenge_of
from tests.contracts.drafts import NINE, SECONDS, TENANT, a_draft, at
from tests.harness.running import clean_environment
from tests.providers.google.world import ACCOUNT
from tests.providers.means import open_means
from universal_calendar.core.busy import BusyType
from universal_calendar.core.instant import HOUR
from universal_calendar.core.interval import Interval
from universal_calendar.core.provider_errors import NotAuthorized, Rejected
from universal_calendar.providers.provider import OAuthConfig, Provider
from universal_calendar.providers.registry import PROVIDERS
from universal_calendar.services.ports.authorization import (
    AuthorizationRequest,
    Grant,
    GrantRefused,
)
from universal_calendar.services.ports.calendars import Access

VENDOR = Path(__file__).parents[2] / "vendor"
SEED = {
    "users": [{"email": ACCOUNT, "name": "Ann"}],
    "oauth_clients": [
        {
            "client_id": "client",
            "client_secret": "a secret of the client",
            "redirect_uris": [REDIRECT],
        }
    ],
    "calendars": [
        {
            "id": ACCOUNT,
            "user_email": ACCOUNT,
            "summary": "Ann",
            "primary": True,
            "time_zone": "America/New_York",
            "access_role": "owner",
        },
        {
            "id": "holidays",
            "user_email": ACCOUNT,
            "summary": "Holidays",
            "access_role": "reader",
        },
    ],
    "calendar_events": [
        {
            "id": "dentist",
            "user_email": ACCOUNT,
            "calendar_id": ACCOUNT,
            "summary": "Dentist",
            "start_date_time": "2026-06-01T09:00:00.000Z",
            "end_date_time": "2026-06-01T10:00:00.000Z",
        },
    ],
}
MORNING = Interval(NINE, NINE + 4 * HOUR)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return where the emulator listens."""
    if not (VENDOR / "node_modules").is_dir():
        pytest.fail("tests/vendor is not installed: `make test`, or `npm ci` there")
    seed = tmp_path_factory.mktemp("emulator") / "seed.json"
    seed.write_text(json.dumps(SEED))
    # The virtual environment's node stands in where the machine has none.
    environment = clean_environment()
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    with subprocess.Popen(
        ["node", "google.mjs", str(seed)],
        cwd=VENDOR,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("Listening on "), line
        yield line.split()[-1]
        process.kill()


@pytest.fixture
async def google(url: str) -> AsyncIterator[Provider]:
    config = OAuthConfig(
        "client",
        "a secret of the client",
        f"{url}/o/oauth2/v2/auth",
        f"{url}/oauth2/token",
        f"{url}/calendar/v3",
        f"{url}/oauth2/revoke",
    )
    async with open_means({"google": config}) as means:
        provider = PROVIDERS["google"](means)
        assert provider is not None
        yield provider


async def grant(google: Provider) -> Grant:
    """Return what the owner's browser brings back from the emulator's page."""
    assert google.authorizer is not None
    verifier = a_verifier()
    asked = AuthorizationRequest("a state", REDIRECT, challenge_of(verifier))
    page = urlsplit(google.authorizer.authorization_url(asked))
    form = {**dict(parse_qsl(page.query)), "email": ACCOUNT}
    async with httpx2.AsyncClient(trust_env=False) as browser:
        shown = await browser.get(page.geturl())
        assert shown.status_code == 200
        callback = f"{page.scheme}://{page.netloc}{page.path}/callback"
        back = (await browser.post(callback, data=form)).headers["location"]
    answer = parse_qs(urlsplit(back).query)
    assert answer["state"] == ["a state"]
    return Grant(answer["code"][0], REDIRECT, verifier)


@pytest.fixture
async def access(google: Provider) -> Access:
    assert google.authorizer is not None
    secrets = await google.authorizer.redeem(await grant(google), seconds=SECONDS)
    return Access(TENANT, TENANT, secrets)


async def taken(google: Provider, access: Access) -> list[Interval]:
    assert google.reader is not None
    found = await google.reader.taken(access, [ACCOUNT], MORNING, seconds=SECONDS)
    return sorted(each.interval for each in found[ACCOUNT])


async def test_code_of_another_browser(google: Provider) -> None:
    assert google.authorizer is not None
    stolen = replace(await grant(google), verifier=a_verifier())
    with pytest.raises(GrantRefused):
        await google.authorizer.redeem(stolen, seconds=SECONDS)


async def test_account(google: Provider, access: Access) -> None:
    assert google.calendars is not None
    account = await google.calendars.account(access, seconds=SECONDS)
    assert (account.account, account.timezone) == (ACCOUNT, "America/New_York")
    assert {(each.external_id, each.is_writable) for each in account.calendars} == {
        (ACCOUNT, True),
        ("holidays", False),
    }


async def test_event_comes_and_goes(google: Provider, access: Access) -> None:
    assert google.calendars is not None
    dentist = at(NINE)
    assert await taken(google, access) == [dentist]
    written = await google.calendars.put_event(
        access, ACCOUNT, a_draft(2), None, seconds=SECONDS
    )
    assert await taken(google, access) == [dentist, a_draft(2).interval]
    for _ in range(2):
        await google.calendars.delete_event(
            access, ACCOUNT, written.event_id, seconds=SECONDS
        )
    assert await taken(google, access) == [dentist]


async def test_what_is_taken(google: Provider, access: Access) -> None:
    assert google.reader is not None
    asked = [ACCOUNT, "holidays", "0123456789abcdef"]
    found = await google.reader.taken(access, asked, MORNING, seconds=SECONDS)
    kinds = {
        each: [(time.interval, time.busy) for time in times]
        for each, times in found.items()
    }
    assert kinds == {ACCOUNT: [(at(NINE), BusyType.BUSY)], "holidays": []}


async def test_token_that_expired_is_renewed(google: Provider, access: Access) -> None:
    assert google.calendars is not None
    for change in ({"expiresAt": "0"}, {"accessToken": "worthless"}):
        stale = replace(access, secrets={**access.secrets, **change})
        account = await google.calendars.account(stale, seconds=SECONDS)
        assert account.account == ACCOUNT


async def test_tokens_of_nobody(google: Provider, access: Access) -> None:
    assert google.calendars is not None
    nobody = {**access.secrets, "accessToken": "a", "refreshToken": "b"}
    with pytest.raises(NotAuthorized):
        await google.calendars.account(replace(access, secrets=nobody), seconds=SECONDS)


async def test_calendar_that_is_not_there(google: Provider, access: Access) -> None:
    assert google.calendars is not None
    with pytest.raises(Rejected):
        await google.calendars.put_event(
            access, "none", a_draft(), None, seconds=SECONDS
        )


async def test_revoking(google: Provider, access: Access) -> None:
    assert google.authorizer is not None
    for _ in range(2):
        await google.authorizer.revoke(access, seconds=SECONDS)
