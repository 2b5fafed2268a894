"""What OpenAPI cannot say of the agent API, told to schemathesis."""

import re
from collections.abc import MutableMapping
from itertools import count
from typing import Any

import schemathesis

_calls = count()


@schemathesis.hook
def filter_body(_context: schemathesis.HookContext, body: object) -> bool:
    """Drop durations such as 45.0: an integer to JSON Schema, but not to the guide."""
    minutes = body.get("duration_minutes") if isinstance(body, dict) else None
    return not (isinstance(minutes, float) and minutes.is_integer())


@schemathesis.hook
def before_call(
    _context: schemathesis.HookContext, case: schemathesis.Case[Any], **_options: object
) -> None:
    """Use no good idempotency key twice: it belongs to the request that came first."""
    headers: MutableMapping[str, str] = case.headers or {}
    key = headers.get("Idempotency-Key", "")
    if re.fullmatch(r"[\x21-\x7e]{1,255}", key):
        headers["Idempotency-Key"] = f"{key[:200]}-{next(_calls)}"
