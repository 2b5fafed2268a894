"""A customer who leaves traces, and where to look for them."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import httpx2
from psycopg import sql

from tests.web.conftest import Superuser
from tests.web.tenant_api.conftest import Desk, tomorrow_at
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.store.sealing.sealed_rows import SEALED_TABLES, SealedRows

PHONE, EMAIL = "+14155550147", "qwynneth@canaryfield.example"
TRACES = (
    *("Qwynneth", "Canaryfield", "4155550147", "415 555 0147", "peppercorn"),
    *("Marzipan Lane", "37.42199"),
)
DATA: dict[str, Any] = {
    "title": "Boiler of Qwynneth",
    "description": "allergic to peppercorn",
    "location": {"address": "1 Marzipan Lane", "latitude": 37.42199, "longitude": 1.5},
    "customerInfo": {"name": "Qwynneth Canaryfield", "phone": PHONE, "email": EMAIL},
    "serviceDetails": {"jobType": "repair"},
}
IDS = {
    "customerId": "crm-4711-b",
    "leadId": "lead-4711-c",
    "conversationId": "talk-4711-d",
    "externalReferenceId": "ref-4711-e",
}


def book(
    desk: Desk, hour: int, *, key: str | None = None, **data: Any
) -> httpx2.Response:
    """Book Qwynneth, or whoever the data name."""
    ids = IDS if "customerInfo" not in data else {}
    time = {"startTime": tomorrow_at(hour), "endTime": tomorrow_at(hour, 30)}
    body = {**ids, "agentId": desk.agent_id, "appointmentData": DATA | time | data}
    headers = {} if key is None else {"Idempotency-Key": key}
    return desk.post("/appointments", body, headers=headers)


def booked(desk: Desk, hour: int, **more: Any) -> str:
    answer = book(desk, hour, **more)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["data"]["appointmentId"])


def somebody_else(desk: Desk, hour: int) -> str:
    other = {"name": "John", "phone": "+12125551234", "email": "john@example.com"}
    data = {"title": "Visit", "description": None, "location": None}
    return booked(desk, hour, customerInfo=other, **data)


def listen(desk: Desk) -> None:
    """Have notices written, by software that wants to hear of appointments."""
    answer = desk.post("/webhook-endpoints", {"url": "https://example.com/hook"})
    assert answer.status_code == 200, answer.text


def data_of(answer: httpx2.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def export(desk: Desk, **body: Any) -> Any:
    return data_of(desk.post("/customers/export", body))


async def everything_known(parts: Parts, tenant_id: str) -> str:
    """Decrypt every sealed value of the tenant, with the master keys there are."""
    known = []
    for table in SEALED_TABLES:
        rows = SealedRows(table, UUID(tenant_id), parts.keyring)
        async for page in rows.pages(parts.database):
            known += [(row.plain or b"").decode() for row in page]
    return "\n".join(known)


def dump(superuser: Superuser) -> dict[str, str]:
    """Return the text of every row of every table."""
    tables = superuser.execute(
        "SELECT schemaname, tablename FROM pg_tables"
        " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    ).fetchall()
    texts = {}
    for schema, table in tables:
        name = sql.Identifier(str(schema), str(table))
        rows = superuser.execute(sql.SQL("SELECT t::text FROM {} t").format(name))
        texts[str(table)] = "\n".join(str(row[0]) for row in rows)
    return texts


def traces_in(text: str, traces: Iterable[str]) -> list[str]:
    """Return what is found, in plain text or as PostgreSQL prints bytes."""
    low = text.lower()
    return [
        each for each in traces if each.lower() in low or each.encode().hex() in low
    ]


def make_past(superuser: Superuser, *appointment_ids: str) -> None:
    """Let appointments have been a year ago."""
    for table, column in (("appointments", "appointment_id"), ("claims", "claim_id")):
        superuser.execute(
            sql.SQL(
                "UPDATE {} SET starts_at = starts_at - interval '1 year',"
                " ends_at = ends_at - interval '1 year' WHERE {} = ANY (%s)"
            ).format(sql.Identifier(table), sql.Identifier(column)),
            [[UUID(each) for each in appointment_ids]],
        )


def erase(desk: Desk, **body: Any) -> httpx2.Response:
    return desk.post("/customers/erase", body)


def erase_tenant(desk: Desk, confirm: str) -> httpx2.Response:
    return desk.ask("DELETE", f"/tenants/{desk.tenant_id}", json={"confirm": confirm})
