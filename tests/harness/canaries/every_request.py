"""Requests for every operation of both dialects, made up from the OpenAPI document."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Any, Final

from tests.harness.canaries.strings import Canaries
from universal_calendar.web.app import openapi_document

Json = dict[str, Any]
Place = tuple[str | int, ...]

TOO_LONG: Final = 20_000
_LEFT_OUT: Final = object()
# What only makes sense together with something that is there, or in other requests.
_ABSENT: Final = (
    *("holdId", "status", "force", "page", "limit", "id", "before", "api_key"),
    *("provider", "sendsEmail", "sendsSms", "sendsBroadcast", "visitId"),
)


@dataclass(frozen=True)
class Leaf:
    """A field that holds no others: where it stands, and what the document says."""

    place: Place
    schema: Json

    @property
    def name(self) -> str:
        """Return the field's own name, a list's for what is in it."""
        return str([each for each in self.place if isinstance(each, str)][-1])

    @property
    def path(self) -> str:
        """Return the names that lead to it."""
        return ".".join(map(str, self.place))

    @property
    def takes_text(self) -> bool:
        """Tell whether a word of one's own choosing may stand here."""
        pattern = self.schema.get("pattern", "")
        is_text = self.schema.get("type") == "string" and "enum" not in self.schema
        return is_text and re.search(pattern, "zqx000001") is not None


@dataclass(frozen=True)
class Endpoint:
    """One operation, with the fields of its query and of its body."""

    method: str
    path: str
    query: tuple[Leaf, ...]
    body: tuple[Leaf, ...]

    @property
    def name(self) -> str:
        """Return method and path."""
        return f"{self.method} {self.path}"

    @property
    def is_agent_api(self) -> bool:
        """Tell which dialect it speaks."""
        return self.path.startswith("/api/")

    @property
    def ids(self) -> list[str]:
        """Return the names in its path."""
        return re.findall(r"{(\w+)}", self.path)


@dataclass(frozen=True)
class Wish:
    """The parts of one request."""

    endpoint: Endpoint
    path: str
    query: Json
    body: Json | None
    headers: Mapping[str, str] = field(default_factory=dict)


