"""Webhook endpoints, their secrets and their deliveries."""

from typing import Final
from uuid import UUID

from universal_calendar.core.instant import Instant, from_datetime, to_datetime
from universal_calendar.services.ports.notices import (
    ChannelName,
    Delivery,
    NoticeKind,
)
from universal_calendar.services.ports.webhook_endpoints import (
    DeliveryNotFound,
    EndpointNotFound,
    NewTest,
    WebhookEndpoint,
)
from universal_calendar.store.answers import read_tenant_keys
from universal_calendar.store.database import Connection, Row, Session
from universal_calendar.store.notices.notices import (
    DELIVERY_COLUMNS,
    delivery_of,
    lock_notice,
    lock_tenant,
    note_listeners,
    seal_nothing,
    set_due,
)
from universal_calendar.store.sealing.keyring import Keyring
from universal_calendar.store.sealing.webhook_secrets import open_secrets, seal_secrets

_ADD: Final = """
INSERT INTO webhook_endpoints (tenant_id, endpoint_id, url, events, is_active,
    key_version, sealed, created_at, updated_at)
SELECT %(tenant)s, %(endpoint)s, %(url)s, %(events)s, %(is_active)s, %(version)s,
    %(sealed)s, %(created_at)s, %(updated_at)s
WHERE (SELECT count(*) FROM webhook_endpoints WHERE tenant_id = %(tenant)s) < %(limit)s
"""
_COLUMNS: Final = """
SELECT tenant_id, endpoint_id, url, events, is_active, disabled_reason,
    previous_secret_ends_at, created_at, updated_at
FROM webhook_endpoints WHERE tenant_id = %s
"""
_UPDATE: Final = """
UPDATE webhook_endpoints SET url = %(url)s, events = %(events)s,
    is_active = %(is_active)s, disabled_reason = %(disabled_reason)s,
    updated_at = %(updated_at)s
WHERE tenant_id = %(tenant)s AND endpoint_id = %(endpoint)s
"""
_REMOVE: Final = """
DELETE FROM webhook_endpoints WHERE tenant_id = %s AND endpoint_id = %s
"""
_LOCK: Final = """
SELECT FROM webhook_endpoints
WHERE tenant_id = %(tenant)s AND endpoint_id = %(endpoint)s FOR NO KEY UPDATE
"""
_READ_SECRETS: Final = """
SELECT e.sealed, k.data_key FROM webhook_endpoints e
JOIN tenant_keys k ON k.tenant_id = e.tenant_id AND k.version = e.key_version
WHERE e.tenant_id = %(tenant)s AND e.endpoint_id = %(endpoint)s
"""
_WRITE_SECRETS: Final = """
UPDATE webhook_endpoints SET key_version = %(version)s, sealed = %(sealed)s,
    previous_secret_ends_at = %(ends_at)s
WHERE tenant_id = %(tenant)s AND endpoint_id = %(endpoint)s
"""
_ADD_TEST_NOTICE: Final = """
INSERT INTO notices (tenant_id, notice_id, kind, tells_customer, key_version, sealed,
    created_at, expanded_at)
VALUES (%(tenant)s, %(notice)s, %(kind)s, false, %(version)s, %(sealed)s, %(now)s,
    %(now)s)
"""
_ADD_TEST_DELIVERY: Final = """
INSERT INTO deliveries (tenant_id, delivery_id, notice_id, channel, endpoint_id,
    next_try_at, give_up_at, created_at, updated_at)
VALUES (%(tenant)s, %(delivery)s, %(notice)s, %(channel)s, %(endpoint)s, %(now)s,
    %(give_up_at)s, %(now)s, %(now)s)
"""
_PAGE: Final = """
WHERE d.tenant_id = %(tenant)s AND d.endpoint_id = %(endpoint)s
    AND (%(before)s::uuid IS NULL OR d.delivery_id < %(before)s)
ORDER BY d.delivery_id DESC LIMIT %(limit)s
"""
_ONE: Final = """
WHERE d.tenant_id = %s AND d.endpoint_id = %s AND d.delivery_id = %s
"""
_REQUEUE: Final = """
UPDATE deliveries SET status = 'pending', next_try_at = %(now)s,
    give_up_at = %(give_up_at)s, attempts = 0, updated_at = %(now)s
WHERE tenant_id = %(tenant)s AND delivery_id = %(delivery)s
"""


