"""Values that do not fit a field, made up from what the field's schema says."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, Final

from pydantic import BaseModel

from universal_calendar.core.wire import DATE_PATTERN, UUID_PATTERN
from universal_calendar.web.tenant_api.fields import E164_PATTERN, INSTANT_PATTERN

Json = dict[str, Any]
Path = tuple[str, ...]

CANARY: Final = "canary-4711"
NUMBER: Final = 73401271
UUID: Final = "8d5b1c2e-7f3a-4b6d-9c8e-1a2b3c4d5e6f"
_TIMES: Final = [
    *("2031-07-09T11:45:00", "2031-07-09T11:45:01Z", "2031-07-09T11:45:00.5Z"),
    *("2031-07-09 11:45:00Z", "2031-07-09", "20310709T114500Z", "2031-07-09T11:45Z\n"),
    *("0001-01-01T00:00:00Z", "9999-12-31T23:59:00Z", "1969-12-31T23:59:00Z"),
    *("3000-01-01T00:00:00Z", "2031-02-30T11:45:00Z", "2031-13-09T11:45:00Z"),
    *("2031-07-09T24:00:00Z", "2031-07-09T11:45:00+99:99", "2031-07-09T11:45:00+24:00"),
    *(
        "1941370500",
        "2031-W28-3T11:45:00Z",
        "\u0662\u0660\u0663\u0661-07-09T11:45:00Z",
        "tomorrow 11:45",
    ),
]
_DAYS: Final = [
    *("0001-01-01", "1969-12-31", "3000-01-01", "9999-12-31", "2031-02-30"),
    *("2031-13-09", "2031-7-9", "07/09/2031", "2031-07-09\n", "2031-07-09T00:00:00Z"),
    *("20310709", "\u0662\u0660\u0663\u0661-07-09", "1941321600", "tomorrow"),
]
_IDS: Final = [
    *(UUID[:-1], f"{UUID}\n", f"{{{UUID}}}", f"urn:uuid:{UUID}", UUID.replace("-", "")),
    *("\u0660" * 36, f"{UUID}/../{UUID}", f"' OR '{UUID}"),
]
_PHONES: Final = [
    "5550147",
    "+01234567",
    "+1 415 555 0147",
    "14155550147",
    "+14155550147\n",
]
_BY_PATTERN: Final = {
    INSTANT_PATTERN: _TIMES,
    DATE_PATTERN: _DAYS,
    UUID_PATTERN: _IDS,
    E164_PATTERN: [*_PHONES, "+" + "7" * 16],
}
_BY_NAME: Final = {
    "timezone": [
        *("Mars/Canary", "america/new_york", "+02:00", "localtime", "Factory"),
        *("../../etc/passwd", "UTC\0", "Etc", "posixrules"),
    ],
    "email": [f"{CANARY}", f"{CANARY}@", f"{CANARY}@b c", f"{CANARY}@@b", "c@b\n"],
}


def fields_of(model: type[BaseModel]) -> Iterator[tuple[Path, Json]]:
    """Return every field that a model has, however deep, with its schema."""
    schema = model.model_json_schema(by_alias=True)
    yield from _fields(schema, schema.get("$defs", {}), ())


def _fields(schema: Json, known: Json, path: Path) -> Iterator[tuple[Path, Json]]:
    for name, each in schema.get("properties", {}).items():
        field = _resolved(each, known)
        yield (*path, name), field
        yield from _fields(field, known, (*path, name))


def _resolved(schema: Json, known: Json) -> Json:
    """Return the schema without references; `isNullable` where null fits too."""
    if "$ref" in schema:
        return _resolved(known[schema["$ref"].rpartition("/")[2]], known)
    choices = schema.get("anyOf", [])
    others = [each for each in choices if each.get("type") != "null"]
    if not others:
        return schema
    return _resolved(others[0], known) | {"isNullable": len(others) < len(choices)}


def misfits(name: str, schema: Json) -> list[Any]:
    """Return JSON values that the field must refuse."""
    others = {
        "string": [NUMBER, NUMBER + 0.5, True, [CANARY], {CANARY: CANARY}],
        "integer": ["7", str(NUMBER), NUMBER + 0.5, 1.0, True, [NUMBER], {CANARY: 1}],
        "number": [str(NUMBER), True, [NUMBER], {CANARY: NUMBER}],
        "boolean": [0, 1, NUMBER, "true", CANARY, [True], {CANARY: True}],
        "array": [CANARY, NUMBER, True, {CANARY: CANARY}, [[[CANARY]]]],
        "object": [CANARY, NUMBER, True, [CANARY]],
    }[schema["type"]]
    found = [*others, *_out_of_bounds(schema), _nested(400)]
    if schema["type"] == "string":
        found += wrong_texts(name, schema)
    return found if schema.get("isNullable") else [*found, None]


def _nested(levels: int) -> Any:
    deep: Any = CANARY
    for _ in range(levels):
        deep = [deep]
    return deep


def _out_of_bounds(schema: Json) -> list[Any]:
    found: list[Any] = []
    if "minimum" in schema:
        found += [schema["minimum"] - 1, -NUMBER]
    if "maximum" in schema:
        found += [schema["maximum"] + 1, NUMBER * 10_000, 10**30, 1e308]
    if "maxItems" in schema:
        found.append([1] * (int(schema["maxItems"]) + 1))
    return found


def wrong_texts(name: str, schema: Json) -> list[str]:
    """Return texts that a field of texts must refuse."""
    if "enum" in schema:
        return ["", CANARY, f"{schema['enum'][0]}\n", schema["enum"][0].upper()]
    found = [f"{CANARY}\0", CANARY * 2000]
    if schema.get("minLength"):
        found.append("")
    return [*found, *_BY_PATTERN.get(schema.get("pattern", ""), _BY_NAME.get(name, []))]


def wrong_in_query(name: str, schema: Json) -> list[str]:
    """Return texts that the field must refuse in a query, where all is text."""
    if schema["type"] == "string":
        return wrong_texts(name, schema)
    if schema["type"] == "boolean":
        return ["", "1", "0", "TRUE", "yes", CANARY]
    bounds = [int(schema["minimum"]) - 1, int(schema["maximum"]) + 1]
    odd = [
        "",
        " 7",
        "7 ",
        "+7",
        "7.0",
        "1e3",
        "0x7",
        "\u0667",
        "true",
        "NaN",
        "9" * 5000,
    ]
    return [*map(str, bounds), *odd, CANARY]


def with_value(inputs: Json, path: Path, value: Any) -> Json:
    """Return a copy of the inputs with another value in one place."""
    changed = deepcopy(inputs)
    place = changed
    for name in path[:-1]:
        place = place.setdefault(name, {})
    place[path[-1]] = value
    return changed