@cache
def endpoints() -> Sequence[Endpoint]:
    """Return the operations that are documented."""
    document = openapi_document()
    return [
        Endpoint(
            method.upper(),
            path,
            tuple(
                leaf
                for each in operation.get("parameters", ())
                if each["in"] == "query"
                for leaf in _leaves(document, each["schema"], (each["name"],))
            ),
            tuple(_leaves(document, _body_of(operation))),
        )
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def _body_of(operation: Json) -> Json:
    content = operation.get("requestBody", {}).get("content", {})
    schema: Json = content.get("application/json", {}).get("schema", {})
    return schema


def _leaves(document: Json, schema: Json, place: Place = ()) -> Iterator[Leaf]:
    schema = _resolved(document, schema)
    if "properties" in schema:
        for name, each in schema["properties"].items():
            yield from _leaves(document, each, (*place, name))
    elif schema.get("type") == "array":
        yield from _leaves(document, schema["items"], (*place, 0))
    elif place:
        yield Leaf(place, schema)


def _resolved(document: Json, schema: Json) -> Json:
    while True:
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            schema = document["components"]["schemas"][name]
        elif "anyOf" in schema:
            schema = next(each for each in schema["anyOf"] if each != {"type": "null"})
        else:
            return schema


@dataclass
class Writer:
    """Fills fields: a canary where people write, else what the service can use.

    `fixed` are values by name of field, for the fields of this business.
    """

    canaries: Canaries
    fixed: Json

    def wish(self, endpoint: Endpoint, ids: Mapping[str, str], **fixed: object) -> Wish:
        """Return a request that is to succeed, with every field that may be in it."""
        path = endpoint.path
        for name in endpoint.ids:
            path = path.replace(f"{{{name}}}", ids[name])
        query = self._filled(endpoint, endpoint.query, fixed)
        body = self._filled(endpoint, endpoint.body, fixed) if endpoint.body else None
        headers = self._headers(endpoint)
        return Wish(endpoint, path, query if body is None else {}, body, headers)

    def _headers(self, endpoint: Endpoint) -> Mapping[str, str]:
        names = {"X-Request-ID", "User-Agent", "Cookie", "X-Whatever", "Referer"}
        if endpoint.method == "POST":
            names |= {"Idempotency-Key"}
        return {
            name: self.canaries.text(f"{endpoint.name} header {name}") for name in names
        }

    def _filled(
        self, endpoint: Endpoint, leaves: tuple[Leaf, ...], fixed: Json
    ) -> Json:
        filled: Json = {}
        for leaf in leaves:
            value = self._value(endpoint, leaf, self.fixed | fixed)
            if value is not _LEFT_OUT:
                put(filled, leaf.place, value)
        unknown = self.canaries.text(f"{endpoint.name} unknown")
        filled[unknown] = unknown
        return filled

    def _value(self, endpoint: Endpoint, leaf: Leaf, fixed: Json) -> object:
        if leaf.name in fixed:
            return fixed[leaf.name]
        if leaf.name in _ABSENT:
            return _LEFT_OUT
        return self.canary(f"{endpoint.name} {leaf.path}", leaf) or _plain(leaf.schema)

    def canary(self, origin: str, leaf: Leaf) -> str | float | None:
        """Return a canary that fits the field; None where none can."""
        if "phone" in leaf.name.lower():
            return self.canaries.phone(origin)
        if "email" in leaf.name.lower():
            return self.canaries.email(origin)
        if leaf.name in ("latitude", "longitude"):
            return self.canaries.degrees(origin)
        return self.canaries.text(origin) if leaf.takes_text else None

    def spoilt(self, wish: Wish) -> Iterator[Wish]:
        """Return the request over and over, one field at a time what it cannot be."""
        endpoint, canaries = wish.endpoint, self.canaries
        for leaf in endpoint.body if wish.body is not None else ():
            origin = f"{endpoint.name} spoilt {leaf.path}"
            yield _with(wish, leaf, [canaries.text(origin)])
            yield _with(wish, leaf, {canaries.text(origin): canaries.text(origin)})
            yield _with(wish, leaf, canaries.text(origin) + "x" * TOO_LONG)
            yield _with(wish, leaf, canaries.text(origin) + "\0")
            if not leaf.takes_text:
                yield _with(wish, leaf, canaries.text(origin))
        for leaf in endpoint.query:
            origin = f"{endpoint.name} spoilt query {leaf.path}"
            wrong = canaries.text(origin)
            for value in (wrong, wrong + "\0", wrong + "x" * TOO_LONG, [wrong, wrong]):
                query = wish.query | {leaf.name: value}
                yield Wish(endpoint, wish.path, query, wish.body)


def _plain(schema: Json) -> object:
    for name in ("examples", "enum"):
        if name in schema:
            return schema[name][0]
    if "default" in schema:
        return schema["default"]
    return {"boolean": False, "string": "x"}.get(
        schema.get("type", ""), int(schema.get("minimum", 1))
    )


def _with(wish: Wish, leaf: Leaf, value: object) -> Wish:
    body = _copied(wish.body)
    put(body, leaf.place, value)
    return Wish(wish.endpoint, wish.path, wish.query, body)


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copied(each) for name, each in value.items()}
    return [*map(_copied, value)] if isinstance(value, list) else value


def put(tree: Json, place: Place, value: object) -> None:
    """Set a value deep in a body; lists get one element."""
    node: Any = tree
    for name, following in pairwise(place):
        empty: Any = [None] if following == 0 else {}
        if isinstance(node, list):
            node[0] = empty if node[0] is None else node[0]
            node = node[0]
        else:
            node = node.setdefault(name, empty)
    node[place[-1]] = value
