"""Whether clerk, service, database and provider tell the same of a shop."""

import asyncio
from collections import Counter

from tests.harness.machines.clerk import Clerk, Json, Visit, wire
from tests.harness.machines.ledger import Ledger
from tests.harness.machines.town import Town


async def check_agreement(town: Town, clerk: Clerk) -> None:
    """Assert it: each live appointment has one event as it is now, others none."""
    history = await asyncio.to_thread(town.sandbox.history, clerk.shop.calendar)
    events = [event for event in history if "etag" in event]
    _check_provider(clerk.visits, events)
    # Deleted ones included: no appointment ever had two events.
    assert len(history) <= len(clerk.visits)
    await asyncio.to_thread(_check_database, town, clerk)
    by_appointment = {_appointment_of(event): event for event in events}
    for visit in clerk.visits:
        _check_answer(visit, await clerk.read(visit), by_appointment)


def _appointment_of(event: Json) -> str:
    return str(event["properties"]["appointmentId"])


def _check_provider(visits: list[Visit], events: list[Json]) -> None:
    live = {visit.appointment_id: visit for visit in visits if not visit.is_cancelled}
    assert Counter(map(_appointment_of, events)) == Counter(list(live))
    for event in events:
        visit = live[_appointment_of(event)]
        assert event["start"] == {"at": wire(visit.start)}, event
        assert event["end"] == {"at": wire(visit.end)}, event
        assert event["properties"]["sequence"] == str(visit.version), event


def _check_database(town: Town, clerk: Clerk) -> None:
    tenant_id = clerk.shop.business.tenant_id
    rows = town.rows(
        "SELECT appointment_id::text, version, status FROM appointments"
        " WHERE tenant_id = %s",
        tenant_id,
    )
    assert Counter(map(_promise, rows)) == Counter(
        (visit.appointment_id, visit.version, _status(visit)) for visit in clerk.visits
    )
    links = town.rows("SELECT * FROM links WHERE tenant_id = %s", tenant_id)
    assert len(links) == len(rows)
    assert {each["status"] for each in links} <= {"synced"}
    assert town.server.embedded is not None
    Ledger.of(town.server.embedded, tenant_id).check()


def _promise(row: Json) -> tuple[str, int, str]:
    return row["appointment_id"], row["version"], row["status"]


def _status(visit: Visit) -> str:
    return "cancelled" if visit.is_cancelled else "confirmed"


def _check_answer(visit: Visit, answer: Json, events: dict[str, Json]) -> None:
    event = events.get(visit.appointment_id)
    expected = {
        "id": visit.appointment_id,
        "startTime": wire(visit.start),
        "endTime": wire(visit.end),
        "status": _status(visit),
        "version": visit.version,
        "calendarEventId": event and event["id"],
        "syncStatus": "synced",
    }
    assert {name: answer[name] for name in expected} == expected
