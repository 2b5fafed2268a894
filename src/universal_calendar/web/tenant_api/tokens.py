"""Users' tokens: who signed them, until when they hold, and for whom they stand.

A token is signed with the shared secret (HS256) or with one of the published keys
(RS256, ES256). Which of the two is asked depends on what is configured alone: a public
key is never taken for a secret.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import jwt
import orjson
import structlog
from jwt import PyJWK, PyJWKSet

from universal_calendar.core.errors import InvalidField, Unauthorized
from universal_calendar.core.instant import (
    HOUR,
    MINUTE,
    Duration,
    Instant,
    to_datetime,
)
from universal_calendar.core.wire import parse_uuid
from universal_calendar.outgoing.errors import OutgoingError
from universal_calendar.outgoing.http import OutgoingRequest, Sender
from universal_calendar.services.ports.identity import Role
from universal_calendar.services.ports.platform import ValidatedUser
from universal_calendar.web.errors import AuthenticationUnavailable

LEEWAY_SECONDS: Final = 60
"""By how much a clock that signs may be ahead of ours; an expired token is expired."""
PAUSE: Final[Duration] = MINUTE // 2
"""The least time between two looks at the published keys."""
FRESH: Final[Duration] = 10 * MINUTE
"""After this the published keys are looked at again."""
LASTING: Final[Duration] = 24 * HOUR
"""For this long the known keys do while no others can be fetched."""

_PATIENCE_SECONDS: Final = 2.0
_LONGEST_TOKEN: Final = 8192
_LONGEST_USER_ID: Final = 255
_SHARED: Final = "HS256"
_PUBLISHED: Final = ("RS256", "ES256")
_ROLES: Final = {role.name.lower(): role for role in Role}
_INFINITY: Final = float("inf")
# The times are judged by our own clock, which is an argument.
_DECODER: Final = jwt.PyJWT(
    {
        "require": ["exp"],
        "verify_exp": False,
        "verify_nbf": False,
        "verify_iat": False,
        "enforce_minimum_key_length": True,
    }
)

Claims = Mapping[str, Any]

_log = structlog.get_logger()


class InvalidToken(Unauthorized):
    """Invalid or expired token; no reason is told, to nobody's advantage."""

    def __init__(self) -> None:
        """Say the same of every token that is not good."""
        super().__init__("Invalid or expired token")


class PublishedKeys:
    """The keys at JWKS_URL, fetched when a token names one that is not known."""

    def __init__(self, url: str, sender: Sender) -> None:
        """Take where they are published; nothing is fetched yet."""
        self._request = OutgoingRequest("GET", url, {"accept": "application/json"})
        self._sender = sender
        self._keys: Mapping[str | None, PyJWK] = {}
        self._fetched_at: Instant | None = None
        self._tried_at: Instant | None = None
        self._turn = asyncio.Lock()

    async def find(self, key_id: str | None, now: Instant) -> PyJWK | None:
        """Return the key, None where no such key is published.

        A token without a key id means the only key there is. An unknown id, or keys
        older than 10 minutes, lead to one look at what is published, at most every 30
        seconds. Raises AuthenticationUnavailable where there never was an answer, or
        none for a day.
        """
        is_known = key_id in self._keys
        # While one request looks, the others do not wait for what they know already.
        if self._is_due(key_id, now) and not (is_known and self._turn.locked()):
            async with self._turn:
                if self._is_due(key_id, now):
                    await self._look(now)
        if self._fetched_at is None or now - self._fetched_at > LASTING:
            raise AuthenticationUnavailable
        return self._keys.get(key_id)

    def _is_due(self, key_id: str | None, now: Instant) -> bool:
        if self._tried_at is not None and now - self._tried_at < PAUSE:
            return False
        if self._fetched_at is None or key_id not in self._keys:
            return True
        return now - self._fetched_at > FRESH

    async def _look(self, now: Instant) -> None:
        try:
            answer = await self._sender.send(self._request, seconds=_PATIENCE_SECONDS)
            self._keys = usable_keys(answer.content)
            self._fetched_at = now
        except (OutgoingError, ValueError) as error:
            _log.warning("published_keys_unavailable", error_type=type(error).__name__)
        finally:
            self._tried_at = now


