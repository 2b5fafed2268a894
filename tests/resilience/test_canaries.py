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
from tests.harness.canaries.flooded import go_through
from tests.harness.canaries.leftovers import (
    Leftovers,
    collected,
    dump,
    names,
)
from tests.harness.canaries.strings import Canary
from tests.harness.canaries.world import World, forget_history, world
from universal_calendar.bootstrap.parts import master_keys

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
    # What a platform is to be asked about: by its own id, until it was asked.
    "changed_customers.customer_id": r"/webhooks/\S+ customer id",
    "named_visits.name": r"/webhooks/\S+ id",
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
PLATFORMS: Final = ("jobber", "housecallpro")
SENT_THERE: Final = (
    *("jobData.title", "jobData.description", "jobData.notes", "customerData.notes"),
    *("customer.name", "customer.phone", "customer.email", "customer.address"),
    *("DELETE /integrations/{provider}/jobs/{jobId} reason",),
)
"""What is for people at a platform to read."""
TOLD_THERE: Final = (
    *("secret", "job title", "technician"),
    *("customer phone", "customer email", "customer street"),
)
"""What is kept here of what people at a platform wrote."""


def operations() -> Iterator[str]:
    """Return the names of all; those of platforms once for each."""
    for endpoint in endpoints():
        for slug in PLATFORMS if "provider" in endpoint.ids else ("",):
            yield endpoint.name.replace("{provider}", slug)


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
    for name in operations():
        assert statuses[name] & {200, 201}, f"{name} never went well"
        assert statuses[name] & {404, 405}, f"{name} never went wrong"
    for slug in PLATFORMS:
        told = statuses[f"POST /webhooks/{slug}"]
        assert told >= {202, 400, 401, 405, 413}, slug
    met = set().union(*statuses.values())
    assert met >= {200, 201, 400, 401, 403, 404, 405, 409, 413, 415, 422, 500, 503}
    assert len(left.canaries.made) > 8000


def test_it_arrived_where_it_was_meant_to(left: Leftovers) -> None:
    kept = left.canaries.found_in(left.opened)
    for field in ("name", "phone", "email", "address", "latitude", "longitude"):
        assert any(each.origin.endswith(f".{field}") for each in kept), field
    for field in ("title", "reason", "description", "cancellationNotes"):
        assert any(each.origin.endswith(field) for each in kept), field
    assert {"calendar accessToken", "calendar refreshToken"} <= set(names(kept))
    for slug in PLATFORMS:
        assert {f"{slug} {each}" for each in TOLD_THERE} <= set(names(kept))
    for who, told in left.told.items():
        assert left.canaries.found_in(told), who


def test_platforms_were_told_of_jobs(left: Leftovers) -> None:
    for slug in PLATFORMS:
        there = names(left.canaries.found_in(left.told[slug]))
        for each in SENT_THERE:
            assert any(name.endswith(each) for name in there), f"{slug}: {each}"


def test_no_error_says_what_was_sent(left: Leftovers) -> None:
    errors = [each for each in left.answers if each.status >= 400]
    said = {
        (each.endpoint, each.status, *unexpected(found, CORRELATION))
        for each in errors
        if (found := left.canaries.found_in(each.content))
    }
    assert {each for each in said if len(each) > 2} == set()


def test_nothing_is_printed(left: Leftovers) -> None:
    events = ("unhandled_error", "procrastinate", "database_unavailable")
    for event in (*events, "customer_not_read"):
        assert event.encode() in left.printed
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
    assert {row["task_name"] for row in tasks} >= {
        *("settle_calendar", "settle_customer", "settle_notice", "settle_sync"),
    }
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
    for endpoint in endpoints():
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
        forget_history(connection)
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
