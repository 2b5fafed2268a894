"""Google's side of OAuth: consents, codes and tokens."""

import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256

from tests.providers.google.wire import Answer, Request

CLIENT_ID, CLIENT_SECRET = "client", "a secret of the client"
# What the consent page calls otherwise than the request.
_ALIASES = {"email": "https://www.googleapis.com/auth/userinfo.email"}


@dataclass(frozen=True)
class Consent:
    """What an owner allowed; `is_lasting` gives a refresh token."""

    account: str
    scopes: frozenset[str]
    is_lasting: bool = True
    redirect_uri: str = ""
    challenge: str = ""


@dataclass
class Consents:
    """What owners allowed, and the tokens that prove it."""

    codes: dict[str, Consent] = field(default_factory=dict)
    lasting: dict[str, Consent] = field(default_factory=dict)
    passing: dict[str, Consent] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    """Accounts that have consented before."""

    def authorize(self, request: Request) -> Answer:
        """Send the browser back with a code; the form says who granted what."""
        asked = dict(request.query)
        if not _is_proper(asked):
            return Answer(400, {"error": "invalid_request"})
        account, granted = request.form["account"], request.form["granted"].split()
        is_first = account not in self.known
        self.known.add(account)
        code = secrets.token_urlsafe(16)
        self.codes[code] = Consent(
            account,
            frozenset(granted),
            asked.get("access_type") == "offline"
            and (is_first or asked.get("prompt") == "consent"),
            asked["redirect_uri"],
            asked["code_challenge"],
        )
        back = f"{asked['redirect_uri']}?state={asked['state']}&code={code}"
        return Answer(302, None, {"location": back})

    def tokens(self, request: Request) -> Answer:
        """Answer the token endpoint."""
        form = request.form
        if (form["client_id"], form["client_secret"]) != (CLIENT_ID, CLIENT_SECRET):
            return Answer(401, {"error": "invalid_client"})
        match form["grant_type"]:
            case "authorization_code":
                return self._redeemed(form)
            case "refresh_token" if form["refresh_token"] in self.lasting:
                return self._granted(self.lasting[form["refresh_token"]])
            case _:
                return _INVALID_GRANT

    def _redeemed(self, form: dict[str, str]) -> Answer:
        consent = self.codes.pop(form["code"], None)
        digest = sha256(form["code_verifier"].encode()).digest()
        challenge = urlsafe_b64encode(digest).rstrip(b"=").decode()
        if consent is None or (consent.redirect_uri, consent.challenge) != (
            form["redirect_uri"],
            challenge,
        ):
            return _INVALID_GRANT
        answer = self._granted(consent)
        assert answer.body is not None
        if consent.is_lasting:
            token = f"1//{secrets.token_urlsafe(16)}"
            self.lasting[token] = consent
            answer.body["refresh_token"] = token
        return answer

    def _granted(self, consent: Consent) -> Answer:
        token = f"ya29.{secrets.token_urlsafe(16)}"
        self.passing[token] = consent
        body = {
            "access_token": token,
            "expires_in": 3599,
            "scope": " ".join(_ALIASES.get(each, each) for each in consent.scopes),
            "token_type": "Bearer",
        }
        return Answer(200, body)

    def revoke(self, request: Request) -> Answer:
        """Answer the revocation endpoint."""
        consent = self.lasting.get(request.form["token"])
        if consent is None:
            return Answer(400, {"error": "invalid_token"})
        self._end(consent.account)
        return Answer(200, {})

    def _end(self, account: str) -> None:
        """Forget every consent of an account: Google ends them all at once."""
        self.known.discard(account)
        for tokens in (self.lasting, self.passing):
            for token in [t for t, each in tokens.items() if each.account == account]:
                del tokens[token]

    def connect(self, account: str, scopes: frozenset[str]) -> dict[str, str]:
        """Return tokens as an owner's consent gives them."""
        consent = Consent(account, scopes)
        refresh, access = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
        self.lasting[refresh] = self.passing[access] = consent
        return {"accessToken": access, "refreshToken": refresh}


_INVALID_GRANT = Answer(400, {"error": "invalid_grant"})


def _is_proper(asked: dict[str, str]) -> bool:
    return (
        asked["client_id"] == CLIENT_ID
        and asked["response_type"] == "code"
        and asked["code_challenge_method"] == "S256"
        and asked["include_granted_scopes"] == "true"
        and bool(asked["code_challenge"] and asked["state"] and asked["scope"])
    )
