"""Customers see what is kept of them, and are forgotten."""

from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import pytest

from tests.harness.scenes.business import Business
from tests.harness.scenes.schedules import connected_schedule
from tests.web.api import BOOKING
from tests.web.conftest import Superuser
from tests.web.tenant_api.conftest import Desk, tomorrow_at
from tests.web.tenant_api.people import (
    DATA,
    EMAIL,
    IDS,
    PHONE,
    TRACES,
    book,
    booked,
    data_of,
    dump,
    erase,
    erase_tenant,
    everything_known,
    export,
    listen,
    make_past,
    somebody_else,
    traces_in,
)
from universal_calendar.bootstrap.parts import Parts, new_id
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import from_datetime, instant_text
from universal_calendar.services.booking.appointment_changes import AppointmentChanges
from universal_calendar.services.ports.identity import Actor, ActorKind, Role
from universal_calendar.services.ports.privacy import Customer
from universal_calendar.services.ports.tenants import Agent
from universal_calendar.services.ports.visits import Customer as VisitedCustomer
from universal_calendar.services.privacy import Customers

TESTER = Actor(ActorKind.COMMAND_LINE, "test")


def audited(superuser: Superuser, desk: Desk, action: str) -> list[str]:
    rows = superuser.execute(
        "SELECT subject_id FROM audit_entries WHERE tenant_id = %s AND action = %s"
        " ORDER BY subject_id",
        [desk.tenant_id, action],
    )
    return [str(row[0]) for row in rows]


@pytest.mark.proves("POST /customers/export")
def test_export_tells_everything(desk: Desk, superuser: Superuser) -> None:
    listen(desk)
    later, earlier = booked(desk, 11), booked(desk, 10)
    somebody_else(desk, 12)
    records = export(desk, phone=PHONE)
    assert [each["id"] for each in records["appointments"]] == [earlier, later]
    first = records["appointments"][0]
    assert first["customerInfo"] == DATA["customerInfo"]
    assert first["location"] == DATA["location"]
    assert (first["title"], first["customerId"]) == (DATA["title"], "crm-4711-b")
    notices = records["notices"]
    assert {each["appointmentId"] for each in notices} == {earlier, later}
    assert {each["kind"] for each in notices} == {"appointment.created"}
    assert notices[0]["content"]["customer_email"] == EMAIL
    assert audited(superuser, desk, "appointment.exported") == sorted([earlier, later])
    assert audited(superuser, desk, "customer.exported") == [desk.tenant_id]


@pytest.mark.parametrize(
    "customer",
    [
        {"phone": "+1 (415) 555-0147"},
        {"email": EMAIL.upper()},
        {"phone": PHONE, "email": "another@example.com"},
        {"phone": "+12125559999", "email": EMAIL},
    ],
)
def test_either_is_enough_however_it_is_written(
    desk: Desk, customer: dict[str, str]
) -> None:
    appointment_id = booked(desk, 10)
    somebody_else(desk, 11)
    records = export(desk, **customer)
    assert [each["id"] for each in records["appointments"]] == [appointment_id]


def test_a_stranger_has_no_records(desk: Desk) -> None:
    booked(desk, 10)
    assert export(desk, phone="+12125559999") == {
        "appointments": [],
        "notices": [],
        "visits": [],
    }


def test_an_export_is_not_kept_for_retries(desk: Desk, superuser: Superuser) -> None:
    booked(desk, 10)
    headers = {"Idempotency-Key": "export-1"}
    data_of(desk.post("/customers/export", {"phone": PHONE}, headers=headers))
    assert "export-1" not in dump(superuser)["idempotency_keys"]


async def test_a_phone_without_a_number_is_nobodys(desk: Desk, parts: Parts) -> None:
    """No endpoint takes one; were it asked for, it must not mean everybody."""
    booked(desk, 10)
    customers = Customers(AppointmentChanges(new_id, has_channels=False))
    tenant_id, now = UUID(desk.tenant_id), from_datetime(utc_now())
    async with parts.units.begin(tenant_id, TESTER, now) as unit:
        records = await customers.export(unit, Customer(phone="reception"))
    assert records.appointments == []


