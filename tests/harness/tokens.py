"""Tokens as the auth service signs them, and as others would like to."""

import base64
import hashlib
import hmac
import json
from typing import Any

import jwt

from tests.harness.running import JWT_SECRET
from universal_calendar.clock import utc_now


def seconds_from_now(seconds: float) -> int:
    """Return a time as claims have it."""
    return int(utc_now().timestamp() + seconds)


def claims(tenant_id: object, **other: Any) -> dict[str, Any]:
    """Return an owner's claims for an hour; None takes one away."""
    usual = {
        "sub": "user-1",
        "tenant_id": tenant_id,
        "role": "owner",
        "exp": seconds_from_now(3600),
    }
    return usual | other


def signed(
    content: dict[str, Any],
    key: Any = JWT_SECRET,
    algorithm: str = "HS256",
    **more: Any,
) -> str:
    """Sign claims well."""
    return jwt.encode(content, key, algorithm, **more)


def forged(content: object, key: bytes, header: dict[str, Any] | None = None) -> str:
    """Sign anything with any key by HMAC-SHA256, whatever the header says."""
    head = {"alg": "HS256", "typ": "JWT"} if header is None else header
    body = f"{_segment(head)}.{_segment(content)}"
    digest = hmac.new(key, body.encode(), hashlib.sha256).digest()
    return f"{body}.{_encoded(digest)}"


def unsigned(content: dict[str, Any], algorithm: str = "none") -> str:
    """Sign nothing."""
    return f"{_segment({'alg': algorithm, 'typ': 'JWT'})}.{_segment(content)}."


def _segment(content: object) -> str:
    return _encoded(json.dumps(content).encode())


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
