"""Microsoft's own description of Graph, as schemas that judge what goes to and fro.

It is not ours to keep in this repository. Where `../shared/contracts` lies beside the
checkout it is read from there; elsewhere nothing judges, and the exam runs without.

What the description leaves out, and Microsoft's reference pages have, stands in
`_QUERIES`, `_HEADERS`, `_STATUSES` and `_PLAIN` below.
"""

import json
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jsonschema_rs

Json = dict[str, Any]

_ROOT = Path(__file__).parents[3]
_PATH = _ROOT.parent / "shared/contracts/msgraph-calendar.openapi.json"

_QUERIES = {
    "users.calendars_GetEvents": {"$expand"},
    "users.calendars_ListEvents": {"$expand"},
    "users.events_ListInstances": {"startDateTime", "endDateTime"},
}
_HEADERS = {"users.calendars_UpdateEvents": {"if-match"}}
_STATUSES = {"users.calendars_UpdateEvents": {"200": "microsoft.graph.event"}}
_PLAIN = {"/me", "/me/mailboxSettings"}
_PREFERENCES = ('IdType="ImmutableId"', 'outlook.timezone="UTC"')
# Every navigation property can be sent along with what it belongs to.
_NAVIGATION = {"singleValueExtendedProperties"}


class Violation(AssertionError):
    """It is not as Microsoft describes it."""


@dataclass(frozen=True)
class Operation:
    template: str
    described: Json

    @property
    def name(self) -> str:
        return str(self.described["operationId"])


@dataclass(frozen=True)
class Contract:
    document: Json
    validators: dict[str, Any] = field(default_factory=dict)

    def operation(self, method: str, path: str) -> Operation | None:
        """Return what describes a request; None where only reference pages do."""
        if path in _PLAIN and method == "GET":
            return None
        for template, item in self.document["paths"].items():
            pattern = re.sub(r"\{[^}]+\}", "[^/]+", template)
            if re.fullmatch(pattern, path) and method.lower() in item:
                return Operation(template, item[method.lower()])
        raise Violation(f"{method} {path} is not described")

    def check_request(
        self, method: str, target: str, headers: dict[str, str], content: bytes
    ) -> None:
        url = urlsplit(target)
        operation = self.operation(method, url.path)
        self._check_headers(operation, headers)
        if operation is None:
            return
        self._check_query(operation, url.query)
        wanted = operation.described.get("requestBody")
        if (wanted is not None) != bool(content):
            raise Violation(f"{operation.name}: a body is {'missing' * bool(wanted)}")
        if wanted is not None:
            self._check_body(operation, wanted, headers, json.loads(content))

    def _check_headers(
        self, operation: Operation | None, headers: dict[str, str]
    ) -> None:
        if not headers.get("authorization", "").startswith("Bearer "):
            raise Violation("no access token")
        given = [each.strip() for each in headers.get("prefer", "").split(",")]
        missing = [each for each in _PREFERENCES if each not in given]
        if missing:
            raise Violation(f"not preferred: {missing}")
        if operation is None or "if-match" not in headers:
            return
        known = {p["name"].lower() for p in self._parameters(operation, "header")}
        if "if-match" not in known | _HEADERS.get(operation.name, set()):
            raise Violation(f"{operation.name}: if-match is not described")

    def _parameters(self, operation: Operation, place: str) -> list[Json]:
        known = [self._resolved(e) for e in operation.described.get("parameters", ())]
        return [each for each in known if each["in"] == place]

    def _resolved(self, described: Json) -> Json:
        if "$ref" not in described:
            return described
        _, _, kind, name = described["$ref"].split("/")
        return dict(self.document["components"][kind][name])

    def _check_query(self, operation: Operation, query: str) -> None:
        known = {p["name"]: p for p in self._parameters(operation, "query")}
        given = dict(
            parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
        )
        strange = set(given) - set(known) - _QUERIES.get(operation.name, set())
        if strange:
            raise Violation(f"{operation.name}: {sorted(strange)} is not described")
        missing = {n for n, p in known.items() if p.get("required")} - set(given)
        if missing:
            raise Violation(f"{operation.name}: {sorted(missing)} is missing")
        for name, value in given.items():
            if name in known:
                self._check(known[name]["schema"], _read(known[name]["schema"], value))

    def _check_body(
        self, operation: Operation, wanted: Json, headers: dict[str, str], body: Json
    ) -> None:
        if headers.get("content-type") != "application/json":
            raise Violation(f"{operation.name}: not sent as JSON")
        schema = wanted["content"]["application/json"]["schema"]
        self._check(schema, body)
        strange = set(body) - self._names(schema) - _NAVIGATION
        if strange:
            raise Violation(f"{operation.name}: no such fields {sorted(strange)}")

    def _names(self, schema: Json) -> set[str]:
        schema = self._resolved(schema)
        parts = (self._names(each) for each in schema.get("allOf", ()))
        return set(schema.get("properties", {})).union(*parts)

    def check_answer(self, method: str, target: str, status: int, body: bytes) -> None:
        operation = self.operation(method, urlsplit(target).path)
        if operation is None:
            json.loads(body)
            return
        extra = _STATUSES.get(operation.name, {}).get(str(status))
        if extra is not None:
            schema = {"$ref": f"#/components/schemas/{extra}"}
            self._check(schema, json.loads(body), is_answer=True)
            return
        answers = operation.described["responses"]
        if status < 400 and str(status) not in answers:
            raise Violation(f"{operation.name}: {status} is not described")
        described = self._resolved(answers.get(str(status)) or answers["default"])
        if ("content" in described) != bool(body):
            raise Violation(f"{operation.name}: {status} with a body, or without")
        if body:
            schema = described["content"]["application/json"]["schema"]
            self._check(schema, json.loads(body), is_answer=True)

    def _check(self, schema: Json, value: object, *, is_answer: bool = False) -> None:
        key = json.dumps([schema, is_answer])
        if key not in self.validators:
            whole = {**schema, "components": self.document["components"]}
            translated = _as_json_schema(whole, is_answer=is_answer)
            self.validators[key] = jsonschema_rs.Draft202012Validator(translated)
        try:
            self.validators[key].validate(value)
        except jsonschema_rs.ValidationError as error:
            raise Violation(str(error)) from None


def _read(schema: Json, value: str) -> object:
    match schema.get("type"):
        case "array":
            return value.split(",")
        case "integer":
            return int(value)
        case _:
            return value


def _as_json_schema(schema: Any, *, is_answer: bool) -> Any:
    """Translate OpenAPI 3.0 to JSON Schema 2020-12: `nullable` has no meaning there.

    In answers, what refers to another type may be null too: the examples of the
    description itself have `"recurrence": null`.
    """
    if isinstance(schema, list):
        return [_as_json_schema(each, is_answer=is_answer) for each in schema]
    if not isinstance(schema, dict):
        return schema
    told = {
        name: _as_json_schema(each, is_answer=is_answer)
        for name, each in schema.items()
        if name not in ("nullable", "example", "examples")
    }
    if is_answer and isinstance(told.get("properties"), dict):
        told["properties"] = {n: _or_null(e) for n, e in told["properties"].items()}
    if schema.get("nullable") is True and isinstance(told.get("type"), str):
        told["type"] = [told["type"], "null"]
    return told


def _or_null(schema: Any) -> Any:
    if isinstance(schema, dict) and "$ref" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    return schema


@lru_cache(maxsize=1)
def read_contract() -> Contract | None:
    """Return Microsoft's description; None where it does not lie beside us."""
    if not _PATH.exists():
        return None
    return Contract(json.loads(_PATH.read_text()))
