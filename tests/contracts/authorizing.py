"""Connecting an account by OAuth: of AuthorizingProvider.

The fixture `consent` is the owner at the provider's consent page.
"""

import secrets
from base64 import urlsafe_b64encode
from dataclasses import replace
from hashlib import sha256
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.contracts.drafts import SECONDS, a_draft
from tests.contracts.world import Examined
from tests.contracts.writing import WritingExam
from universal_calendar.services.ports.authorization import (
    AuthorizationRequest,
    AuthorizingProvider,
    Grant,
    GrantRefused,
)

REDIRECT = "http://127.0.0.1:3901/calendar/oauth/callback"


class Consent(Protocol):
    """The owner of the examined account, at the provider's consent page."""

    async def gives(self, url: str, *, unticks: str | None = None) -> str:
        """Agree; return the URL that the browser is sent to.

        `unticks` is a scope that is not granted.
        """

    needed_scope: str
    """One without which nothing is to be connected."""


def a_verifier() -> str:
    return secrets.token_urlsafe(48)


def challenge_of(verifier: str) -> str:
    digest = sha256(verifier.encode()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


class AuthorizingExam:
    """Of AuthorizingProvider."""

    put = staticmethod(WritingExam.put)

    @staticmethod
    def authorizer(examined: Examined) -> AuthorizingProvider:
        assert examined.provider.authorizer is not None
        return examined.provider.authorizer

    async def grant(
        self, examined: Examined, consent: Consent, unticks: str | None = None
    ) -> Grant:
        verifier, state = a_verifier(), secrets.token_urlsafe(16)
        url = self.authorizer(examined).authorization_url(
            AuthorizationRequest(state, REDIRECT, challenge_of(verifier))
        )
        back = urlsplit(await consent.gives(url, unticks=unticks))
        assert f"{back.scheme}://{back.netloc}{back.path}" == REDIRECT
        answer = parse_qs(back.query)
        assert answer["state"] == [state]
        return Grant(answer["code"][0], REDIRECT, verifier)

    async def test_consent_opens_the_account(
        self, examined: Examined, consent: Consent
    ) -> None:
        grant = await self.grant(examined, consent)
        opened = await self.authorizer(examined).redeem(grant, seconds=SECONDS)
        calendars = examined.provider.calendars
        assert calendars is not None
        access = replace(examined.access, secrets=opened)
        account = await calendars.account(access, seconds=SECONDS)
        known = await calendars.account(examined.access, seconds=SECONDS)
        assert account == known
        await self.put(examined, a_draft(), access=access)

    async def test_code_serves_once(self, examined: Examined, consent: Consent) -> None:
        grant = await self.grant(examined, consent)
        await self.authorizer(examined).redeem(grant, seconds=SECONDS)
        with pytest.raises(GrantRefused):
            await self.authorizer(examined).redeem(grant, seconds=SECONDS)

    async def test_code_of_another_browser(
        self, examined: Examined, consent: Consent
    ) -> None:
        grant = await self.grant(examined, consent)
        with pytest.raises(GrantRefused):
            await self.authorizer(examined).redeem(
                replace(grant, verifier=a_verifier()), seconds=SECONDS
            )

    async def test_scope_that_was_unticked(
        self, examined: Examined, consent: Consent
    ) -> None:
        grant = await self.grant(examined, consent, unticks=consent.needed_scope)
        with pytest.raises(GrantRefused):
            await self.authorizer(examined).redeem(grant, seconds=SECONDS)

    async def test_revoking_again_is_no_error(
        self, examined: Examined, consent: Consent
    ) -> None:
        grant = await self.grant(examined, consent)
        authorizer = self.authorizer(examined)
        opened = await authorizer.redeem(grant, seconds=SECONDS)
        access = replace(examined.access, secrets=opened)
        for _ in range(2):
            await authorizer.revoke(access, seconds=SECONDS)

    async def test_no_secret_is_shown(
        self, examined: Examined, consent: Consent
    ) -> None:
        grant = await self.grant(examined, consent)
        assert grant.code not in repr(grant)
        assert grant.verifier not in repr(grant)
