"""What OpenAPI cannot say of the tenant API, told to schemathesis."""

import json
import re
from collections.abc import Iterator, MutableMapping
from itertools import count, cycle, product
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
    "provider": "connected, or offered",
    "state": "of an account that is on its way, and not used",
    "code": "what a consent page gave",
    "credentials": "as the provider takes them",
    "credentials.baseUrl": "as the provider takes them",
    "calendarId": "of a calendar that may be written to",
    "syncEnabled": "of a connection that is read",
    "status": "as it is: steps have routes of their own",
    "appointmentData.serviceDetails.estimatedCost": "at most two decimals",
    "hours": "as docs/hours.md has it",
    "apiKey": "of an account, unless a token is there",
    "companyId": "of the account",
    "accessToken": "of an account",
    "jobData.endTime": "after startTime",
    "jobData.estimatedValue": "at most two decimals",
    "technicianId": "of the agent who is named",
    "visitId": "of the job",
    "reason": "in a query one of three words",
    "customerData.phone": "or an e-mail",
}
NO_SUCH_DAY: Final = re.compile(r"-02-(29|3[01])|-(04|06|09|11)-31")
UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
NOBODYS_ID: Final = "00000000-0000-7000-8000-00000000dead"
WORLD: Final = json.loads(Path("world.json").read_text())
KNOWN: Final[dict[str, list[str]]] = WORLD["ids"]
ANSWERED: Final = Path("answered.txt")
CONNECTING: Final = ("POST /calendar/connect", "POST /calendar/oauth/callback")
JOBS: Final[list[str]] = WORLD["jobs"]
KEYS: Final = re.compile(r"POST /integrations/(\w+)/connect")

_calls = count()
_times = cycle(product(WORLD["days"], range(9, 17)))
_valid: set[str] = set()
"""Cases that fitted before they were sent: what is changed here is judged anew."""


@schemathesis.hook
def map_body(context: HookContext, body: Any) -> Any:
    """Write 45.0 as 45: one integer to JSON Schema, but not to us."""
    if isinstance(body, dict):
        return {name: map_body(context, value) for name, value in body.items()}
    if isinstance(body, list):
        return [map_body(context, value) for value in body]
    return int(body) if isinstance(body, float) and body.is_integer() else body


@schemathesis.hook
def filter_case(_context: HookContext, case: Case[Any]) -> bool:
    """Leave out the page at the same path, where browsers come: it is no API."""
    return case.path != "/calendar/oauth/callback" or case.method == "POST"


@schemathesis.hook
def before_call(_context: HookContext, case: Case[Any], **_options: object) -> None:
    """Ask about what there is; use no good idempotency key twice."""
    if case.meta.generation.mode.is_positive:
        _valid.add(case.id)
    _use_known_ids(case.method, case.path_parameters)
    for place in _inputs(case):
        _use_known_ids("GET", place)
    _name_tenant(case)
    if _is_valid(case):
        for place in _inputs(case):
            place.update(_more_likely(place))
        _connect(case)
        _integrate(case)
    headers: MutableMapping[str, str] = case.headers or {}
    key = headers.get("Idempotency-Key", "")
    if re.fullmatch(r"[\x21-\x7e]{1,255}", key):
        headers["Idempotency-Key"] = f"{key[:200]}-{next(_calls)}"


def _connect(case: Case[Any]) -> None:
    """Name a provider that is offered, and finish what was begun."""
    body, label = case.body, case.operation.label
    if label not in CONNECTING or not isinstance(body, dict):
        return
    body["provider"] = "fake"
    if label == CONNECTING[1] and WORLD["states"]:
        body["state"] = WORLD["states"].pop()
        body["credentials"] = WORLD["credentials"]


def _integrate(case: Case[Any]) -> None:
    """Connect the account that there is, and ask about its jobs and technicians."""
    found = KEYS.fullmatch(case.operation.label)
    if found is not None:
        # Tokens of somebody's would be asked about in place of the key.
        _without(case, "accessToken", "refreshToken", "expiresAt")
        case.body.update(WORLD["keys"][found[1]])
    path = case.path_parameters
    if "provider" not in path:
        return
    _without(case, "technicianId", "visitId")
    path["provider"] = WORLD["platform"]
    if "jobId" in path:
        path["jobId"] = JOBS[0]
        if case.method == "DELETE":  # what is cancelled is a job no more
            path["jobId"] = JOBS.pop() if len(JOBS) > 1 else "nobodys"
    if "technicianId" in path:
        path["technicianId"] = "unassigned"


def _without(case: Case[Any], *names: str) -> None:
    for name in names:
        if isinstance(case.body, dict):
            case.body.pop(name, None)


def _is_valid(case: Case[Any]) -> bool:
    return case.id in _valid


def _inputs(case: Case[Any]) -> Iterator[MutableMapping[str, Any]]:
    yield case.query
    if isinstance(case.body, dict):
        yield case.body
        for name in ("appointmentData", "jobData"):
            if isinstance(case.body.get(name), dict):
                yield case.body[name]


def _name_tenant(case: Case[Any]) -> None:
    """Name it once, as a service key must; say nothing else twice either."""
    has_body, in_path = isinstance(case.body, dict), "{tenantId}" in case.path
    if _is_valid(case) and (has_body or in_path):
        said = set(case.body) if has_body else set()
        for name in case.query.keys() & (said | {"tenantId"}):
            del case.query[name]
    place = case.body if has_body else case.query
    if in_path or case.operation.label == "POST /tenants":
        return
    if _is_valid(case) or place.get("tenantId") is None:
        place["tenantId"] = WORLD["tenant"]


def _use_known_ids(method: str, place: MutableMapping[str, Any]) -> None:
    """Change the last of what is known alone; what is deleted is known no more."""
    for name, value in place.items():
        if name in KNOWN and isinstance(value, str) and UUID.fullmatch(value):
            ids = KNOWN[name]
            if method == "DELETE":
                place[name] = ids.pop() if len(ids) > 1 else NOBODYS_ID
            elif method == "PUT":
                place[name] = ids[-1]
            else:
                place[name] = ids[next(_calls) % max(1, len(ids) - 1)]


def _more_likely(place: MutableMapping[str, Any]) -> dict[str, Any]:
    """Return times to come, and what else is hardly found by chance."""
    day, hour = next(_times)
    likely = {
        "startTime": f"{day}T{hour:02}:00:00Z",
        "endTime": f"{day}T{hour:02}:30:00Z",
        "startDate": day,
        "endDate": day,
        # The documentation's example would meet other tests as somebody they know.
        "id": f"00000000-0000-4000-8000-{next(_calls):012x}",
        "url": WORLD["url"],
        "confirm": WORLD["name"],
    }
    return {name: value for name, value in likely.items() if place.get(name)}


@schemathesis.hook
def after_call(_context: HookContext, case: Case[Any], response: Response) -> None:
    """Note what was answered."""
    with ANSWERED.open("a") as answered:
        answered.write(f"{response.status_code} {case.operation.label}\n")


@schemathesis.check
def what_fits_is_no_bad_field(
    _context: CheckContext, response: Response, case: Case[Any]
) -> None:
    """Refuse what fits the schema by a rule of the business, not as a bad field."""
    if response.status_code != 400 or not _is_valid(case):
        return
    error, sent = response.json()["error"], f"{case.query} {case.body}"
    if error["code"] == "VALIDATION_ERROR" and not NO_SUCH_DAY.search(sent):
        named = {each["field"] for each in error["details"]["fields"]}
        hours = {each for each in named if each.startswith("hours")}
        assert not named - hours - BEYOND_A_SCHEMA.keys(), error["details"]
