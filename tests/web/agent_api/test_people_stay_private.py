"""What belongs to a person: readable with the tenant's key, and nowhere else."""

from typing import Any
from uuid import UUID

from psycopg import sql

from tests.harness.running import RunningService
from tests.harness.scenes.business import Business
from tests.web.api import BOOKING, Api, day_after, wait_for
from tests.web.conftest import Superuser
from universal_calendar.bootstrap.parts import Parts, Server
from universal_calendar.services.ports.appointments import Person
from universal_calendar.store.sealing.people import open_person

PERSON: dict[str, Any] = {
    "participant_name": "Qwynneth Canaryfield",
    "participant_email": "qwynneth@canaryfield.example",
    "participant_phone": "+1 415 555 0147",
    "description": "allergic to peppercorn",
}
TRACES = ("Qwynneth", "canaryfield", "415 555 0147", "4155550147", "peppercorn")
KEY = {"Idempotency-Key": "kept-answers-too"}


async def stored_person(parts: Parts, business: Business, booking_id: str) -> Person:
    """Decrypt the person of an appointment with the tenant's own key."""
    async with parts.database.transaction(business.tenant_id) as connection:
        cursor = await connection.execute(
            "SELECT a.sealed, k.data_key FROM appointments a JOIN tenant_keys k"
            " ON k.tenant_id = a.tenant_id AND k.version = a.key_version"
            " WHERE a.appointment_id = %s",
            [booking_id],
        )
        row = await cursor.fetchone()
    assert row is not None
    data_key = parts.keyring.data_key(business.tenant_id, row[1])
    return open_person(data_key, business.tenant_id, UUID(booking_id), row[0])


async def test_everything_is_stored(api: Api, business: Business, parts: Parts) -> None:
    booked = api.book(day_after(1), "10:00", **PERSON).json()
    assert await stored_person(parts, business, booked["booking_id"]) == Person(
        title="External Booking - Qwynneth Canaryfield",
        name="Qwynneth Canaryfield",
        phone="+1 415 555 0147",
        email="qwynneth@canaryfield.example",
        description="allergic to peppercorn",
    )


async def test_what_was_not_given_stays_null(
    api: Api, business: Business, parts: Parts
) -> None:
    absent = api.book(day_after(1), "10:00").json()["booking_id"]
    null = api.book(
        day_after(1),
        "11:00",
        description=None,
        participant_email=None,
        participant_phone=None,
    )
    expected = Person(title="External Booking - John Doe", name="John Doe")
    for booking_id in (absent, null.json()["booking_id"]):
        assert await stored_person(parts, business, booking_id) == expected


async def test_source_and_status(api: Api, business: Business, parts: Parts) -> None:
    api.book(day_after(1), "10:00")
    async with parts.database.transaction(business.tenant_id) as connection:
        cursor = await connection.execute(
            "SELECT source, status, timezone FROM appointments"
        )
        assert await cursor.fetchall() == [("agent_api", "confirmed", "UTC")]


def dump(connection: Superuser) -> dict[str, str]:
    """Return the text of every row of every table, row-level security aside."""
    tables = connection.execute(
        "SELECT schemaname, tablename FROM pg_tables"
        " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    ).fetchall()
    texts = {}
    for schema, table in tables:
        name = sql.Identifier(str(schema), str(table))
        rows = connection.execute(sql.SQL("SELECT t::text FROM {} t").format(name))
        texts[str(table)] = "\n".join(str(row[0]) for row in rows)
    return texts


def test_no_table_has_a_person_in_plain_text(api: Api, superuser: Superuser) -> None:
    assert api.book(day_after(1), "10:00", KEY, **PERSON).status_code == 201
    texts = dump(superuser)
    assert api.agent_id in texts["appointments"]
    assert "kept-answers-too" in texts["idempotency_keys"]
    for table, text in texts.items():
        for trace in (*TRACES, str(api.api_key)):
            found = {trace.lower(), trace.encode().hex()}
            assert not [each for each in found if each in text.lower()], table


def test_equal_people_are_stored_unequally(api: Api, superuser: Superuser) -> None:
    for time in ("10:00", "11:00"):
        assert api.book(day_after(1), time, **PERSON).status_code == 201
    rows = superuser.execute(
        "SELECT sealed, email_index, phone_index FROM appointments WHERE agent_id = %s",
        [api.agent_id],
    ).fetchall()
    sealed, emails, phones = zip(*rows, strict=True)
    assert (len(set(sealed)), len(set(emails)), len(set(phones))) == (2, 1, 1)


def test_logs_name_nobody(api: Api, process: RunningService, server: Server) -> None:
    day, wrong = day_after(1), api.with_key("uc_canary-key-that-is-wrong")
    headers = KEY | {"X-Canary": "peppercorn", "User-Agent": "Qwynneth"}
    wish = api.wish(day, "10:00") | PERSON
    secret = str(api.api_key)
    answers = [
        api.book(day, "10:00", headers, **PERSON),
        api.book(day, "10:00", headers, **PERSON),
        api.book(day, "10:00", **PERSON),
        api.book(day, "10:00", headers, **(PERSON | {"participant_phone": "1"})),
        api.book("Qwynneth", "10:00", headers, **PERSON),
        api.book("2020-01-01", "10:00", **PERSON),
        api.with_key(None).book(day, "12:00", api_key=secret, **PERSON),
        wrong.book(day, "10:00", api_key="uc_canary-key-that-is-wrong", **PERSON),
        wrong.free_slots(day, email="qwynneth@canaryfield.example"),
        api.free_slots(day, api_key=secret, name="Qwynneth Canaryfield"),
        api.free_slots("Qwynneth", name="Qwynneth"),
        api.request("GET", f"/Qwynneth/{secret}?api_key={secret}"),
        api.request("PUT", f"{BOOKING}?name=Qwynneth", json=wish),
        api.request("GET", "/health?name=Qwynneth"),
        api.request("GET", "/openapi.json?name=Qwynneth"),
        api.send(b'{"participant_name": "Qwynneth'),
        api.send(b'"peppercorn"' * 50_000),
        api.send(b"peppercorn", "text/peppercorn"),
    ]
    assert 201 in {answer.status_code for answer in answers}
    last = api.request("GET", "/peppercorn").headers["x-request-id"]
    wait_for("the last log line", lambda: any(last in line for line in process.lines))
    written = "".join(process.lines)
    assert server.embedded is not None
    written += server.embedded.log_file.read_text(errors="replace")
    for trace in (*TRACES, secret, secret[:10], "canary-key"):
        assert trace.lower() not in written.lower(), trace


def test_logs_tell_what_was_booked_and_by_which_key(
    api: Api, process: RunningService
) -> None:
    answer = api.book(day_after(1), "10:00")
    request_id = answer.headers["x-request-id"]

    def lines() -> list[str]:
        return [line for line in process.lines if request_id in line]

    wait_for("the log line", lambda: len(lines()) >= 1)
    (booked,) = [line for line in lines() if "booking_created" in line]
    assert answer.json()["booking_id"] in booked
    assert "key_id" in booked
