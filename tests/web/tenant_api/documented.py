"""Answers against the specification's examples: by kind, since ids and times differ."""

import re
from typing import Any, Final

import httpx2

_KINDS: Final = {
    "an id": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "a time": r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z",
    "a date": r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
}


def check_documented(answer: httpx2.Response, example: dict[str, Any]) -> Any:
    """Return the data of a good answer; every field of the example must be in it."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert body.keys() == {"success", "data"}
    assert body["success"] is True
    _check(body["data"], example, "data")
    return body["data"]


def _check(found: Any, example: Any, where: str) -> None:
    assert type(found) is type(example), f"{where}: {found!r}"
    if isinstance(example, dict):
        for name, value in example.items():
            assert name in found, f"{where}.{name} is missing"
            _check(found[name], value, f"{where}.{name}")
    elif isinstance(example, list):
        for number, each in enumerate(found if example else ()):
            _check(each, example[0], f"{where}[{number}]")
    elif isinstance(example, str):
        kind = _kind_of(example)
        assert kind is None or re.fullmatch(_KINDS[kind], found), f"{where}: no {kind}"


def _kind_of(example: str) -> str | None:
    if example.endswith("-uuid"):
        return "an id"
    times = [kind for kind, form in _KINDS.items() if re.fullmatch(form, example)]
    return times[0] if times else None
