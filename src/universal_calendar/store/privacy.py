"""Customers where they are named beside their appointments: notices, stored answers."""

import re
from collections.abc import AsyncIterator, Collection, Iterator
from typing import Any, Final
from uuid import UUID

import orjson

from universal_calendar.core.instant import from_datetime
from universal_calendar.services.ports.appointments import Person
from universal_calendar.services.ports.privacy import Customer, CustomerNotice, Erased
from universal_calendar.services.ports.visit_store import KnownVisit
from universal_calendar.store.answers import read_tenant_keys
from universal_calendar.store.database import Session
from universal_calendar.store.field_service.visits import VisitTable
from universal_calendar.store.sealing.keyring import Keyring
from universal_calendar.store.sealing.sealed_rows import (
    ANSWERS,
    NOTICES,
    SealedRow,
    SealedRows,
)

# What a notice says besides who: everything else is emptied, new fields too.
_IMPERSONAL: Final = frozenset(
    {
        *("appointment_id", "tenant_id", "tenant_name", "agent_id", "agent_name"),
        *("start", "end", "timezone", "status", "version", "source"),
    }
)
_NEVER_NULL: Final = frozenset({"title", "customer_name"})
_MOMENT: Final = re.compile(
    r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?Z)?|\d\d:\d\d", re.ASCII
)

_NOTICES: Final = """
SELECT n.notice_id, n.appointment_id, n.kind, n.created_at,
    array(SELECT DISTINCT d.channel FROM deliveries d WHERE d.tenant_id = n.tenant_id
        AND d.notice_id = n.notice_id AND d.status = 'delivered' ORDER BY 1)
FROM notices n WHERE n.tenant_id = %s AND n.notice_id = ANY (%s)
ORDER BY n.created_at, n.notice_id
"""
_TELL_NOBODY: Final = """
UPDATE notices SET tells_customer = false WHERE tenant_id = %s AND notice_id = ANY (%s)
"""
_SEND_NOTHING: Final = """
DELETE FROM deliveries WHERE tenant_id = %s AND notice_id = ANY (%s)
    AND channel IN ('email', 'sms') AND status = 'pending'
"""
# The first request, if it is still being answered, must not write its answer now.
_MAKE_FINAL: Final = """
UPDATE idempotency_keys SET provisional_until = NULL
WHERE tenant_id = %s AND route = %s AND key = %s
"""
_FORGET_REQUESTS: Final = """
UPDATE appointments SET fingerprint = NULL
WHERE tenant_id = %s AND appointment_id = ANY (%s)
"""


