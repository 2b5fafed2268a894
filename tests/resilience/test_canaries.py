"""Whatever is sent, however and by whom: it is readable where it is meant to be alone.

Every operation of both dialects is sent strings that nothing else has, in every field
and header, in calm and in trouble. Then all that the service leaves behind is searched.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

import pytest

from tests.harness.canaries.burglar import keys_in, opened_with, sealed_values
from tests.harness.canaries.every_request import endpoints
from tests.harness.canaries.flooded import World, flooded_endpoints, go_through, world
from tests.harness.canaries.leftovers import Leftovers, collected, dump, names
from tests.harness.canaries.strings import Canary
from universal_calendar.bootstrap.parts import master_keys
from universal_calendar.web.app import openapi_document

PLAIN: Final = {
    # What a business and its staff call themselves.
    "tenants.name": r"/tenants\S* name",
    "agents.name": r"/agents\S* name",
    "api_keys.label": r"/api-keys label",
    # Needed for sending, and shown to owners.
    "webhook_endpoints.url": r"/webhook-endpoints url",
    # Ids that another system gave, found by equality; docs/security.md: no names.
    "appointments.customer_id": r" customerId",
    "appointments.lead_id": r" leadId",
    "appointments.conversation_id": r" conversationId",
    "appointments.external_reference_id": r" external(R|_r)eference(I|_i)d",
    "idempotency_keys.key": r" header Idempotency-Key",
    "audit_entries.request_id": r" header X-Request-ID",
    "audit_entries.actor_id": r" token sub",
    # What kind of work it is, not for whom.
    "appointments.job_type": r"\.jobType",
    "appointments.urgency": r"\.urgency",
}
"""Columns that hold plain text on purpose, and where their text comes from."""
CORRELATION: Final = r" header X-Request-ID"
"""The one thing of a caller's that log lines say: it ties them together."""
TENANTS: Final = """
SELECT tenant_id FROM tenants WHERE tenant_id IN (
    SELECT tenant_id FROM tenant_keys WHERE data_key IS NOT NULL
) AND tenant_id <> '00000000-0000-7000-8000-000000000001'
"""
"""All whose keys are there, but for the default one, which cannot be erased."""
IN_QUERIES: Final = {
    *("externalReferenceId", "actorId", "action", "subjectId", "visitId"),
    # Of a job: three words alone, free text is refused there.
    "reason",
}
"""Words that an address may hold: ids, and the names of actions and reasons."""


@pytest.fixture(scope="module")
def flooded() -> Iterator[World]:
    """Send everything."""
    with world() as flooded:
        go_through(flooded)
        yield flooded


@pytest.fixture(scope="module")
def left(flooded: World) -> Leftovers:
    """Collect what was left behind."""
    return collected(flooded)


def unexpected(found: Iterable[Canary], allowed: str) -> list[str]:
    """Return where canaries came from that may not be here."""
    return names(each for each in found if not re.search(f"{allowed}$", each.origin))


def test_everything_was_sent(left: Leftovers) -> None:
    statuses: dict[str, set[int]] = {}
    for answer in left.answers:
        statuses.setdefault(answer.endpoint, set()).add(answer.status)
    for endpoint in flooded_endpoints():
        reached = statuses[endpoint.name]
        assert reached & {200, 201}, f"{endpoint.name} never went well"
        assert reached & {404, 405}, f"{endpoint.name} never went wrong"
    met = set().union(*statuses.values())
    assert met >= {200, 201, 400, 401, 403, 404, 405, 409, 413, 415, 422, 500, 503}
    assert len(left.canaries.made) > 2000


def test_it_arrived_where_it_was_meant_to(left: Leftovers) -> None:
    kept = left.canaries.found_in(left.opened)
    for field in ("name", "phone", "email", "address", "latitude", "longitude"):
        assert any(each.origin.endswith(f".{field}") for each in kept), field
    for field in ("title", "reason", "description", "cancellationNotes"):
        assert any(each.origin.endswith(field) for each in kept), field
    assert {"calendar accessToken", "calendar refreshToken"} <= set(names(kept))
    for who, told in left.told.items():
        assert left.canaries.found_in(told), who


