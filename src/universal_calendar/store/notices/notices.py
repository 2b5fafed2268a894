"""Notices and their deliveries, and the reminders that become notices."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from universal_calendar.core.instant import Instant, from_datetime, to_datetime
from universal_calendar.services.ports.identity import Actor, ActorKind, NewId
from universal_calendar.services.ports.notices import (
    Attempt,
    Begun,
    ChannelName,
    Delivery,
    DeliveryError,
    DeliveryStatus,
    NewDelivery,
    Notice,
    NoticeKind,
    Plan,
    Result,
    Situation,
    TenantNoticeSettings,
)
from universal_calendar.store.audit import AuditTable
from universal_calendar.store.database import Bound, Connection, Row, Session
from universal_calendar.store.sealing.encryption import TenantKeys
from universal_calendar.store.sealing.keyring import Keyring
from universal_calendar.store.sealing.snapshots import open_snapshot
from universal_calendar.store.sealing.webhook_secrets import open_target

_WORKER: Final = Actor(ActorKind.WORKER, "notices")

_READ: Final = """
SELECT n.kind, n.tells_customer, n.created_at, n.sealed, k.data_key,
    n.expanded_at IS NOT NULL, t.reminder_minutes, t.sends_email, t.sends_sms,
    t.sends_broadcast
FROM notices n
JOIN tenants t ON t.tenant_id = n.tenant_id
JOIN tenant_keys k ON k.tenant_id = n.tenant_id AND k.version = n.key_version
WHERE n.tenant_id = %(tenant)s AND n.notice_id = %(notice)s AND k.data_key IS NOT NULL
"""
_SUBSCRIBED: Final = """
SELECT endpoint_id FROM webhook_endpoints
WHERE tenant_id = %s AND is_active AND %s = ANY (events) ORDER BY endpoint_id
"""
_ADD: Final = """
INSERT INTO deliveries (tenant_id, delivery_id, notice_id, channel, endpoint_id,
    next_try_at, give_up_at, created_at, updated_at)
VALUES (%(tenant)s, %(delivery)s, %(notice)s, %(channel)s, %(endpoint)s, %(now)s,
    %(give_up_at)s, %(now)s, %(now)s)
ON CONFLICT DO NOTHING
"""
_EXPANDED: Final = """
UPDATE notices SET expanded_at = %(now)s
WHERE tenant_id = %(tenant)s AND notice_id = %(notice)s
"""
# A later change says what is true now; not where it keeps silent towards the customer.
_LEASE: Final = """
WITH leased AS (
    UPDATE deliveries SET attempts = attempts + 1, next_try_at = %(until)s,
        updated_at = %(now)s
    WHERE tenant_id = %(tenant)s AND notice_id = %(notice)s AND status = 'pending'
        AND next_try_at <= %(now)s
    RETURNING tenant_id, delivery_id, channel, endpoint_id, attempts, give_up_at,
        next_try_at
)
SELECT l.*, EXISTS (
        SELECT FROM notices n JOIN notices later ON later.tenant_id = n.tenant_id
            AND later.appointment_id = n.appointment_id
            AND (later.created_at, later.notice_id) > (n.created_at, n.notice_id)
            AND (later.kind = 'appointment.cancelled'
                OR later.kind = 'appointment.updated' AND later.tells_customer)
        WHERE n.tenant_id = %(tenant)s AND n.notice_id = %(notice)s
    ), e.url, e.previous_secret_ends_at, e.sealed, k.data_key
FROM leased l
LEFT JOIN webhook_endpoints e ON e.tenant_id = l.tenant_id
    AND e.endpoint_id = l.endpoint_id AND e.is_active
LEFT JOIN tenant_keys k ON k.tenant_id = e.tenant_id AND k.version = e.key_version
"""
_RECORD: Final = """
UPDATE deliveries SET status = %(status)s, last_error = %(error)s,
    response_status = %(response)s, next_try_at = %(next_try_at)s, updated_at = %(now)s
WHERE tenant_id = %(tenant)s AND delivery_id = %(delivery)s AND status = 'pending'
    AND next_try_at = %(leased_until)s
"""
_DISABLE: Final = """
UPDATE webhook_endpoints SET is_active = false, disabled_reason = 'gone',
    updated_at = %(now)s
