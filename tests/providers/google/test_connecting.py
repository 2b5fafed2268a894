"""Connecting to Google, beyond what every provider does."""

from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.contracts.authorizing import (
    REDIRECT,
    AuthorizingExam,
    a_verifier,
    challenge_of,
)
from tests.contracts.drafts import SECONDS, a_draft
from tests.contracts.world import Examined
from tests.contracts.writing import WritingExam
from tests.providers.google import discovery
from tests.providers.google.discovery import PREFIX
from tests.providers.google.server import FakeGoogle
from tests.providers.google.wire import Answer, Trouble
from tests.providers.google.world import ACCOUNT, GoogleConsent, GoogleWorld
from universal_calendar.core.provider_errors import NotAuthorized, ProviderDown
from universal_calendar.services.ports.authorization import (
    AuthorizationRequest,
    AuthorizingProvider,
    Grant,
    GrantRefused,
)

VERIFIER = a_verifier()


@pytest.fixture
def authorizer(examined: Examined) -> AuthorizingProvider:
    assert examined.provider.authorizer is not None
    return examined.provider.authorizer


@pytest.fixture
def url(authorizer: AuthorizingProvider) -> str:
    """Return where the owner's browser goes."""
    challenge = challenge_of(VERIFIER)
    asked = AuthorizationRequest("a state", REDIRECT, challenge)
    return authorizer.authorization_url(asked)


def test_what_the_owner_is_asked(url: str) -> None:
    asked = dict(parse_qsl(urlsplit(url).query))
    assert asked.pop("scope").split() == [
        "openid",
        "email",
        "https://www.googleapis.com/auth/calendar.calendarlist.readonly",
        "https://www.googleapis.com/auth/calendar.events",
        "https://www.googleapis.com/auth/calendar.freebusy",
    ]
    assert asked == {
        "response_type": "code",
        "client_id": "client",
        "redirect_uri": REDIRECT,
        "state": "a state",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
        "access_type": "offline",
        "include_granted_scopes": "true",
        "prompt": "consent",
    }


@pytest.mark.parametrize(
    ("verb", "path", "scope"),
    [
        ("GET", "users/me/calendarList", "calendarlist.readonly"),
        ("POST", "freeBusy", "freebusy"),
        ("GET", "calendars/a/events", "events"),
        ("PATCH", "calendars/a/events/b", "events"),
        ("POST", "calendars/a/events/watch", "events"),
    ],
)
def test_each_scope_is_what_google_wants(verb: str, path: str, scope: str) -> None:
    method = discovery.method_of(verb, PREFIX + path)
    assert f"https://www.googleapis.com/auth/calendar.{scope}" in method.scopes


async def redeemed(
    google: FakeGoogle, authorizer: AuthorizingProvider, url: str
) -> dict[str, str]:
    back = urlsplit(await GoogleConsent(google).gives(url))
    code = dict(parse_qsl(back.query))["code"]
    grant = Grant(code, REDIRECT, VERIFIER)
    return dict(await authorizer.redeem(grant, seconds=SECONDS))


async def test_who_connects_again_is_let_in(
    google: FakeGoogle, authorizer: AuthorizingProvider, url: str
) -> None:
    for _ in range(2):
        secrets = await redeemed(google, authorizer, url)
        assert secrets["refreshToken"]


async def test_consent_that_does_not_last(
    google: FakeGoogle, authorizer: AuthorizingProvider, url: str
) -> None:
    await redeemed(google, authorizer, url)
    with pytest.raises(GrantRefused):
        await redeemed(google, authorizer, url.replace("prompt=consent", "prompt=none"))


async def test_revoked_is_shut_out(
    google: FakeGoogle, examined: Examined, authorizer: AuthorizingProvider, url: str
) -> None:
    secrets = await redeemed(google, authorizer, url)
    access = replace(examined.access, secrets=secrets)
    await authorizer.revoke(access, seconds=SECONDS)
    with pytest.raises(NotAuthorized):
        await WritingExam.put(examined, a_draft(), access=access)


@pytest.mark.parametrize("unticked", ["calendarlist.readonly", "events", "freebusy"])
async def test_every_scope_of_calendars_is_needed(
    google: FakeGoogle, examined: Examined, unticked: str
) -> None:
    exam, consent = AuthorizingExam(), GoogleConsent(google)
    scope = f"https://www.googleapis.com/auth/calendar.{unticked}"
    grant = await exam.grant(examined, consent, unticks=scope)
    with pytest.raises(GrantRefused):
        await exam.authorizer(examined).redeem(grant, seconds=SECONDS)


async def test_who_hides_the_e_mail_is_let_in(
    google: FakeGoogle, examined: Examined
) -> None:
    exam, consent = AuthorizingExam(), GoogleConsent(google)
    grant = await exam.grant(examined, consent, unticks="email")
    assert await exam.authorizer(examined).redeem(grant, seconds=SECONDS)


async def test_tokens_are_renewed_before_they_expire(
    google: FakeGoogle, world: GoogleWorld, examined: Examined
) -> None:
    secrets = {**examined.access.secrets, "expiresAt": "0"}
    access = replace(examined.access, secrets=secrets)
    world.expires_tokens()
    await WritingExam.put(examined, a_draft(), access=access)
    assert google.asked == ["calendar.events.insert"]


async def test_calendar_that_its_owner_hides(
    google: FakeGoogle, examined: Examined
) -> None:
    """Of all calendars, the account's own may be the one that the list leaves out."""
    google.calendar(ACCOUNT).is_hidden = True
    assert examined.provider.calendars is not None
    account = await examined.provider.calendars.account(
        examined.access, seconds=SECONDS
    )
    assert account.account == ACCOUNT
    assert [each.external_id for each in account.calendars if each.is_primary] == [
        ACCOUNT
    ]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(302, headers={"location": "http://127.0.0.1:9/"}),
        *(Answer(status) for status in (403, 404, 409, 410, 412)),
    ],
)
async def test_tokens_that_nobody_judges(
    google: FakeGoogle,
    examined: Examined,
    authorizer: AuthorizingProvider,
    answer: Answer,
) -> None:
    """Whatever stands before Google: it passes, and nothing is given up for it."""
    exam, consent = AuthorizingExam(), GoogleConsent(google)
    grant = await exam.grant(examined, consent)
    google.wire.troubles.append(Trouble(answer=answer))
    with pytest.raises(ProviderDown):
        await authorizer.redeem(grant, seconds=SECONDS)
    assert await authorizer.redeem(grant, seconds=SECONDS)
    secrets = {**examined.access.secrets, "expiresAt": "0"}
    access = replace(examined.access, secrets=secrets)
    google.wire.troubles.append(Trouble(answer=answer))
    with pytest.raises(ProviderDown):
        await WritingExam.put(examined, a_draft(), access=access)
    await WritingExam.put(examined, a_draft(), access=access)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "UTC\x00", "../UTC", ""])
async def test_zone_that_only_google_knows(
    google: FakeGoogle, examined: Examined, zone: str
) -> None:
    """Days are counted by it: it would be in the way of every question for slots."""
    google.calendar(ACCOUNT).zone = zone
    assert examined.provider.calendars is not None
    account = await examined.provider.calendars.account(
        examined.access, seconds=SECONDS
    )
    assert account.timezone is None