def test_no_error_says_what_was_sent(left: Leftovers) -> None:
    errors = [each for each in left.answers if each.status >= 400]
    said = {
        (each.endpoint, each.status, *unexpected(found, CORRELATION))
        for each in errors
        if (found := left.canaries.found_in(each.content))
    }
    assert {each for each in said if len(each) > 2} == set()


def test_nothing_is_printed(left: Leftovers) -> None:
    for event in (b"unhandled_error", b"procrastinate", b"database_unavailable"):
        assert event in left.printed
    found = left.canaries.found_in(left.printed)
    assert not unexpected(found, CORRELATION)


def test_postgresql_logs_nothing(left: Leftovers) -> None:
    assert b"violates check constraint" in left.server_log
    assert not names(left.canaries.found_in(left.server_log))


def test_metrics_count_and_tell_nothing(left: Leftovers) -> None:
    assert b'route="/appointments"' in left.metrics
    assert not names(left.canaries.found_in(left.metrics))


def test_no_spans_leave(left: Leftovers) -> None:
    assert left.spans == b""


def test_tasks_have_ids_alone(left: Leftovers) -> None:
    tasks = [row for table, row in left.rows if table == "procrastinate_jobs"]
    assert {row["task_name"] for row in tasks} >= {"settle_calendar", "settle_notice"}
    assert {name for row in tasks for name in row["args"]} == {"tenant_id", "item_id"}
    assert any(table == "procrastinate_events" for table, _ in left.rows)


def test_columns_are_plain_on_purpose_alone(left: Leftovers) -> None:
    found = left.in_columns()
    for column, canaries in found.items():
        assert not unexpected(canaries, PLAIN.get(column, "(nothing)")), column
    assert found.keys() == PLAIN.keys()


def test_files_hold_no_more_than_columns(left: Leftovers) -> None:
    allowed = "|".join(PLAIN.values())
    for file, canaries in left.in_files.items():
        assert not unexpected(canaries, f"({allowed})"), file
    assert any(left.in_files.values())


def test_no_address_holds_a_person() -> None:
    for endpoint in endpoints(openapi_document()):
        words = {leaf.name for leaf in endpoint.query if leaf.takes_text}
        assert words <= IN_QUERIES | {"timezone"}, endpoint.name
        ids = set(endpoint.ids) - {"provider"}
        assert all(name.endswith(("Id", "_id")) for name in ids)


def test_a_destroyed_key_leaves_nothing_readable(
    flooded: World, left: Leftovers
) -> None:
    house, master = flooded.flood.house, master_keys(flooded.place.settings)
    with flooded.superuser() as connection:
        tenants = [str(row[0]) for row in connection.execute(TENANTS)]
        stolen = [each for id in tenants for each in sealed_values(connection, id)]
        keys = keys_in(dump(connection), master, tenants)
        assert house.tenant_id in tenants
        assert len(opened_with(keys, stolen)) == len(stolen) > 100
        connection.execute("DROP SCHEMA history CASCADE")
        for tenant_id in tenants:
            erase(flooded, tenant_id)
        rows = list(dump(connection))
    assert opened_with(keys_in(rows, master, tenants), stolen) == []
    # Of an erasure remains who asked for it.
    remaining = replace(left, rows=rows).in_columns()
    assert remaining.keys() <= {"audit_entries.request_id"}
    assert flooded.flood.send(flooded.flood.wish("GET /agents")).status_code == 404
    booking = flooded.flood.wish("POST /api/calendar/external-booking")
    assert flooded.flood.send(booking).status_code == 401


def erase(flooded: World, tenant_id: str) -> None:
    """Erase by command who was flooded, and others by a request."""
    flood = flooded.flood
    read = flood.wish("GET /tenants", tenantId=tenant_id)
    (tenant,) = flood.send(read).json()["data"]["tenants"]
    if tenant_id == flood.house.tenant_id:
        words = ("tenants", "erase", tenant_id, "--confirm", tenant["name"])
        flooded.command(*words)
        return
    erased = flood.raw(
        "DELETE /tenants/{tenantId}",
        "DELETE",
        f"/tenants/{tenant_id}",
        headers={"X-Service-Key": flood.house.service_key},
        json={"confirm": tenant["name"]},
    )
    assert erased.status_code == 200, erased.text
