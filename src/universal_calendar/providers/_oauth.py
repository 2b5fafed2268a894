"""OAuth 2.0 with PKCE, and requests that carry an access token.

The secrets of an account are `accessToken`, `refreshToken` and `expiresAt`, the latter
in seconds since 1970.
"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import urlencode

from oauthlib.oauth2 import WebApplicationClient

from universal_calendar.core.provider_errors import (
    EventChanged,
    NotAuthorized,
    ProviderDown,
    Rejected,
)
from universal_calendar.outgoing.http import OutgoingRequest, OutgoingResponse
from universal_calendar.providers._http import ProviderHttp, json_of
from universal_calendar.providers.provider import Means, OAuthConfig
from universal_calendar.services.ports.authorization import (
    AuthorizationRequest,
    Grant,
    GrantRefused,
    Secrets,
)
from universal_calendar.services.ports.calendars import Access

# Renewed so much earlier, because a request takes time and clocks differ.
_MARGIN_SECONDS: Final = 60
_RENEWAL_SECONDS: Final = 20.0
_MOST_RENEWALS: Final = 2
_FORM: Final = {
    "content-type": "application/x-www-form-urlencoded",
    "accept": "application/json",
}
# RFC 6749 §5.2, and OpenID Connect where only the owner can go on.
_OWNER_MUST_ACT: Final = {
    *("invalid_grant", "interaction_required", "consent_required", "login_required"),
}


@dataclass(frozen=True, slots=True)
class Scopes:
    """What is asked of the owner; without all of `needed` nothing is connected.

    `parameters` go to the authorisation endpoint as they are. Granted scopes may come
    with a `prefix` that those asked for do not have.
    """

    asked: tuple[str, ...]
    needed: frozenset[str]
    parameters: Mapping[str, str] = field(default_factory=dict)
    prefix: str = ""


class OAuth:
    """One provider's tokens."""

    def __init__(self, means: Means, config: OAuthConfig, scopes: Scopes) -> None:
        """Take our registration, and what is asked for."""
        self._http = ProviderHttp(means.sender, means.now)
        self._means, self._config, self._scopes = means, config, scopes
        self._client = WebApplicationClient(config.client_id)
        self._renewing: set[asyncio.Task[Secrets]] = set()

    def authorization_url(self, request: AuthorizationRequest) -> str:
        """Return where the owner's browser is to go."""
        # Not by the library: it refuses a test server on loopback, which has no TLS.
        parameters = {
            "response_type": "code",
            "client_id": self._config.client_id,
            "redirect_uri": request.redirect_uri,
            **({"scope": " ".join(self._scopes.asked)} if self._scopes.asked else {}),
            "state": request.state,
            "code_challenge": request.challenge,
            "code_challenge_method": "S256",
            **self._scopes.parameters,
        }
        return f"{self._config.authorize_url}?{urlencode(parameters)}"

    async def redeem(self, grant: Grant, *, seconds: float) -> Secrets:
        """Exchange a code for tokens; raise GrantRefused."""
        body = self._client.prepare_request_body(
            code=grant.code,
            redirect_uri=grant.redirect_uri,
            code_verifier=grant.verifier,
            client_secret=self._config.client_secret,
        )
        answer = await self._ask_for_tokens(body, seconds)
        if answer.status != 200:
            raise GrantRefused("code", "is refused by the provider; start again")
        tokens = json_of(answer)
        self._check_scopes(tokens)
        if "refresh_token" not in tokens:
            raise GrantRefused("code", "grants no lasting access; start again")
        return self._secrets(tokens, {})

    def _check_scopes(self, tokens: Mapping[str, Any]) -> None:
        # RFC 6749 §5.1: left out where all that was asked for is granted.
        scopes = str(tokens.get("scope", " ".join(self._scopes.asked))).split()
        granted = {each.removeprefix(self._scopes.prefix) for each in scopes}
        missing = self._scopes.needed - granted
        if missing:
            mend = f"must grant everything that was asked for; missing: {len(missing)}"
            raise GrantRefused("code", mend)

    async def send(
        self,
        access: Access,
        request: OutgoingRequest,
        *,
        seconds: float,
        expected: Collection[int] = (),
    ) -> OutgoingResponse:
        """Send with an access token, renewing it where it has expired.

        Returns a 2xx, or an expected status. Raises NotAuthorized where the owner must
        connect again, and what any other status stands for.
        """
        secrets = access.secrets
        if self._has_expired(secrets):
            secrets = await self._renewed(access, secrets)
        for _ in range(_MOST_RENEWALS):
            answer = await self._authorized(request, secrets, seconds, expected)
            if answer.status != 401:
                return answer
            # What others renewed meanwhile may have expired as well.
            secrets = await self._renewed(access, secrets)
        answer = await self._authorized(request, secrets, seconds, expected)
        if answer.status == 401:
            # Its owner still consents, or there would be no fresh token: it passes.
            raise ProviderDown
        return answer

    async def _authorized(
        self,
        request: OutgoingRequest,
        secrets: Secrets,
        seconds: float,
        expected: Collection[int],
    ) -> OutgoingResponse:
        bearer = {"authorization": f"Bearer {secrets.get('accessToken', '')}"}
        return await self._http.send(
            replace(request, headers={**request.headers, **bearer}),
            seconds=seconds,
            expected=(401, *expected),
        )

    def _has_expired(self, secrets: Secrets) -> bool:
        return self._now() > float(secrets.get("expiresAt", 0)) - _MARGIN_SECONDS

    def _now(self) -> float:
        return self._means.now().timestamp()

    async def _renewed(self, access: Access, used: Secrets) -> Secrets:
        """Renew, whoever gives up waiting: what rotated and was not stored is lost."""
        renewal = asyncio.create_task(self._renewed_once(access, used))
        self._renewing.add(renewal)
        renewal.add_done_callback(self._forget)
        return await asyncio.shield(renewal)

    async def _renewed_once(self, access: Access, used: Secrets) -> Secrets:
        return await self._means.renewals.renewed(
            access, used, self._renew, seconds=_RENEWAL_SECONDS
        )

    def _forget(self, renewal: "asyncio.Task[Secrets]") -> None:
        self._renewing.discard(renewal)
        if not renewal.cancelled():
            renewal.exception()  # nobody may be waiting for it any more

    async def _renew(self, secrets: Secrets) -> Secrets:
        return await self.renew(secrets, seconds=_RENEWAL_SECONDS)

    async def renew(self, secrets: Secrets, *, seconds: float) -> Secrets:
        """Exchange the refresh token, which may serve once alone.

        Raises NotAuthorized where there is none, or the provider takes it no more.
        """
        if not secrets.get("refreshToken"):
            raise NotAuthorized
        body = self._client.prepare_refresh_body(
            refresh_token=secrets["refreshToken"],
            client_id=self._config.client_id,
            client_secret=self._config.client_secret,
        )
        answer = await self._ask_for_tokens(body, seconds)
        if answer.status == 200:
            return self._secrets(json_of(answer), secrets)
        if json_of(answer).get("error") in _OWNER_MUST_ACT:
            raise NotAuthorized
        # Our own registration is refused: no owner can mend that by connecting again.
        raise ProviderDown

    async def _ask_for_tokens(self, body: str, seconds: float) -> OutgoingResponse:
        request = OutgoingRequest("POST", self._config.token_url, _FORM, body.encode())
        try:
            return await self._http.send(request, seconds=seconds, expected=(400, 401))
        except (EventChanged, Rejected):
            # That says nothing of what is to be done with the tokens: it passes.
            raise ProviderDown from None

    def _secrets(self, tokens: Mapping[str, Any], before: Secrets) -> Secrets:
        lifetime = float(tokens.get("expires_in", 0))
        return {
            **before,
            "accessToken": str(tokens["access_token"]),
            # Who rotates them sends a new one; who does not sends none.
            "refreshToken": str(
                tokens.get("refresh_token") or before.get("refreshToken", "")
            ),
            "expiresAt": str(int(self._now() + lifetime)),
        }

    async def revoke(self, access: Access, *, seconds: float) -> None:
        """Give the authorisation back (RFC 7009), where the provider has a way to."""
        if self._config.revoke_url is None:
            return
        token = access.secrets.get("refreshToken", "")
        _, _, body = self._client.prepare_token_revocation_request(
            # The library wants TLS even for a test server on loopback.
            "https://revocation.invalid",
            token,
            "refresh_token",
        )
        request = OutgoingRequest(
            "POST", self._config.revoke_url, _FORM, str(body).encode()
        )
        await self._http.send(request, seconds=seconds, expected=(400,))
