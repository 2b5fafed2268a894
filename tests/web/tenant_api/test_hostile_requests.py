"""Whatever is sent, every operation answers in its envelope, and never with a 500."""

from typing import Any

import httpx2
import pytest

from tests.web.api import BOOKING
from tests.web.tenant_api.conftest import Desk
from tests.web.tenant_api.examples import NOBODYS_ID, OPERATIONS, asked, smallest
from universal_calendar.core.errors import Unauthorized
from universal_calendar.web.tenant_api.errors import CODES
from universal_calendar.web.tenant_api.openapi import AnyOperation
from universal_calendar.web.tenant_api.operation import Source

# The tenant that is forgotten would be the test's own.
HARMLESS = [each for each in OPERATIONS if each.name != "delete_tenants_tenantId"]
every_operation = pytest.mark.parametrize(
    "operation", HARMLESS, ids=lambda each: each.name
)
with_body = pytest.mark.parametrize(
    "operation",
    [each for each in OPERATIONS if each.source is not Source.QUERY],
    ids=lambda each: each.name,
)
KNOWN = {(status, code) for status, code in CODES.values()}
ODD: list[Any] = [
    *(None, True, 0, -1, 1.5, 1e308, 10**30, "", " ", "x" * 20_000, "\0", "é\u202e"),
    *([], [None], [[]], {}, {"": None}, {"a": {"b": [1]}}, "00:00", "2026-13-45"),
    *("9999-12-31T23:59:00Z", "2026-12-05T14:30:00+99:99", "../../etc", "%00", "'"),
]


def envelope(answer: httpx2.Response) -> tuple[int, str]:
    """Return status and code of an answer that is no success."""
    body = answer.json()
    assert body.keys() == {"success", "error"}, answer.text
    assert body["success"] is False
    assert body["error"].keys() == {"code", "message", "details"}
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, body["error"]["code"]


def send(desk: Desk, operation: AnyOperation, **parts: Any) -> httpx2.Response:
    usual = asked(operation, desk.tenant_id, {})
    return desk.ask(usual["method"], usual["path"], **parts)


def send_bytes(
    desk: Desk, operation: AnyOperation, content: bytes, kind: str = "application/json"
) -> httpx2.Response:
    return send(desk, operation, content=content, headers={"Content-Type": kind})


# Where a browser comes back to from a provider, beside the operation of the same path.
PAGES = {"/calendar/oauth/callback": {"GET"}}


@every_operation
def test_other_methods(operation: AnyOperation, desk: Desk) -> None:
    path = asked(operation, desk.tenant_id, {})["path"]
    answer = desk.ask("PATCH", path)
    assert envelope(answer) == (405, "METHOD_NOT_ALLOWED")
    of_path = {each.method for each in OPERATIONS if each.path == operation.path}
    of_path |= PAGES.get(operation.path, set())
    assert set(answer.headers["allow"].split(", ")) == of_path


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_word_in_an_ids_place_is_no_id(method: str, desk: Desk) -> None:
    answer = desk.ask(method, "/appointments/search")
    assert envelope(answer) == (405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("path", ["/", "/nothing", "/agents/", "/agents/a/b/c", "/API"])
def test_unknown_paths(path: str, desk: Desk) -> None:
    assert envelope(desk.get(path)) == (404, "NOT_FOUND")


@with_body
def test_bodies_that_are_none(operation: AnyOperation, desk: Desk) -> None:
    for content in (
        *(b"{", b"nonsense", b"\xff\xfe", b"[]", b"7", b"null", b'"text"', b"{}x"),
        *(b'{"a": NaN}', b'{"a": 1e999}', b'{"a": "\\ud800"}', b"{'a': 1}"),
        *(b'{"a":' * 2000 + b"1" + b"}" * 2000, b"[" * 5000 + b"]" * 5000),
    ):
        answer = send_bytes(desk, operation, content)
        assert envelope(answer) == (400, "VALIDATION_ERROR"), content[:20]


@with_body
def test_body_of_another_type(operation: AnyOperation, desk: Desk) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "json", ""):
        answer = send_bytes(desk, operation, b"{}", kind)
        assert envelope(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")


@with_body
def test_body_too_large(operation: AnyOperation, desk: Desk) -> None:
    large = b'{"a": "' + b"x" * 300_000 + b'"}'
    assert envelope(send_bytes(desk, operation, large)) == (413, "PAYLOAD_TOO_LARGE")

    def pieces() -> Any:
        yield from (large[:200_000], large[200_000:])

    headers = {"Content-Type": "application/json"}
    answer = send(desk, operation, content=pieces(), headers=headers)
    assert envelope(answer) == (413, "PAYLOAD_TOO_LARGE")


@every_operation
def test_odd_values_in_every_field(operation: AnyOperation, desk: Desk) -> None:
    good = {"tenantId": desk.tenant_id, **smallest(operation.inputs)}
    properties = operation.inputs.model_json_schema(by_alias=True)["properties"]
    place = "json" if operation.source is Source.BODY else "params"
    for name in {**good, **properties}:
        for odd in ODD if place == "json" else map(str, ODD):
            answer = send(desk, operation, **{place: {**good, name: odd}})
            if answer.status_code != 200:
                assert envelope(answer) in KNOWN, (name, odd, answer.text)


@every_operation
def test_odd_ids_in_the_path(operation: AnyOperation, desk: Desk) -> None:
    if "{" not in operation.path:
        return
    head, _, tail = operation.path.partition("{")
    rest = tail.partition("}")[2].replace("{deliveryId}", NOBODYS_ID)
    inputs = smallest(operation.inputs)
    place = "json" if operation.source is Source.BODY else "params"
    odds = ("x", "%00", "..%2f", NOBODYS_ID[:-1], f"{NOBODYS_ID}%0A", "%d9%a0" * 36)
    for odd in odds:
        answer = desk.ask(operation.method, f"{head}{odd}{rest}", **{place: inputs})
        status, _ = envelope(answer)
        assert status in (400, 404), answer.text


@pytest.mark.parametrize("key", ["", "a b", "é", "x" * 256, "a\tb"])
def test_odd_idempotency_keys(key: str, desk: Desk) -> None:
    headers = {"Idempotency-Key": key.encode()}
    answer = desk.post("/agents", {"name": "Bob"}, headers=headers)
    assert envelope(answer) == (400, "VALIDATION_ERROR")
    assert len(desk.get("/agents").json()["data"]["agents"]) == 1


def test_deep_values_under_an_idempotency_key(desk: Desk) -> None:
    deep: Any = 1
    for _ in range(500):
        deep = {"a": deep}
    for operation in OPERATIONS:
        if operation.method == "POST" and operation.source is Source.BODY:
            parts = asked(operation, desk.tenant_id, {}, tenantId=desk.tenant_id)
            for name in parts["json"]:
                body = {**parts["json"], name: deep}
                headers = {"Idempotency-Key": f"deep-{operation.name}-{name}"}
                answer = send(desk, operation, json=body, headers=headers)
                assert answer.status_code < 500, answer.text


def test_refusals_of_the_two_dialects_differ(desk: Desk) -> None:
    agents = desk.http.post(f"{desk.url}{BOOKING}", json={})
    assert agents.json() == {"detail": str(Unauthorized())}
    assert envelope(desk.http.get(f"{desk.url}/agents")) == (401, "UNAUTHORIZED")
