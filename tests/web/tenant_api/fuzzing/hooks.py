"""What OpenAPI cannot say of the tenant API, told to schemathesis."""

import json
import re
from collections.abc import MutableMapping
from itertools import count, cycle
from pathlib import Path
from typing import Any, Final

import schemathesis
from schemathesis import Case, CheckContext, HookContext, Response

BEYOND_A_SCHEMA: Final = {
    "timezone": "names of the IANA database",
    "endTime": "after startTime",
    "appointmentData.endTime": "after startTime",
    "endDate": "not before startDate, nor more than 90 days after it",
    "phone": "digits of any script; phone or email is given",
    "url": "no user, no query, no port 0",
    "confirm": "the tenant's name",
    "expiresAt": "to come",
    "keyId": "of a key that is still good",
    "provider": "connected",
    "appointmentData.serviceDetails.estimatedCost": "at most two decimals",
    "hours": "as docs/hours.md has it",
}
NO_SUCH_DAY: Final = re.compile(r"-02-(29|3[01])|-(04|06|09|11)-31")
UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
KNOWN: Final[dict[str, list[str]]] = json.loads(Path("known.json").read_text())
ANSWERED: Final = Path("answered.txt").open("a", buffering=1)

_calls, _starts = count(), cycle(KNOWN["start"])


@schemathesis.hook
def map_body(context: HookContext, body: Any) -> Any:
    """Write 45.0 as 45: one integer to JSON Schema, but not to us."""
    if isinstance(body, dict):
        return {name: map_body(context, value) for name, value in body.items()}
    if isinstance(body, list):
        return [map_body(context, value) for value in body]
    return int(body) if isinstance(body, float) and body.is_integer() else body


@schemathesis.hook
def before_call(_context: HookContext, case: Case[Any], **_options: object) -> None:
    """Ask about what there is; use no good idempotency key twice."""
    body = case.body if isinstance(case.body, dict) else {}
    _name_tenant(case, body)
    for place in (case.path_parameters, case.query, body):
        _use_known_ids(case.method, place)
    if case.meta.generation.mode.is_positive and next(_calls) % 4:
        _use_coming_times(case.query, body)
    headers: MutableMapping[str, str] = case.headers or {}
    key = headers.get("Idempotency-Key", "")
    if re.fullmatch(r"[\x21-\x7e]{1,255}", key):
        headers["Idempotency-Key"] = f"{key[:200]}-{next(_calls)}"


def _name_tenant(case: Case[Any], body: dict[str, Any]) -> None:
    """Name it once, as a service key must."""
    is_valid = case.meta.generation.mode.is_positive
    if is_valid and (body or "{tenantId}" in case.path):
        case.query.pop("tenantId", None)
    if "{tenantId}" not in case.path and case.operation.label != "POST /tenants":
        place = body or case.query
        if place.get("tenantId") is None:
            place["tenantId"] = KNOWN["tenantId"][0]


def _use_known_ids(method: str, place: MutableMapping[str, Any]) -> None:
    """Take the last of what is known for a change; what is deleted is known no more."""
    for name, value in place.items():
        if name in KNOWN and isinstance(value, str) and UUID.fullmatch(value):
            known = KNOWN[name]
            if method == "DELETE" and len(known) > 1:
                place[name] = known.pop()
            else:
                place[name] = known[-1] if method == "PUT" else known[0]
                known.insert(1, known.pop(0)) if len(known) > 2 else None


def _use_coming_times(query: MutableMapping[str, Any], body: dict[str, Any]) -> None:
    start = next(_starts)
    for place in (body, body.get("appointmentData")):
        if isinstance(place, dict) and {"startTime", "endTime"} <= place.keys():
            place["startTime"] = f"{start}T10:00:00Z"
            place["endTime"] = f"{start}T10:30:00Z"
    if {"startDate", "endDate"} <= query.keys():
        query["startDate"] = query["endDate"] = start


@schemathesis.hook
def after_call(_context: HookContext, case: Case[Any], response: Response) -> None:
    """Note what was answered."""
    ANSWERED.write(f"{response.status_code} {case.operation.label}\n")


@schemathesis.check
def what_fits_is_no_bad_field(
    _context: CheckContext, response: Response, case: Case[Any]
) -> None:
    """Refuse what fits the schema by a rule of the business, not as a bad field."""
    if response.status_code != 400 or not case.meta.generation.mode.is_positive:
        return
    error = response.json()["error"]
    if error["code"] == "VALIDATION_ERROR" and not NO_SUCH_DAY.search(_sent(case)):
        named = {each["field"] for each in error["details"]["fields"]}
        hours = {each for each in named if each.startswith("hours")}
        assert not named - hours - BEYOND_A_SCHEMA.keys(), error["details"]


def _sent(case: Case[Any]) -> str:
    return f"{case.query} {case.body}"
