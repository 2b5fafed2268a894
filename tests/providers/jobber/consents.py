"""Jobber's side of OAuth: codes, and tokens that rotate.

There is no PKCE and there are no scopes in a request: an app has its scopes in the
developer centre. A refresh token serves once.
"""

import secrets
from dataclasses import dataclass, field
from datetime import timedelta

from tests.providers.google.wire import Answer, Request
from universal_calendar.clock import utc_now

CLIENT_ID, CLIENT_SECRET = "client", "a secret of the client"
_SECONDS = 3600


@dataclass
class Consents:
    """What owners allowed, and the tokens that prove it; each names an account."""

    codes: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Account and redirect URI by code."""
    lasting: dict[str, str] = field(default_factory=dict)
    passing: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    """Tokens that live until they are taken away: what an owner pastes as a key."""
    renewals: int = 0

    def authorize(self, request: Request) -> Answer:
        """Send the browser back with a code; the form says whose account it is."""
        asked = dict(request.query)
        if (asked["client_id"], asked["response_type"]) != (CLIENT_ID, "code"):
            return Answer(400, {"error": "invalid_request"})
        code = secrets.token_urlsafe(16)
        self.codes[code] = request.form["account"], asked["redirect_uri"]
        back = f"{asked['redirect_uri']}?state={asked['state']}&code={code}"
        return Answer(302, None, {"location": back})

    def tokens(self, request: Request) -> Answer:
        """Answer the token endpoint."""
        form = request.form
        if (form["client_id"], form["client_secret"]) != (CLIENT_ID, CLIENT_SECRET):
            return Answer(401, {"error": "invalid_client"})
        if form["grant_type"] == "authorization_code":
            account, redirect_uri = self.codes.pop(form["code"], ("", ""))
            if redirect_uri != form["redirect_uri"]:
                account = ""
        else:
            account = self.lasting.pop(form["refresh_token"], "")
            self.renewals += 1
        if not account:
            return Answer(401, {"error": "invalid_grant"})
        access, refresh = self._granted(account)
        expiry = utc_now() + timedelta(seconds=_SECONDS)
        body = {
            "access_token": access,
            "refresh_token": refresh,
            # Jobber tells no `expires_in`, and this only in some answers.
            "expires_at": expiry.strftime("%Y-%m-%d %H:%M:%S UTC"),
        }
        return Answer(200, body)

    def _granted(self, account: str) -> tuple[str, str]:
        access, refresh = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
        self.passing[access], self.lasting[refresh] = account, account
        return access, refresh

    def connect(self, account: str) -> dict[str, str]:
        """Return the secrets of a connection as an owner's consent gives them."""
        access, refresh = self._granted(account)
        expiry = utc_now() + timedelta(seconds=_SECONDS)
        return {
            "accessToken": access,
            "refreshToken": refresh,
            "expiresAt": str(int(expiry.timestamp())),
        }

    def key(self, account: str) -> str:
        """Return a token that does not expire."""
        key = secrets.token_urlsafe(16)
        self.keys[key] = account
        return key

    def account_of(self, token: str) -> str | None:
        return self.passing.get(token) or self.keys.get(token)

    def end(self, account: str) -> None:
        """Take every access to the account away."""
        for tokens in (self.passing, self.lasting, self.keys):
            for token in [each for each, whose in tokens.items() if whose == account]:
                del tokens[token]