@pytest.mark.parametrize("path", ["/customers/export", "/customers/erase"])
@pytest.mark.parametrize(
    "body", [{}, {"phone": "reception"}, {"phone": ""}, {"email": "nobody"}]
)
def test_somebody_must_be_named(desk: Desk, path: str, body: dict[str, str]) -> None:
    booked(desk, 10)
    answer = desk.post(path, body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "VALIDATION_ERROR"
    assert export(desk, phone=PHONE)["appointments"] != []


def test_what_is_to_come_is_named_and_kept(desk: Desk) -> None:
    appointment_id = booked(desk, 10)
    refused = erase(desk, phone=PHONE)
    assert refused.status_code == 409
    error = refused.json()["error"]
    assert error["code"] == "CONFLICT"
    assert error["details"] == {
        "reason": "future_appointments",
        "appointmentIds": [appointment_id],
    }
    (kept,) = export(desk, phone=PHONE)["appointments"]
    assert (kept["status"], kept["title"]) == ("confirmed", DATA["title"])


@pytest.mark.proves("POST /customers/erase")
async def test_nothing_of_the_customer_remains(
    desk: Desk, parts: Parts, superuser: Superuser
) -> None:
    listen(desk)
    appointment_id, other_id = booked(desk, 10, key="first"), somebody_else(desk, 11)
    desk.post(
        "/appointments/search", {"phone": PHONE}, headers={"Idempotency-Key": "s"}
    )
    assert len(traces_in(await everything_known(parts, desk.tenant_id), TRACES)) > 3
    done = data_of(erase(desk, email=EMAIL, cancelFuture=True))
    assert done == {
        "appointments": 1,
        "cancelledAppointments": 1,
        "notices": 2,
        "storedAnswers": 2,
        "visits": 0,
        "appointmentIds": [appointment_id],
    }
    known = await everything_known(parts, desk.tenant_id)
    assert traces_in(known, TRACES) == []
    assert appointment_id in known
    assert "John" in known
    for table, text in dump(superuser).items():
        rows = "\n".join(row for row in text.splitlines() if desk.tenant_id in row)
        assert traces_in(rows, (*TRACES, *IDS.values())) == [], table
    assert export(desk, phone=PHONE, email=EMAIL)["appointments"] == []
    assert data_of(desk.get(f"/appointments/{other_id}"))["appointment"]["title"]
    assert audited(superuser, desk, "appointment.erased") == [appointment_id]
    assert audited(superuser, desk, "appointment.cancelled") == [appointment_id]


def test_what_remains_are_times_and_the_job(desk: Desk) -> None:
    appointment_id = booked(desk, 10)
    erase(desk, phone=PHONE, cancelFuture=True)
    left = data_of(desk.get(f"/appointments/{appointment_id}"))["appointment"]
    assert left["startTime"] == tomorrow_at(10)
    assert (left["status"], left["cancellationReason"]) == ("cancelled", "erasure")
    assert left["serviceDetails"]["jobType"] == "repair"
    assert left["title"] == ""
    assert left["customerInfo"] == {"name": None, "phone": None, "email": None}
    emptied = ("description", "location", "cancellationNotes", "leadId", "customerId")
    assert {left[name] for name in (*emptied, "conversationId")} == {None}


def test_the_time_is_free_again(desk: Desk) -> None:
    booked(desk, 10)
    erase(desk, phone=PHONE, cancelFuture=True)
    somebody_else(desk, 10)


def test_a_retry_books_nobody_again(desk: Desk) -> None:
    first = book(desk, 10, key="first").json()["data"]
    erase(desk, phone=PHONE, cancelFuture=True)
    again = data_of(book(desk, 10, key="first"))
    assert again["appointmentId"] == first["appointmentId"]
    assert again["startTime"] == first["startTime"]
    assert export(desk, phone=PHONE)["appointments"] == []


def test_a_booking_of_the_agent_api_is_erased_too(desk: Desk) -> None:
    answer = desk.http.post(
        desk.url + BOOKING,
        headers={"X-API-Key": desk.api_key, "Idempotency-Key": "theirs"},
        json={
            "agent_id": desk.agent_id,
            "participant_name": "Qwynneth Canaryfield",
            "participant_phone": "415 555 0147, after five",
            "booking_date": tomorrow_at(0)[:10],
            "booking_time": "10:00",
        },
    )
    assert answer.status_code == 201, answer.text
    assert erase(desk, phone="(415) 555-0147").status_code == 409
    done = data_of(erase(desk, phone="4155550147", cancelFuture=True))
    assert (done["appointments"], done["storedAnswers"]) == (1, 1)


def test_the_past_needs_no_cancelling(desk: Desk, superuser: Superuser) -> None:
    appointment_id = booked(desk, 10)
    make_past(superuser, appointment_id)
    done = data_of(erase(desk, phone=PHONE))
    assert (done["appointments"], done["cancelledAppointments"]) == (1, 0)
    left = data_of(desk.get(f"/appointments/{appointment_id}"))["appointment"]
    assert (left["status"], left["title"]) == ("confirmed", "")


async def test_a_number_that_was_corrected_is_forgotten(
    desk: Desk, parts: Parts
) -> None:
    """The appointment is with somebody else by then: only what recalls it goes."""
    listen(desk)
    appointment_id = booked(desk, 10)
    patch = {"customerInfo": {"name": "Ann", "phone": "+12125557777", "email": None}}
    data_of(desk.put(f"/appointments/{appointment_id}", {"appointmentData": patch}))
    done = data_of(erase(desk, phone=PHONE))
    assert (done["appointments"], done["notices"]) == (0, 1)
    assert traces_in(await everything_known(parts, desk.tenant_id), [PHONE]) == []
    assert "+12125557777" in await everything_known(parts, desk.tenant_id)


def test_messages_to_the_customer_are_not_sent_any_more(
    desk: Desk, superuser: Superuser
) -> None:
    listen(desk)
    appointment_id = booked(desk, 10)
    superuser.execute(
        "INSERT INTO deliveries (tenant_id, delivery_id, notice_id, channel,"
        " next_try_at, give_up_at, created_at, updated_at)"
        " SELECT tenant_id, notice_id, notice_id, 'email', now() + interval '1 hour',"
        " now() + interval '1 day', now(), now() FROM notices"
        " WHERE appointment_id = %s",
        [appointment_id],
    )
    erase(desk, phone=PHONE, cancelFuture=True)
    left = superuser.execute(
        "SELECT channel FROM deliveries WHERE tenant_id = %s AND channel = 'email'",
        [desk.tenant_id],
    )
    assert left.fetchall() == []
    told = superuser.execute(
        "SELECT bool_or(tells_customer) FROM notices WHERE tenant_id = %s",
        [desk.tenant_id],
    )
    assert told.fetchone() == (False,)


def test_the_event_in_a_calendar_is_emptied(desk: Desk, superuser: Superuser) -> None:
    """A link whose event is synced is due again; a cancelled one's is to be deleted."""
    past, coming = booked(desk, 10), booked(desk, 11)
    make_past(superuser, past)
    for statement in (
        "INSERT INTO connections (tenant_id, connection_id, provider, account_index,"
        " status, key_version, sealed, created_at, updated_at)"
        " VALUES (%(t)s, %(t)s, 'fake', '', 'active', 1, '', now(), now())",
        "INSERT INTO calendars (tenant_id, calendar_id, connection_id, is_primary,"
        " key_version, sealed, created_at) VALUES (%(t)s, %(t)s, %(t)s, true, 1, '',"
        " now())",
        "INSERT INTO links (tenant_id, appointment_id, calendar_id, wanted_version,"
        " synced_version, status, event_id, updated_at)"
        " SELECT tenant_id, appointment_id, tenant_id, 1, 1, 'synced', 'event', now()"
        " FROM appointments WHERE tenant_id = %(t)s",
    ):
        superuser.execute(statement.encode(), {"t": desk.tenant_id})
    erase(desk, phone=PHONE, cancelFuture=True)
    links = superuser.execute(
        "SELECT appointment_id::text, is_wanted, wanted_version, status FROM links"
        " WHERE tenant_id = %s",
        [desk.tenant_id],
    ).fetchall()
    assert sorted(links) == sorted(
        [(past, True, 2, "pending"), (coming, False, 2, "pending")]
    )
    due = superuser.execute(
        "SELECT item_id::text FROM due_work WHERE tenant_id = %s AND kind = 'calendar'",
        [desk.tenant_id],
    ).fetchall()
    assert sorted(due) == sorted([(past,), (coming,)])


def test_another_tenants_customer_stays(desk: Desk) -> None:
    booked(desk, 10)
    other = Desk(desk.http, desk.url, *_unknown_to(desk), desk.api_key, desk.headers)
    assert erase(other, phone=PHONE, cancelFuture=True).status_code == 404
    assert len(export(desk, phone=PHONE)["appointments"]) == 1


def _unknown_to(desk: Desk) -> tuple[str, str]:
    return "47addfec-f4cd-41e2-b6ec-6a5e949fe754", desk.agent_id


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_only_owners_may(desk: Desk, role: Role) -> None:
    user = desk.as_user(role)
    body = {"phone": PHONE}
    assert user.post("/customers/export", body).status_code == 403
    assert user.post("/customers/erase", body).status_code == 403
    assert erase_tenant(user, "Acme").status_code == 403
    assert desk.as_user(Role.OWNER).post("/customers/export", body).status_code == 200


def test_a_booking_leaves_no_trace_in_any_table(
    desk: Desk, superuser: Superuser
) -> None:
    listen(desk)
    appointment_id = booked(desk, 10, key="kept")
    texts = dump(superuser)
    assert appointment_id in texts["appointments"]
    assert appointment_id in texts["notices"]
    for table, text in texts.items():
        assert traces_in(text, TRACES) == [], table


async def test_visits_of_platforms_are_told_and_deleted(
    desk: Desk, parts: Parts, superuser: Superuser
) -> None:
    business = Business(
        UUID(desk.tenant_id),
        Agent(UUID(desk.tenant_id), UUID(desk.agent_id), "", ""),
        "",
    )
    schedule = await connected_schedule(parts, business)
    hers = schedule.visit(
        "a", customer=VisitedCustomer("Qwynneth", PHONE, None, "Lane 1")
    )
    visits = {"a": replace(hers, value=Decimal("120.5")), "b": schedule.visit("b")}
    await schedule.visits.keep(*schedule.ids, visits, schedule.began)
    (told,) = export(desk, phone=PHONE)["visits"]
    start, end = (told.pop(name) for name in ("startTime", "endTime"))
    assert (start, end) == (
        instant_text(schedule.interval(60).start),
        instant_text(schedule.interval(60).end),
    )
    assert told == {
        "jobId": "job-a",
        "visitId": "a",
        "appointmentId": None,
        "status": "scheduled",
        "title": "Canary a",
        "jobType": None,
        "estimatedValue": 120.5,
        "customer": {
            "name": "Qwynneth",
            "phone": PHONE,
            "email": None,
            "address": "Lane 1",
            "notes": None,
        },
    }
    assert data_of(erase(desk, phone=PHONE))["visits"] == 1
    assert export(desk, phone=PHONE)["visits"] == []
    assert traces_in(await everything_known(parts, desk.tenant_id), TRACES) == []
    (left,) = await schedule.rows("SELECT event_id FROM visits")
    assert left == ("b",)