def usable_keys(content: bytes) -> Mapping[str | None, PyJWK]:
    """Read a JWK set: what verifies RS256 or ES256, by key id.

    An only key is found without an id too. Raises ValueError where there is none.
    """
    try:
        document = orjson.loads(content)
        published = PyJWKSet.from_dict(document).keys
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
        raise ValueError("no JSON Web Key Set with a usable key") from None
    keys = {each.key_id: each for each in published if _verifies(each)}
    if not keys:
        raise ValueError("no key for RS256 or ES256")
    return keys | {None: next(iter(keys.values()))} if len(keys) == 1 else keys


def _verifies(key: PyJWK) -> bool:
    return key.algorithm_name in _PUBLISHED and key.public_key_use in (None, "sig")


@dataclass(frozen=True, slots=True)
class Tokens:
    """Judges tokens; without a secret and published keys none is good."""

    secret: str | None = field(default=None, repr=False)
    published: PublishedKeys | None = None
    audience: str | None = None
    issuer: str | None = None

    async def verify(self, token: str, now: Instant) -> ValidatedUser:
        """Return for whom a token stands, who may have no tenant yet.

        Raises InvalidToken, and AuthenticationUnavailable where the keys to judge it
        with cannot be had.
        """
        claims = await self._claims(token, now)
        check_times(claims, now)
        return user_of(claims)

    async def _claims(self, token: str, now: Instant) -> Claims:
        if len(token) > _LONGEST_TOKEN:
            raise InvalidToken
        try:
            header = jwt.get_unverified_header(token)
            key, algorithm = await self._key(header, now)
            claims: Claims = _DECODER.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self.audience,
                issuer=self.issuer,
            )
        except (jwt.PyJWTError, ValueError):
            raise InvalidToken from None
        return claims

    async def _key(self, header: Claims, now: Instant) -> tuple[str | PyJWK, str]:
        """Return the key and the one algorithm that goes with it."""
        algorithm = header.get("alg")
        if algorithm == _SHARED and self.secret is not None:
            return self.secret, _SHARED
        if algorithm in _PUBLISHED and self.published is not None:
            key = await self.published.find(header.get("kid"), now)
            if key is not None:
                return key, key.algorithm_name
        raise InvalidToken


def check_times(claims: Claims, now: Instant) -> None:
    """Raise InvalidToken past `exp`, or 60 s before `nbf` or `iat`; seconds of 1970."""
    seconds = to_datetime(now).timestamp()
    if _seconds(claims, "exp", 0) <= seconds:
        raise InvalidToken
    for name in ("nbf", "iat"):
        if _seconds(claims, name, seconds) > seconds + LEEWAY_SECONDS:
            raise InvalidToken


def _seconds(claims: Claims, name: str, absent: float) -> float:
    value = claims.get(name, absent)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not -_INFINITY < value < _INFINITY:
        raise InvalidToken
    number: float = value
    return number


def user_of(claims: Claims) -> ValidatedUser:
    """Read user, tenant and role; raise InvalidToken for what cannot be used."""
    user_id = claims.get("sub", claims.get("user_id"))
    role = _ROLES.get(str(claims.get("role")))
    tenant = claims.get("tenant_id")
    if not _is_id(user_id) or role is None or not isinstance(tenant, str | None):
        raise InvalidToken
    try:
        tenant_id = None if tenant is None else parse_uuid(tenant)
    except InvalidField:
        raise InvalidToken from None
    return ValidatedUser(str(user_id), tenant_id, role)


def _is_id(value: object) -> bool:
    if not isinstance(value, str) or not value.isprintable():
        return False
    return len(value.strip()) > 0 and len(value) <= _LONGEST_USER_ID
