"""Customers that changed at their platforms, until somebody has asked about them."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from universal_calendar.core.instant import Instant, from_datetime, to_datetime
from universal_calendar.services.ports.changed_customers import (
    CUSTOMER,
    ChangedCustomer,
)
from universal_calendar.services.ports.identity import NewId
from universal_calendar.services.ports.mirror import Trouble
from universal_calendar.store.connections.connection_health import (
    record_success,
    record_trouble,
    wake_work,
)
from universal_calendar.store.database import Connection, Database, Row
from universal_calendar.store.sealing.account_secrets import open_account
from universal_calendar.store.sealing.keyring import Keyring

Values = dict[str, object]

# Locked in this order: connections, changes by customer, due_work.
_LOCK: Final = """
SELECT FROM connections
WHERE tenant_id = %(tenant)s AND connection_id = %(connection)s FOR KEY SHARE
"""
_WANT: Final = """
INSERT INTO changed_customers AS c (tenant_id, change_id, connection_id, customer_id)
VALUES (%(tenant)s, %(change)s, %(connection)s, %(customer)s)
ON CONFLICT (tenant_id, connection_id, customer_id)
DO UPDATE SET changes = c.changes + 1
RETURNING change_id
"""
_DUE: Final = """
INSERT INTO due_work VALUES (%(tenant)s, %(kind)s, %(change)s, %(now)s)
ON CONFLICT (tenant_id, kind, item_id)
DO UPDATE SET due_at = least(due_work.due_at, excluded.due_at)
"""
_GET: Final = """
SELECT n.next_try_at, c.connection_id, n.provider, c.customer_id, c.changes,
    c.attempts, array(SELECT s.calendar_id FROM calendars s
        WHERE s.tenant_id = n.tenant_id AND s.connection_id = n.connection_id
            AND s.is_schedule AND s.is_read AND n.direction <> 'to_provider'
        ORDER BY s.calendar_id),
    n.sealed, k.data_key
FROM changed_customers c
JOIN connections n USING (tenant_id, connection_id)
JOIN tenant_keys k ON k.tenant_id = n.tenant_id AND k.version = n.key_version
WHERE c.tenant_id = %(tenant)s AND c.change_id = %(change)s AND k.data_key IS NOT NULL
"""
_PUT_OFF: Final = """
UPDATE due_work SET due_at = greatest(due_at, %(until)s)
WHERE tenant_id = %(tenant)s AND kind = %(kind)s AND item_id = %(change)s
"""
_AGAIN: Final = """
UPDATE changed_customers SET attempts = CASE WHEN %(has_failed)s THEN attempts + 1
    ELSE 0 END
WHERE tenant_id = %(tenant)s AND change_id = %(change)s
"""
_OVER: Final = """
DELETE FROM changed_customers
WHERE tenant_id = %(tenant)s AND change_id = %(change)s AND changes = %(changes)s
"""
_SET_DUE: Final = """
UPDATE due_work SET due_at = %(due)s
WHERE tenant_id = %(tenant)s AND kind = %(kind)s AND item_id = %(change)s
"""
_DONE: Final = """
DELETE FROM due_work
WHERE tenant_id = %(tenant)s AND kind = %(kind)s AND item_id = %(change)s
"""


class ChangedCustomerTable:
    """The port `ChangedCustomerStore` on PostgreSQL."""

    def __init__(self, database: Database, keyring: Keyring, new_id: NewId) -> None:
        """Take what opens sealed columns, and makes ids."""
        self._database, self._keyring, self._new_id = database, keyring, new_id

    async def want(
        self,
        tenant_id: UUID,
        connection_id: UUID,
        customer_ids: Collection[str],
        now: Instant,
    ) -> None:
        """Have customers asked about at once; a hundred times is as good as once.

        A connection that is gone is passed over.
        """
        values = _values(tenant_id, self._new_id(now)) | {
            "connection": connection_id,
            "now": to_datetime(now),
        }
        async with self._database.transaction(tenant_id) as connection:
            cursor = await connection.execute(_LOCK, values)
            if await cursor.fetchone() is None:
                return
            for each in sorted(set(customer_ids)):
                change = {"change": self._new_id(now), "customer": each}
                cursor = await connection.execute(_WANT, values | change)
                row = await cursor.fetchone()
                values["change"] = row[0] if row else None
                await connection.execute(_DUE, values)

    async def get(
        self, tenant_id: UUID, change_id: UUID, now: Instant
    ) -> ChangedCustomer | None:
        """Return a change; None if there is none, or it waits for its connection."""
        values = _values(tenant_id, change_id)
        async with self._database.transaction(tenant_id) as connection:
            cursor = await connection.execute(_GET, values)
            row = await cursor.fetchone()
            if row is None:
                await connection.execute(_DONE, values)
                return None
            next_try = row[0]
            if next_try is not None and from_datetime(next_try) > now:
                await connection.execute(_PUT_OFF, values | {"until": next_try})
                return None
        return self._change(tenant_id, change_id, row)

    def _change(self, tenant_id: UUID, change_id: UUID, row: Row) -> ChangedCustomer:
        _, connection_id, provider, customer_id, changes, attempts, *rest = row
        schedules, sealed, wrapped = rest
        data_key = self._keyring.data_key(tenant_id, wrapped)
        account = open_account(data_key, tenant_id, connection_id, sealed)
        return ChangedCustomer(
            tenant_id,
            change_id,
            provider,
            account.access(tenant_id, connection_id),
            customer_id,
            schedules,
            changes,
            attempts,
        )

    async def record(
        self,
        change: ChangedCustomer,
        now: Instant,
        due: Instant | None,
        trouble: Trouble | None = None,
    ) -> None:
        """Write down what became of it, and when it is due again.

        None: it is over, unless the platform told of it again since it was returned.
        """
        values = _values(change.tenant_id, change.change_id) | {
            "connection": change.access.connection_id,
            "changes": change.changes,
            "has_failed": trouble is not None,
            "now": to_datetime(now),
        }
        async with self._database.transaction(change.tenant_id) as connection:
            is_recovered = await _record_connection(connection, values, trouble)
            await _record_change(connection, values, due)
        if is_recovered:
            async with self._database.transaction(change.tenant_id) as connection:
                await wake_work(connection, values)


async def _record_connection(
    connection: Connection, values: Values, trouble: Trouble | None
) -> bool:
    """Note how the connection is; tell whether it works again."""
    if trouble is None:
        return await record_success(connection, values)
    status, paused_until = trouble.connection_status, trouble.paused_until
    await record_trouble(connection, values, status, paused_until)
    return False


async def _record_change(
    connection: Connection, values: Values, due: Instant | None
) -> None:
    if due is None:
        cursor = await connection.execute(_OVER, values)
        if cursor.rowcount:
            await connection.execute(_DONE, values)
            return
    at = values["now"] if due is None else to_datetime(due)
    await connection.execute(_AGAIN, values)
    await connection.execute(_SET_DUE, values | {"due": at})


def _values(tenant_id: UUID, change_id: UUID) -> Values:
    return {"tenant": tenant_id, "kind": CUSTOMER, "change": change_id}
