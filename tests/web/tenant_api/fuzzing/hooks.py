"""What OpenAPI cannot say of the tenant API, told to schemathesis."""

import re
from collections.abc import MutableMapping
from itertools import count
from pathlib import Path
from typing import Any, Final

import schemathesis

BEYOND_A_SCHEMA: Final = {
    "timezone": "names of the IANA database",
    "endTime": "after startTime",
    "appointmentData.endTime": "after startTime",
    "endDate": "not before startDate, nor 91 days after it",
    "phone": "digits of any script; phone or email is given",
    "url": "no user, no query, no port 0",
    "confirm": "the tenant's name",
    "expiresAt": "to come",
    "appointmentData.serviceDetails.estimatedCost": "at most two decimals",
    "hours": "as docs/hours.md has it",
}
NO_SUCH_DAY: Final = re.compile(r"-02-(29|3[01])|-(04|06|09|11)-31")
TENANT: Final = Path("tenants.dict").read_text().strip('"')
_calls = count()


@schemathesis.hook
def map_body(_context: schemathesis.HookContext, body: Any) -> Any:
    """Write 45.0 as 45: one integer to JSON Schema, but not to us."""
    if isinstance(body, dict):
        return {name: map_body(_context, value) for name, value in body.items()}
    if isinstance(body, list):
        return [map_body(_context, value) for value in body]
    return int(body) if isinstance(body, float) and body.is_integer() else body


@schemathesis.hook
def before_call(
    _context: schemathesis.HookContext, case: schemathesis.Case[Any], **_options: object
) -> None:
    """Name the tenant, as a service key must; use no good idempotency key twice."""
    if "{tenantId}" in case.path:
        case.query.pop("tenantId", None)
    elif case.operation.label != "POST /tenants":
        place = case.body if isinstance(case.body, dict) else case.query
        if place.get("tenantId") is None:
            place["tenantId"] = TENANT
    headers: MutableMapping[str, str] = case.headers or {}
    key = headers.get("Idempotency-Key", "")
    if re.fullmatch(r"[\x21-\x7e]{1,255}", key):
        headers["Idempotency-Key"] = f"{key[:200]}-{next(_calls)}"


@schemathesis.check
def what_fits_is_no_bad_field(
    _context: schemathesis.CheckContext,
    response: schemathesis.Response,
    case: schemathesis.Case[Any],
) -> None:
    """Refuse what fits the schema by a rule of the business, not as a bad field."""
    if response.status_code != 400 or not case.meta.generation.mode.is_positive:
        return
    error = response.json()["error"]
    if error["code"] == "VALIDATION_ERROR" and not NO_SUCH_DAY.search(_sent(case)):
        named = {each["field"] for each in error["details"]["fields"]}
        hours = {each for each in named if each.startswith("hours")}
        assert not named - hours - BEYOND_A_SCHEMA.keys(), error["details"]


def _sent(case: schemathesis.Case[Any]) -> str:
    return f"{case.query} {case.body}"