WHERE tenant_id = %(tenant)s AND endpoint_id = %(endpoint)s AND is_active
"""
DELIVERY_COLUMNS: Final = """
SELECT d.tenant_id, d.delivery_id, d.notice_id, n.kind, n.appointment_id, d.channel,
    d.endpoint_id, d.status, d.attempts, d.last_error, d.response_status,
    d.next_try_at, d.created_at, d.updated_at
FROM deliveries d JOIN notices n USING (tenant_id, notice_id)
"""


class NoticeTable:
    """The port `NoticeStore` on PostgreSQL."""

    def __init__(self, session: Session, keyring: Keyring, new_id: NewId) -> None:
        """Take what opens sealed columns, and makes ids for the audit log."""
        self._session, self._keyring, self._new_id = session, keyring, new_id

    async def begin(
        self, notice: tuple[UUID, UUID], plan: Plan, now: Instant, until: Instant
    ) -> Begun | None:
        """Plan the deliveries, once, and lease those that are due.

        `notice` is a tenant's id and a notice's. None: there is no such notice.
        """
        values: dict[str, object] = {
            "tenant": notice[0],
            "notice": notice[1],
            "now": to_datetime(now),
            "until": to_datetime(until),
        }
        async with self._session.transaction(notice[0]) as connection:
            # Not in one statement: a join sees the row that was locked, but not the
            # key that it was encrypted with anew meanwhile.
            await lock_notice(connection, *notice)
            cursor = await connection.execute(_READ, values)
            row = await cursor.fetchone()
            if row is None:
                await set_due(connection, *notice, None)
                return None
            found = self._notice(notice, row)
            if not row[5]:
                situation = await _situation(connection, found, row)
                await _expand(connection, values, plan(situation))
            cursor = await connection.execute(_LEASE, values)
            rows = await cursor.fetchall()
        return Begun(found, [self._attempt(row, now) for row in rows])

    def _notice(self, ids: tuple[UUID, UUID], row: Row) -> Notice:
        kind, tells_customer, created_at, sealed, wrapped, *_ = row
        snapshot = None
        if kind != NoticeKind.TEST:
            data_key = self._keyring.data_key(ids[0], wrapped)
            snapshot = open_snapshot(data_key, *ids, sealed)
        return Notice(
            *ids,
            NoticeKind(kind),
            tells_customer,
            from_datetime(created_at),
            snapshot,
        )

    def _attempt(self, row: Row, now: Instant) -> Attempt:
        tenant_id, delivery_id, channel, endpoint_id, attempts, *rest = row
        give_up_at, leased_until, is_superseded, url, ends_at, sealed, wrapped = rest
        target = None
        if wrapped is not None:
            data_key = self._keyring.data_key(tenant_id, wrapped)
            secrets = 2 if _is_after(ends_at, now) else 1
            target = open_target(
                data_key, (tenant_id, endpoint_id), url, sealed, secrets
            )
        return Attempt(
            tenant_id,
            delivery_id,
            ChannelName(channel),
            endpoint_id,
            attempts,
            from_datetime(give_up_at),
            from_datetime(leased_until),
            is_superseded,
            target,
        )

    async def record(self, attempt: Attempt, result: Result, now: Instant) -> None:
        """Write down how an attempt went, unless its lease was lost meanwhile."""
        values = {
            "tenant": attempt.tenant_id,
            "delivery": attempt.delivery_id,
            "leased_until": to_datetime(attempt.leased_until),
            "status": result.status,
            "error": result.outcome.error,
            "response": result.outcome.status,
            "next_try_at": _moment(result.next_try_at),
            "now": to_datetime(now),
        }
        async with self._session.transaction(attempt.tenant_id) as connection:
            await connection.execute(_RECORD, values)

    async def finish(self, tenant_id: UUID, notice_id: UUID) -> list[Delivery]:
        """Note when the notice is due again, if ever; return its deliveries."""
        of_notice = " WHERE d.tenant_id = %s AND d.notice_id = %s"
        async with self._session.transaction(tenant_id) as connection:
            await lock_notice(connection, tenant_id, notice_id)
            cursor = await connection.execute(
                DELIVERY_COLUMNS + of_notice + " ORDER BY d.delivery_id",
                [tenant_id, notice_id],
            )
            rows = await cursor.fetchall()
            due = min((row[11] for row in rows if row[11] is not None), default=None)
            await set_due(connection, tenant_id, notice_id, due)
        return [delivery_of(row) for row in rows]

    async def disable_endpoint(self, attempt: Attempt, now: Instant) -> None:
        """Switch the attempt's endpoint off because it is gone, and say so."""
        tenant_id, endpoint_id = attempt.tenant_id, attempt.endpoint_id
        async with self._session.transaction(tenant_id) as connection:
            values = {"tenant": tenant_id, "endpoint": endpoint_id}
            await lock_tenant(connection, tenant_id)
            cursor = await connection.execute(
                _DISABLE, values | {"now": to_datetime(now)}
            )
            if cursor.rowcount:
                await note_listeners(connection, tenant_id)
                session = Bound(connection, tenant_id)
                audit = AuditTable(session, tenant_id, _WORKER, now, self._new_id)
                await audit.record("webhook_endpoint.disabled", endpoint_id)