class WebhookEndpointTable:
    """The port `WebhookEndpointStore` on PostgreSQL."""

    def __init__(self, session: Session, keyring: Keyring) -> None:
        """Take what opens and seals secrets."""
        self._session, self._keyring = session, keyring

    async def add(self, endpoint: WebhookEndpoint, secret: str, limit: int) -> bool:
        """Add an endpoint unless the tenant has so many already; tell whether."""
        tenant_id = endpoint.tenant_id
        async with self._session.transaction(tenant_id) as connection:
            # Two at once must not both be the last one allowed.
            await lock_tenant(connection, tenant_id)
            keys = await read_tenant_keys(connection, self._keyring, tenant_id)
            sealed = seal_secrets(keys, endpoint.endpoint_id, [secret])
            more = {"version": keys.version, "sealed": sealed, "limit": limit}
            cursor = await connection.execute(_ADD, _values(endpoint) | more)
            await note_listeners(connection, tenant_id)
        return cursor.rowcount == 1

    async def of_tenant(self, tenant_id: UUID) -> list[WebhookEndpoint]:
        """Return the tenant's endpoints, oldest first."""
        async with self._session.transaction(tenant_id) as connection:
            cursor = await connection.execute(
                _COLUMNS + " ORDER BY endpoint_id", [tenant_id]
            )
            return [_endpoint(row) for row in await cursor.fetchall()]

    async def get(self, tenant_id: UUID, endpoint_id: UUID) -> WebhookEndpoint:
        """Return an endpoint; raise EndpointNotFound."""
        async with self._session.transaction(tenant_id) as connection:
            cursor = await connection.execute(
                _COLUMNS + " AND endpoint_id = %s", [tenant_id, endpoint_id]
            )
            row = await cursor.fetchone()
        if row is None:
            raise EndpointNotFound
        return _endpoint(row)

    async def update(self, endpoint: WebhookEndpoint) -> None:
        """Write URL, events and activity; raise EndpointNotFound."""
        tenant_id = endpoint.tenant_id
        async with self._session.transaction(tenant_id) as connection:
            await lock_tenant(connection, tenant_id)
            cursor = await connection.execute(_UPDATE, _values(endpoint))
            await note_listeners(connection, tenant_id)
        if cursor.rowcount == 0:
            raise EndpointNotFound

    async def remove(self, tenant_id: UUID, endpoint_id: UUID) -> None:
        """Delete an endpoint with its deliveries; raise EndpointNotFound."""
        async with self._session.transaction(tenant_id) as connection:
            await lock_tenant(connection, tenant_id)
            cursor = await connection.execute(_REMOVE, [tenant_id, endpoint_id])
            await note_listeners(connection, tenant_id)
        if cursor.rowcount == 0:
            raise EndpointNotFound

    async def rotate(
        self, tenant_id: UUID, endpoint_id: UUID, secret: str, ends_at: Instant
    ) -> None:
        """Sign with this secret, and with the one before until `ends_at` too.

        Raises EndpointNotFound.
        """
        async with self._session.transaction(tenant_id) as connection:
            values = {"tenant": tenant_id, "endpoint": endpoint_id}
            current = await self._current_secret(connection, tenant_id, endpoint_id)
            keys = await read_tenant_keys(connection, self._keyring, tenant_id)
            written = {
                "version": keys.version,
                "sealed": seal_secrets(keys, endpoint_id, [secret, current]),
                "ends_at": to_datetime(ends_at),
            }
            await connection.execute(_WRITE_SECRETS, values | written)

    async def _current_secret(
        self, connection: Connection, tenant_id: UUID, endpoint_id: UUID
    ) -> str:
        values = {"tenant": tenant_id, "endpoint": endpoint_id}
        await connection.execute(_LOCK, values)
        cursor = await connection.execute(_READ_SECRETS, values)
        row = await cursor.fetchone()
        if row is None:
            raise EndpointNotFound
        data_key = self._keyring.data_key(tenant_id, row[1])
        return open_secrets(data_key, tenant_id, endpoint_id, row[0])[0]

    async def add_test(
        self, endpoint: WebhookEndpoint, test: NewTest, now: Instant
    ) -> None:
        """Write a test event, due at once."""
        tenant_id = endpoint.tenant_id
        async with self._session.transaction(tenant_id) as connection:
            keys = await read_tenant_keys(connection, self._keyring, tenant_id)
            values = {
                "tenant": tenant_id,
                "endpoint": endpoint.endpoint_id,
                "notice": test.notice_id,
                "delivery": test.delivery_id,
                "kind": NoticeKind.TEST,
                "channel": ChannelName.WEBHOOK,
                "version": keys.version,
                "sealed": seal_nothing(keys, test.notice_id),
                "give_up_at": to_datetime(test.give_up_at),
                "now": to_datetime(now),
            }
            await connection.execute(_ADD_TEST_NOTICE, values)
            await connection.execute(_ADD_TEST_DELIVERY, values)
            await set_due(connection, tenant_id, test.notice_id, to_datetime(now))

    async def deliveries(
        self, tenant_id: UUID, endpoint_id: UUID, before: UUID | None, limit: int
    ) -> list[Delivery]:
        """Return the endpoint's deliveries before this one, newest first."""
        values = {
            "tenant": tenant_id,
            "endpoint": endpoint_id,
            "before": before,
            "limit": limit,
        }
        async with self._session.transaction(tenant_id) as connection:
            cursor = await connection.execute(DELIVERY_COLUMNS + _PAGE, values)
            return [delivery_of(row) for row in await cursor.fetchall()]

    async def delivery(
        self, tenant_id: UUID, endpoint_id: UUID, delivery_id: UUID
    ) -> Delivery:
        """Return a delivery of the endpoint; raise DeliveryNotFound."""
        async with self._session.transaction(tenant_id) as connection:
            cursor = await connection.execute(
                DELIVERY_COLUMNS + _ONE, [tenant_id, endpoint_id, delivery_id]
            )
            row = await cursor.fetchone()
        if row is None:
            raise DeliveryNotFound
        return delivery_of(row)

    async def requeue(
        self, delivery: Delivery, give_up_at: Instant, now: Instant
    ) -> None:
        """Make the delivery pending and due at once, whatever became of it."""
        values = {
            "tenant": delivery.tenant_id,
            "delivery": delivery.delivery_id,
            "give_up_at": to_datetime(give_up_at),
            "now": to_datetime(now),
        }
        tenant_id, notice_id = delivery.tenant_id, delivery.notice_id
        async with self._session.transaction(tenant_id) as connection:
            await lock_notice(connection, tenant_id, notice_id)
            await connection.execute(_REQUEUE, values)
            await set_due(connection, tenant_id, notice_id, to_datetime(now))


def _values(endpoint: WebhookEndpoint) -> dict[str, object]:
    return {
        "tenant": endpoint.tenant_id,
        "endpoint": endpoint.endpoint_id,
        "url": endpoint.url,
        "events": list(endpoint.events),
        "is_active": endpoint.is_active,
        "disabled_reason": endpoint.disabled_reason,
        "created_at": to_datetime(endpoint.created_at),
        "updated_at": to_datetime(endpoint.updated_at),
    }


def _endpoint(row: Row) -> WebhookEndpoint:
    tenant_id, endpoint_id, url, events, is_active, reason, ends_at, *moments = row
    return WebhookEndpoint(
        tenant_id,
        endpoint_id,
        url,
        tuple(map(NoticeKind, events)),
        is_active,
        reason,
        None if ends_at is None else from_datetime(ends_at),
        *map(from_datetime, moments),
    )
