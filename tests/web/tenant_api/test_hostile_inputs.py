"""What does not fit is refused by name, changes nothing, and is never told back."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from psycopg import sql

from tests.web.conftest import Superuser
from tests.web.tenant_api.conftest import Desk, tomorrow_at
from tests.web.tenant_api.examples import OPERATIONS, asked, smallest
from tests.web.tenant_api.misfits import (
    fields_of,
    misfits,
    with_value,
    wrong_in_query,
)
from tests.web.tenant_api.wishes import book, booked_id, data, wish
from universal_calendar.web.tenant_api.openapi import AnyOperation
from universal_calendar.web.tenant_api.operation import Source

NO_JSON = [
    *("NaN", "Infinity", "-Infinity", "1e999", "9" * 5000, "-" + "9" * 5000),
    *('"\\ud800"', '"\\udfff\\ud800"', "[" * 2000 + "]" * 2000, "01", "'x'", "0x1F"),
]
Json = dict[str, Any]


def of(*sources: Source) -> pytest.MarkDecorator:
    chosen = [each for each in OPERATIONS if each.source in sources]
    return pytest.mark.parametrize("operation", chosen, ids=lambda each: each.name)


with_body = of(Source.BODY, Source.BODY_OR_QUERY)
with_query = of(Source.QUERY, Source.BODY_OR_QUERY)


@pytest.fixture
def there(desk: Desk) -> dict[str, str]:
    """Make one of each kind; return their ids by the names of parameters."""
    hook = data(desk.post("/webhook-endpoints", {"url": "https://127.0.0.1/hook"}))
    endpoint = hook["endpointId"]
    span = {"startTime": tomorrow_at(9), "endTime": tomorrow_at(10)}
    block = data(desk.post("/availability/block", span))
    span = {"startTime": tomorrow_at(11), "endTime": tomorrow_at(12)}
    return {
        "agentId": desk.agent_id,
        "appointmentId": booked_id(book(desk)),
        "blockId": block["blockId"],
        "deliveryId": data(desk.post(f"/webhook-endpoints/{endpoint}/test", {}))[
            "deliveryId"
        ],
        "endpointId": endpoint,
        "holdId": data(desk.post("/holds", span))["holdId"],
        "keyId": data(desk.post("/api-keys", {}))["apiKey"]["id"],
    }


@pytest.fixture
def rows(
    desk: Desk, there: dict[str, str], superuser: Superuser
) -> Callable[[], dict[str, object]]:
    """Return what tells every row of the tenant, whatever its table."""
    tables = superuser.execute(
        "SELECT table_name FROM information_schema.columns"
        " WHERE table_schema = 'universal_calendar' AND column_name = 'tenant_id'"
    ).fetchall()
    names = sorted(str(each[0]) for each in tables)
    assert {"appointments", "agents", "audit_entries", "tenants"} <= set(names)

    def tell() -> dict[str, object]:
        texts = sql.SQL(
            "SELECT array_agg(t::text ORDER BY t::text) FROM {} t WHERE tenant_id = {}"
        )
        told: dict[str, object] = {
            name: superuser.execute(
                texts.format(sql.Identifier(name), desk.tenant_id)
            ).fetchone()
            for name in names
        }
        count = superuser.execute("SELECT count(*) FROM tenants").fetchone()
        return told | {"number of tenants": count}

    return tell


@pytest.fixture
def unchanged(rows: Callable[[], dict[str, object]]) -> Iterator[None]:
    """Check at the end of a test that it changed nothing."""
    before = rows()
    yield
    assert rows() == before


def refused(answer: httpx2.Response, field: str, value: Any) -> None:
    """Check that the field is named, and what was sent is not told back."""
    said = (field, value, answer.text)
    assert answer.status_code == 400, said
    body = answer.json()
    assert body.keys() == {"success", "error"}, said
    assert (body["success"], body["error"]["code"]) == (False, "VALIDATION_ERROR"), said
    named = [each["field"] for each in body["error"]["details"]["fields"]]
    assert all(each == field or each.startswith(f"{field}.") for each in named), said
    assert named, said
    for leaf in leaves(value):
        assert leaf not in answer.text, said


def leaves(value: Any) -> Iterator[str]:
    """Return what is long enough to be known again, as an answer would write it."""
    while isinstance(value, list) and len(value) == 1:
        (value,) = value
    if isinstance(value, dict):
        for name, each in value.items():
            yield from (*leaves(name), *leaves(each))
    elif len(text := json.dumps(value, ensure_ascii=False).strip('"')) > 6:
        yield text


def good_body(operation: AnyOperation, desk: Desk) -> Json:
    body = {"tenantId": desk.tenant_id, **smallest(operation.inputs)}
    return body | ({"appointmentData": wish()} if "appointmentData" in body else {})


@with_body
@pytest.mark.usefixtures("unchanged")
def test_values_in_bodies(
    operation: AnyOperation, desk: Desk, there: dict[str, str]
) -> None:
    request = asked(operation, desk.tenant_id, there)
    good = good_body(operation, desk)
    for path, schema in fields_of(operation.inputs):
        for wrong in misfits(path[-1], schema):
            body = with_value(good, path, wrong)
            answer = desk.ask(request["method"], request["path"], json=body)
            refused(answer, ".".join(path), wrong)


@with_body
@pytest.mark.usefixtures("unchanged")
def test_what_is_no_json_in_any_field(
    operation: AnyOperation, desk: Desk, there: dict[str, str]
) -> None:
    request = asked(operation, desk.tenant_id, there)
    good = good_body(operation, desk)
    for path, _ in fields_of(operation.inputs):
        body = json.dumps(with_value(good, path, "@here@"))
        for text in NO_JSON:
            content = body.replace('"@here@"', text).encode()
            headers = {"Content-Type": "application/json"}
            answer = desk.ask(
                request["method"], request["path"], content=content, headers=headers
            )
            refused(answer, "body", text)


@with_query
@pytest.mark.usefixtures("unchanged")
def test_values_in_queries(
    operation: AnyOperation, desk: Desk, there: dict[str, str]
) -> None:
    request = asked(operation, desk.tenant_id, there)
    good = request["params"]
    for (name,), schema in fields_of(operation.inputs):
        for wrong in wrong_in_query(name, schema):
            answer = desk.ask(
                request["method"], request["path"], params={**good, name: wrong}
            )
            refused(answer, name, wrong)


@with_query
@pytest.mark.usefixtures("unchanged")
def test_nothing_is_said_twice(
    operation: AnyOperation, desk: Desk, there: dict[str, str]
) -> None:
    request = asked(operation, desk.tenant_id, there)
    for name, value in request["params"].items():
        for other in (value, "another-value"):
            query = [*request["params"].items(), (name, other)]
            answer = desk.ask(request["method"], request["path"], params=query)
            refused(answer, name, "another-value")


@of(Source.BODY_OR_QUERY)
@pytest.mark.usefixtures("unchanged")
def test_body_and_query_do_not_contradict_each_other(
    operation: AnyOperation, desk: Desk, there: dict[str, str]
) -> None:
    request = asked(operation, desk.tenant_id, there)
    answer = desk.ask(
        request["method"],
        request["path"],
        params={"tenantId": "another-value"},
        json={"tenantId": desk.tenant_id},
    )
    refused(answer, "tenantId", "another-value")


@of(Source.BODY)
@pytest.mark.usefixtures("unchanged")
def test_empty_bodies(
    operation: AnyOperation, desk: Desk, there: dict[str, str]
) -> None:
    request = asked(operation, desk.tenant_id, there)
    headers = {"Content-Type": "application/json"}
    answer = desk.ask(request["method"], request["path"], content=b"", headers=headers)
    refused(answer, "body", None)
    required = set(smallest(operation.inputs)) - {"tenantId"}
    body = {} if "{tenantId}" in operation.path else {"tenantId": desk.tenant_id}
    if required:
        answer = desk.ask(request["method"], request["path"], json=body)
        assert answer.status_code == 400, answer.text
        fields = answer.json()["error"]["details"]["fields"]
        assert {each["field"] for each in fields} == required


@pytest.mark.usefixtures("unchanged")
def test_only_the_names_of_the_wire_are_read(desk: Desk) -> None:
    span = {"start_time": tomorrow_at(14), "end_time": tomorrow_at(15)}
    for path in ("/holds", "/availability/block"):
        fields = desk.post(path, span).json()["error"]["details"]["fields"]
        assert [each["field"] for each in fields] == ["startTime", "endTime"]


def test_pages_far_beyond_the_end(desk: Desk) -> None:
    for path, name in (
        ("/appointments", "appointments"),
        ("/availability/blocks", "blocks"),
    ):
        assert data(desk.get(path, page=999_999, limit=100))[name] == []