def seal_nothing(keys: TenantKeys, notice_id: UUID) -> bytes:
    """Encrypt that there is nothing to tell, for a test event's row."""
    return keys.seal(b"null", "notices", "sealed", notice_id)


def delivery_of(row: Row) -> Delivery:
    """Read a row of DELIVERY_COLUMNS."""
    tenant_id, delivery_id, notice_id, kind, appointment_id, channel, *rest = row
    endpoint_id, status, attempts, error, response, next_try_at, *moments = rest
    return Delivery(
        tenant_id,
        delivery_id,
        notice_id,
        NoticeKind(kind),
        appointment_id,
        ChannelName(channel),
        endpoint_id,
        DeliveryStatus(status),
        attempts,
        None if error is None else DeliveryError(error),
        response,
        None if next_try_at is None else from_datetime(next_try_at),
        *map(from_datetime, moments),
    )


async def set_due(
    connection: Connection, tenant_id: UUID, notice_id: UUID, due_at: datetime | None
) -> None:
    """Let the sweep find the notice at that time, or no more."""
    if due_at is None:
        await connection.execute(
            "DELETE FROM due_work WHERE tenant_id = %s AND kind = 'notice'"
            " AND item_id = %s",
            [tenant_id, notice_id],
        )
        return
    await connection.execute(
        "INSERT INTO due_work VALUES (%s, 'notice', %s, %s)"
        " ON CONFLICT (tenant_id, kind, item_id) DO UPDATE SET due_at ="
        " EXCLUDED.due_at",
        [tenant_id, notice_id, due_at],
    )


async def lock_tenant(connection: Connection, tenant_id: UUID) -> None:
    """Lock the tenant's row, before its endpoints change."""
    await connection.execute(
        "SELECT FROM tenants WHERE tenant_id = %s FOR NO KEY UPDATE", [tenant_id]
    )


async def note_listeners(connection: Connection, tenant_id: UUID) -> None:
    """Write where bookings look whether any software wants to hear of them."""
    await connection.execute(
        "UPDATE tenants SET has_listeners = EXISTS (SELECT FROM webhook_endpoints"
        " WHERE tenant_id = %(tenant)s AND is_active) WHERE tenant_id = %(tenant)s",
        {"tenant": tenant_id},
    )


async def lock_notice(connection: Connection, tenant_id: UUID, notice_id: UUID) -> None:
    """Lock the notice's row, before its deliveries or its due time are changed."""
    await connection.execute(
        "SELECT FROM notices WHERE tenant_id = %s AND notice_id = %s FOR UPDATE",
        [tenant_id, notice_id],
    )


async def _situation(connection: Connection, notice: Notice, row: Row) -> Situation:
    cursor = await connection.execute(_SUBSCRIBED, [notice.tenant_id, notice.kind])
    endpoints = [each[0] for each in await cursor.fetchall()]
    return Situation(notice, settings_of(row[6:10]), endpoints)


async def _expand(
    connection: Connection, values: dict[str, object], planned: Sequence[NewDelivery]
) -> None:
    for each in planned:
        await connection.execute(
            _ADD,
            values
            | {
                "delivery": each.delivery_id,
                "channel": each.channel,
                "endpoint": each.endpoint_id,
                "give_up_at": to_datetime(each.give_up_at),
            },
        )
    await connection.execute(_EXPANDED, values)


def settings_of(row: Row) -> TenantNoticeSettings:
    """Read reminder_minutes, sends_email, sends_sms and sends_broadcast."""
    minutes, *switches = row
    return TenantNoticeSettings(tuple(minutes), *switches)


def _is_after(moment: datetime | None, now: Instant) -> bool:
    return moment is not None and from_datetime(moment) > now


def _moment(instant: Instant | None) -> datetime | None:
    return None if instant is None else to_datetime(instant)
