"""Microsoft's login: consent, codes with PKCE, refresh tokens that rotate."""

import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from urllib.parse import parse_qsl, urlencode

from tests.providers.microsoft.loopback import Answer, Ask

CLIENT_ID = "6731de76-14a6-49ae-97bc-6eba6914391e"
CLIENT_SECRET = secrets.token_urlsafe(16)
_GRAPH = {"User.Read", "Calendars.ReadWrite"}


@dataclass(frozen=True)
class _Consent:
    challenge: str
    redirect_uri: str
    scopes: tuple[str, ...]


@dataclass
class Login:
    """Who asks here for consent has it; `unticked` in the query is not granted."""

    access_tokens: set[str] = field(default_factory=set)
    refresh_tokens: set[str] = field(default_factory=set)
    refreshes: int = 0
    """How often new tokens were asked for by a refresh token, good or not."""
    lifetime: int = 3600
    _consents: dict[str, _Consent] = field(default_factory=dict)

    def tokens(self, scopes: tuple[str, ...] = ()) -> dict[str, object]:
        access, refresh = (secrets.token_urlsafe(24) for _ in range(2))
        self.access_tokens.add(access)
        self.refresh_tokens.add(refresh)
        told = [
            f"https://graph.microsoft.com/{e}" if e in _GRAPH else e for e in scopes
        ]
        return {
            "token_type": "Bearer",
            # What it takes to get a refresh token is never told to be granted.
            "scope": " ".join(each for each in told if each != "offline_access"),
            "expires_in": self.lifetime,
            "access_token": access,
            "refresh_token": refresh,
        }

    def expire(self) -> None:
        self.access_tokens.clear()

    def revoke(self) -> None:
        self.access_tokens.clear()
        self.refresh_tokens.clear()

    def knows(self, ask: Ask) -> bool:
        kind, _, token = ask.headers.get("authorization", "").partition(" ")
        return kind == "Bearer" and token in self.access_tokens

    def authorize(self, ask: Ask) -> Answer:
        asked = ask.query
        assert asked["client_id"] == CLIENT_ID
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(24)
        unticked = asked.get("unticked")
        scopes = tuple(each for each in asked["scope"].split() if each != unticked)
        self._consents[code] = _Consent(
            asked["code_challenge"], asked["redirect_uri"], scopes
        )
        back = urlencode({"code": code, "state": asked["state"]})
        return Answer(302, {"location": f"{asked['redirect_uri']}?{back}"})

    def token(self, ask: Ask) -> Answer:
        form = dict(parse_qsl(ask.content.decode()))
        who = form.get("client_id"), form.get("client_secret")
        if who != (CLIENT_ID, CLIENT_SECRET):
            return Answer.of(401, {"error": "invalid_client"})
        if form["grant_type"] == "refresh_token":
            return self._refreshed(form["refresh_token"])
        return self._redeemed(form)

    def _refreshed(self, token: str) -> Answer:
        self.refreshes += 1
        if token not in self.refresh_tokens:
            return Answer.of(400, {"error": "invalid_grant"})
        self.refresh_tokens.remove(token)
        return Answer.of(200, self.tokens())

    def _redeemed(self, form: dict[str, str]) -> Answer:
        consent = self._consents.pop(form["code"], None)
        digest = sha256(form["code_verifier"].encode()).digest()
        challenge = urlsafe_b64encode(digest).rstrip(b"=").decode()
        if consent is None or (consent.challenge, consent.redirect_uri) != (
            challenge,
            form["redirect_uri"],
        ):
            return Answer.of(400, {"error": "invalid_grant"})
        return Answer.of(200, self.tokens(consent.scopes))
