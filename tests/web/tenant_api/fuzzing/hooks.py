"""What OpenAPI cannot say of the tenant API, told to schemathesis."""

import re
from collections.abc import MutableMapping
from itertools import count
from pathlib import Path
from typing import Any, Final

import schemathesis

_TENANT: Final = Path("tenants.dict").read_text().strip('"')
_calls = count()


@schemathesis.hook
def before_call(
    _context: schemathesis.HookContext, case: schemathesis.Case[Any], **_options: object
) -> None:
    """Name the tenant, as a service key must; use no good idempotency key twice."""
    if "{tenantId}" not in case.path and case.path != "/tenants":
        place = case.body if isinstance(case.body, dict) else case.query
        if place.get("tenantId") is None:
            place["tenantId"] = _TENANT
    headers: MutableMapping[str, str] = case.headers or {}
    key = headers.get("Idempotency-Key", "")
    if re.fullmatch(r"[\x21-\x7e]{1,255}", key):
        headers["Idempotency-Key"] = f"{key[:200]}-{next(_calls)}"


@schemathesis.check
def nothing_that_fits_is_refused(
    _context: schemathesis.CheckContext,
    response: schemathesis.Response,
    case: schemathesis.Case[Any],
) -> None:
    """Refuse by a business rule what fits the schema, but not as a bad field."""
    if response.status_code == 400 and case.meta.generation.mode.is_positive:
        error = response.json()["error"]
        assert error["code"] != "VALIDATION_ERROR", error["details"]
