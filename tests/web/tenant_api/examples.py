"""Requests for any operation of the tenant API, made up from what it documents."""

from typing import Any, Final

from pydantic import BaseModel

from universal_calendar.web.tenant_api.openapi import AnyOperation
from universal_calendar.web.tenant_api.operation import Source
from universal_calendar.web.tenant_api.routes import TenantApi

OPERATIONS: Final = TenantApi.for_documentation().operations()
NOBODYS_ID: Final = "00000000-0000-7000-8000-00000000dead"

Json = dict[str, Any]


def names_in(path: str) -> list[str]:
    """Return the names of a path's parameters."""
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


def smallest(model: type[BaseModel]) -> Json:
    """Return what a model requires, made of its own examples."""
    schema = model.model_json_schema(by_alias=True)
    made = _value(schema, schema.get("$defs", {}))
    assert isinstance(made, dict)
    return made


def _value(schema: Json, known: Json) -> Any:
    if "$ref" in schema:
        return _value(known[schema["$ref"].rpartition("/")[2]], known)
    for name in ("examples", "enum", "anyOf", "allOf"):
        if name in schema:
            first = schema[name][0]
            return _value(first, known) if name.endswith("Of") else first
    for name in ("const", "default"):
        if name in schema:
            return schema[name]
    return _of_type(schema, known)


def _of_type(schema: Json, known: Json) -> Any:
    match schema.get("type"):
        case "object":
            properties = schema.get("properties", {})
            wanted = schema.get("required", [])
            return {name: _value(properties[name], known) for name in wanted}
        case "array":
            return [_value(schema["items"], known)] * schema.get("minItems", 0)
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "null":
            return None
    return "x" * max(1, schema.get("minLength", 1))


def asked(
    operation: AnyOperation, tenant_id: str, ids: dict[str, str], **fields: Any
) -> Json:
    """Return the parts of a request: method, path, and query or body.

    Ids that are not given are nobody's.
    """
    path = operation.path.replace("{tenantId}", tenant_id)
    for name in names_in(path):
        path = path.replace(f"{{{name}}}", ids.get(name, NOBODYS_ID))
    inputs = {"tenantId": tenant_id, **smallest(operation.inputs), **fields}
    place = "json" if operation.source is Source.BODY else "params"
    return {"method": operation.method, "path": path, place: inputs}
