"""Google's own description of its Calendar API, held against what goes to and fro.

The discovery document comes with the package `google-api-python-client`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import jsonschema_rs

from tests.providers.google.wire import Answer, Json, Request, unquoted

PREFIX = "/calendar/v3/"
_INTEGERS = {"int64": r"^-?[0-9]+$", "uint64": r"^[0-9]+$"}
_KEPT = {"type", "description", "pattern", "enum"}
ERROR: Json = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "errors"],
            "properties": {
                "code": {"type": "integer"},
                "message": {"type": "string"},
                "errors": {
                    "type": "array",
                    "minItems": 1,
                    "items": {"type": "object", "required": ["domain", "reason"]},
                },
            },
        }
    },
}


@dataclass(frozen=True)
class Method:
    """A method of the document, with the places in the path that it names."""

    document: Json
    places: Mapping[str, str]

    @property
    def name(self) -> str:
        return str(self.document["id"])

    @property
    def scopes(self) -> set[str]:
        return set(self.document["scopes"])


class Breach(Exception):
    """Something that the document does not allow."""


@lru_cache(maxsize=1)
def _document() -> Json:
    cache = files("googleapiclient").joinpath("discovery_cache", "documents")
    return dict(json.loads(cache.joinpath("calendar.v3.json").read_text()))


def method_of(verb: str, path: str) -> Method:
    """Return the method that serves a path; raise Breach if there is none."""
    for method in _methods(_document()["resources"]):
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", method["path"])
        found = re.fullmatch(re.escape(PREFIX) + pattern, path)
        if found and method["httpMethod"] == verb:
            places = {name: unquoted(text) for name, text in found.groupdict().items()}
            return Method(method, places)
    raise Breach(f"{verb} {path}: no such method")


def _methods(resources: Json) -> Iterator[Json]:
    for resource in resources.values():
        yield from resource.get("methods", {}).values()
        yield from _methods(resource.get("resources", {}))


def check_request(method: Method, request: Request) -> None:
    """Raise Breach for a request that the document does not describe."""
    _check_parameters(method, request)
    schema = method.document.get("request")
    if schema is None:
        if request.content:
            raise Breach(f"{method.name} takes no body")
        return
    if request.headers.get("content-type") != "application/json":
        raise Breach(f"{method.name} takes JSON")
    validator = _validator(schema["$ref"], is_patch="PATCH" in request.method)
    _check(validator, request.json)
    _check_needed(schema["$ref"], method.name, request.json)


def _check_parameters(method: Method, request: Request) -> None:
    known = {**_document()["parameters"], **method.document.get("parameters", {})}
    given = [*request.query, *method.places.items()]
    for name, text in given:
        if name not in known:
            raise Breach(f"{method.name} has no parameter {name}")
        _check_parameter(known[name], text)
    names = [name for name, _ in given]
    for name, described in known.items():
        if described.get("required") and name not in names:
            raise Breach(f"{method.name} needs {name}")
        if not described.get("repeated") and names.count(name) > 1:
            raise Breach(f"{method.name} takes one {name}")


def _check_parameter(described: Json, text: str) -> None:
    value: object = text
    if described["type"] in ("integer", "boolean"):
        try:
            value = json.loads(text)
        except ValueError:
            raise Breach(f"{text} is no {described['type']}") from None
    schema = _schema(described, is_patch=False)
    _check(jsonschema_rs.Draft202012Validator(schema, validate_formats=True), value)


def check_answer(method: Method, answer: Answer, *, is_partial: bool) -> None:
    """Raise Breach for an answer that the document does not describe."""
    if answer.status >= 400:
        _check(jsonschema_rs.Draft202012Validator(ERROR), answer.body)
        return
    schema = method.document.get("response")
    if schema is None:
        if answer.body is not None:
            raise Breach(f"{method.name} answers nothing")
        return
    _check(_validator(schema["$ref"], is_patch=False), answer.body)
    if not is_partial and (answer.body or {}).get("kind") is None:
        raise Breach(f"{method.name} says what it answers")


def _check_needed(schema: str, method: str, body: Json) -> None:
    """Hold against what the document marks as required of this very method."""
    for name, described in _document()["schemas"][schema]["properties"].items():
        needed_by = described.get("annotations", {}).get("required", ())
        if method in needed_by and body.get(name) is None:
            raise Breach(f"{method} needs {name}")


@lru_cache(maxsize=64)
def _validator(name: str, *, is_patch: bool) -> Any:
    definitions = {
        each: _schema(schema, is_patch=is_patch)
        for each, schema in _document()["schemas"].items()
    }
    whole = {"$ref": f"#/$defs/{name}", "$defs": definitions}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


def _check(validator: Any, value: object) -> None:
    try:
        validator.validate(value)
    except jsonschema_rs.ValidationError as error:
        raise Breach(str(error)) from None


def _schema(described: Json, *, is_patch: bool) -> Json:
    """Turn a schema of the document into one of JSON Schema.

    In the body of a patch null clears a field.
    """
    if "$ref" in described:
        schema: Json = {"$ref": f"#/$defs/{described['$ref']}"}
    else:
        schema = _own_schema(described, is_patch)
    return {"anyOf": [schema, {"type": "null"}]} if is_patch else schema


def _own_schema(described: Json, is_patch: bool) -> Json:
    schema = {name: value for name, value in described.items() if name in _KEPT}
    if described.get("type") == "any":
        del schema["type"]
    for bound in ("minimum", "maximum"):
        if bound in described:
            schema[bound] = int(described[bound])
    kind = described.get("format")
    if kind in _INTEGERS and described["type"] == "string":
        schema["pattern"] = _INTEGERS[kind]
    elif kind in ("date", "date-time"):
        schema["format"] = kind
    if "items" in described:
        schema["items"] = _schema(described["items"], is_patch=is_patch)
    return schema | _members(described, is_patch)


def _members(described: Json, is_patch: bool) -> Json:
    if described.get("type") != "object":
        return {}
    more = described.get("additionalProperties")
    properties = described.get("properties", {})
    return {
        "properties": {
            name: _schema(each, is_patch=is_patch) for name, each in properties.items()
        },
        "additionalProperties": _schema(more, is_patch=is_patch) if more else False,
    }