class CustomerTable:
    """The port `CustomerStore` on PostgreSQL, for one tenant."""

    def __init__(self, session: Session, keyring: Keyring, tenant_id: UUID) -> None:
        """Take whose customers these are."""
        self._session, self._keyring = session, keyring
        self._tenant_id = tenant_id
        self._visits = VisitTable(session, keyring)

    async def notices(
        self, customer: Customer, appointment_ids: Collection[UUID]
    ) -> list[CustomerNotice]:
        """Return what was told of these appointments, or to this customer."""
        found = {
            row.row_id[0]: content
            async for row, content in self._found_notices(customer, appointment_ids)
        }
        async with self._session.transaction(self._tenant_id) as connection:
            cursor = await connection.execute(_NOTICES, [self._tenant_id, list(found)])
            rows = await cursor.fetchall()
        return [
            CustomerNotice(
                notice_id,
                appointment_id,
                kind,
                from_datetime(created_at),
                found[notice_id],
                channels,
            )
            for notice_id, appointment_id, kind, created_at, channels in rows
        ]

    async def visits(
        self, customer: Customer, appointment_ids: Collection[UUID]
    ) -> list[KnownVisit]:
        """Return platforms' visits that are these appointments, or to this customer."""
        return await self._visits.of_person(
            self._tenant_id, _person(customer), appointment_ids
        )

    async def erase(
        self, customer: Customer, appointment_ids: Collection[UUID]
    ) -> Erased:
        """Empty notices, stored answers and whatever else recalls the customer.

        Visits are deleted. Messages to the customer that wait to be sent are not sent
        any more.
        """
        async with self._session.transaction(self._tenant_id) as connection:
            await connection.execute(
                _FORGET_REQUESTS, [self._tenant_id, list(appointment_ids)]
            )
        return Erased(
            await self._empty_notices(customer, appointment_ids),
            await self._empty_answers(customer, appointment_ids),
            await self._visits.forget(
                self._tenant_id, _person(customer), appointment_ids
            ),
        )

    async def _found_notices(
        self, customer: Customer, appointment_ids: Collection[UUID]
    ) -> AsyncIterator[tuple[SealedRow, dict[str, Any]]]:
        """Look into every notice: nothing but its content says whom it names."""
        ids = {str(each) for each in appointment_ids}
        rows = SealedRows(NOTICES, self._tenant_id, self._keyring)
        async for page in rows.pages(self._session):
            for row in page:
                content = orjson.loads(row.plain or b"null")
                if content is None:
                    continue
                if content["appointment_id"] in ids or _is_about(content, customer):
                    yield row, content

    async def _empty_notices(
        self, customer: Customer, appointment_ids: Collection[UUID]
    ) -> int:
        emptied = [
            SealedRow(row.row_id, orjson.dumps(_without_person(content)))
            async for row, content in self._found_notices(customer, appointment_ids)
        ]
        await self._write(SealedRows(NOTICES, self._tenant_id, self._keyring), emptied)
        notice_ids = [row.row_id[0] for row in emptied]
        async with self._session.transaction(self._tenant_id) as connection:
            await connection.execute(_TELL_NOBODY, [self._tenant_id, notice_ids])
            await connection.execute(_SEND_NOTHING, [self._tenant_id, notice_ids])
        return len(emptied)

    async def _empty_answers(
        self, customer: Customer, appointment_ids: Collection[UUID]
    ) -> int:
        """Leave ids and times in answers: their retries must not book again."""
        ids = {str(each) for each in appointment_ids}
        rows = SealedRows(ANSWERS, self._tenant_id, self._keyring)
        emptied = [
            SealedRow(row.row_id, orjson.dumps(_impersonal(body, ids)))
            async for page in rows.pages(self._session)
            for row in page
            if _concerns(body := orjson.loads(row.plain or b"null"), customer, ids)
        ]
        await self._write(rows, emptied)
        async with self._session.transaction(self._tenant_id) as connection:
            for row in emptied:
                await connection.execute(_MAKE_FINAL, [self._tenant_id, *row.row_id])
        return len(emptied)

    async def _write(self, rows: SealedRows, emptied: list[SealedRow]) -> None:
        async with self._session.transaction(self._tenant_id) as connection:
            keys = await read_tenant_keys(connection, self._keyring, self._tenant_id)
            await rows.write(connection, keys, emptied)


def _person(customer: Customer) -> Person:
    return Person("", phone=customer.phone, email=customer.email)


def _is_about(content: dict[str, Any], customer: Customer) -> bool:
    """Tell whether a notice names the customer, whoever the appointment is with now."""
    named = (content.get("customer_phone"), content.get("customer_email"))
    return any(map(customer.is_named_by, named))


def _without_person(content: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value if name in _IMPERSONAL else "" if name in _NEVER_NULL else None
        for name, value in content.items()
    }


def _concerns(body: Any, customer: Customer, ids: set[str]) -> bool:
    return any(text in ids or customer.is_named_by(text) for text in _texts(body))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, str):
        yield value


def _impersonal(value: Any, ids: set[str]) -> Any:
    """Return JSON with nothing left in it but its shape, these ids, times and flags."""
    if isinstance(value, dict):
        return {name: _impersonal(each, ids) for name, each in value.items()}
    if isinstance(value, list):
        return [_impersonal(each, ids) for each in value]
    if isinstance(value, str) and (value in ids or _MOMENT.fullmatch(value)):
        return value
    return value if isinstance(value, bool) else None
