"""Statements that keep, change and remove connections.

Whoever runs several of them locks in this order: agents, links, connections, calendars,
due_work.
"""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from psycopg.errors import ForeignKeyViolation

from universal_calendar.core.errors import AgentNotFound
from universal_calendar.core.instant import Instant, to_datetime
from universal_calendar.services.ports import connections as port
from universal_calendar.services.ports.syncs import SYNC
from universal_calendar.store.connections.platform_accounts import (
    forget_account,
    remember_account,
)
from universal_calendar.store.database import Connection
from universal_calendar.store.sealing.account_secrets import (
    SealedAccount,
    SealedCalendar,
    account_index,
    seal_account,
    seal_calendar,
)
from universal_calendar.store.sealing.encryption import TenantKeys

Values = dict[str, object]

_ADD: Final = """
INSERT INTO connections (tenant_id, connection_id, provider, account_index, status,
    agent_id, timezone, key_version, sealed, created_at, updated_at)
VALUES (%(tenant)s, %(connection)s, %(provider)s, %(index)s, 'active', %(agent)s,
    coalesce(%(timezone)s, %(provider_timezone)s), %(version)s, %(sealed)s, %(now)s,
    %(now)s)
ON CONFLICT (tenant_id, provider, account_index) DO NOTHING
"""
_FIND: Final = """
SELECT connection_id FROM connections
WHERE tenant_id = %(tenant)s AND provider = %(provider)s AND account_index = %(index)s
FOR UPDATE
"""
# The same account again: its credentials are new, whatever they were.
_RENEW: Final = """
UPDATE connections SET status = 'active', next_try_at = NULL, failing_since = NULL,
    renewing_until = NULL, agent_id = coalesce(%(agent)s, agent_id),
    timezone = coalesce(%(timezone)s, timezone, %(provider_timezone)s),
    key_version = %(version)s, sealed = %(sealed)s, updated_at = %(now)s
WHERE tenant_id = %(tenant)s AND connection_id = %(connection)s
"""
# The one before may be gone there, and so not be told of any more.
_NO_PRIMARY: Final = """
UPDATE calendars SET is_primary = false
WHERE tenant_id = %(tenant)s AND connection_id = %(connection)s AND is_primary
"""
_ADD_CALENDAR: Final = """
INSERT INTO calendars (tenant_id, calendar_id, connection_id, is_primary, is_read,
    is_schedule, key_version, sealed, created_at)
VALUES (%(tenant)s, %(calendar)s, %(connection)s, %(is_primary)s, %(is_read)s,
    %(is_schedule)s, %(version)s, %(sealed)s, %(now)s)
ON CONFLICT (tenant_id, calendar_id) DO UPDATE SET is_primary = excluded.is_primary,
    is_schedule = excluded.is_schedule, key_version = excluded.key_version,
    sealed = excluded.sealed
"""
_FIRST_WRITE_CALENDAR: Final = """
INSERT INTO write_calendars
SELECT tenant_id, agent_id, %(calendar)s FROM connections
WHERE tenant_id = %(tenant)s AND connection_id = %(connection)s
    AND direction <> 'from_provider'
ON CONFLICT (tenant_id, agent_id) DO NOTHING
"""
_CHANGE: Final = """
UPDATE connections SET direction = %(direction)s, agent_id = %(agent)s,
    timezone = %(timezone)s, is_closed_when_silent = %(is_closed_when_silent)s,
    tentative_blocks = %(tentative_blocks)s, checks_live = %(checks_live)s,
    updated_at = %(now)s
WHERE tenant_id = %(tenant)s AND connection_id = %(connection)s
"""
_STOP_WRITING: Final = """
DELETE FROM write_calendars WHERE tenant_id = %(tenant)s AND calendar_id IN (
    SELECT calendar_id FROM calendars
    WHERE tenant_id = %(tenant)s AND connection_id = %(connection)s)
"""
_CALENDARS_OF: Final = """
SELECT calendar_id FROM calendars
WHERE tenant_id = %(tenant)s AND connection_id = %(connection)s
ORDER BY calendar_id FOR UPDATE
"""
# Who reads one of them now has lost its lease, and writes nothing down.
_FORGET_READING: Final = """
UPDATE calendars SET read_at = NULL, window_ends_at = NULL, wanted_at = NULL,
    is_full_wanted = false, may_be_empty = false, sync_attempts = 0, sync_error = NULL,
    leased_until = NULL
WHERE tenant_id = %(tenant)s AND calendar_id = ANY (%(calendars)s)
"""
_FORGET: Final = (
    *(
        f"DELETE FROM {table}"  # noqa: S608 - constants
        " WHERE tenant_id = %(tenant)s AND calendar_id = ANY (%(calendars)s)"
        for table in ("mirrored_times", "sync_tokens", "named_visits", "half_readings")
    ),
    # What we wrote ourselves is known without reading.
    "DELETE FROM visits v"
    " WHERE v.tenant_id = %(tenant)s AND v.calendar_id = ANY (%(calendars)s)"
    " AND NOT EXISTS (SELECT FROM links l WHERE l.tenant_id = v.tenant_id"
    " AND l.calendar_id = v.calendar_id AND l.event_id = v.event_id)",
)
_NOTHING_DUE: Final = """
DELETE FROM due_work WHERE tenant_id = %(tenant)s AND kind = %(kind)s
    AND item_id = ANY (%(calendars)s)
"""
_REMOVE_LINKS: Final = """
DELETE FROM links WHERE tenant_id = %(tenant)s AND calendar_id IN (
    SELECT calendar_id FROM calendars
    WHERE tenant_id = %(tenant)s AND connection_id = %(connection)s)
"""
_LOCK: Final = """
SELECT FROM connections
WHERE tenant_id = %(tenant)s AND connection_id = %(connection)s FOR UPDATE
"""
_REMOVE_CHANNELS: Final = """
DELETE FROM push_channel_directory WHERE channel_id IN (
    SELECT channel_id FROM push_channels
    WHERE tenant_id = %(tenant)s AND calendar_id = ANY (%(calendars)s))
"""
_REMOVE: Final = """
DELETE FROM connections
WHERE tenant_id = %(tenant)s AND connection_id = %(connection)s
"""
_NOBODY_TOLD: Final = """
DELETE FROM due_work WHERE tenant_id = %(tenant)s AND kind = 'connection'
    AND item_id = %(connection)s
"""


async def keep(
    transaction: Connection,
    keys: TenantKeys,
    connection: port.NewConnection,
    now: Instant,
) -> port.Kept:
    """Add the connection, or renew that of the same account; raise AgentNotFound."""
    values = _connection_values(keys, connection, now)
    try:
        kept = await _keep(transaction, keys, connection, values)
    except ForeignKeyViolation:
        raise AgentNotFound(connection.agent_id) from None
    if any(each.is_schedule for each in connection.calendars):
        ids = connection.tenant_id, kept.connection_id
        await remember_account(
            transaction, ids, connection.provider, connection.account, now
        )
    return kept


def _connection_values(
    keys: TenantKeys, connection: port.NewConnection, now: Instant
) -> Values:
    return {
        "tenant": connection.tenant_id,
        "connection": connection.connection_id,
        "provider": connection.provider,
        "agent": connection.agent_id,
        "timezone": connection.timezone,
        "provider_timezone": connection.provider_timezone,
        "index": account_index(keys, connection.provider, connection.account),
        "version": keys.version,
        "now": to_datetime(now),
    }


async def _keep(
    transaction: Connection,
    keys: TenantKeys,
    connection: port.NewConnection,
    values: Values,
) -> port.Kept:
    """Add or renew; the connection's id is part of what is sealed."""
    account = SealedAccount(connection.account, connection.secrets)
    sealed = seal_account(keys, connection.connection_id, account)
    cursor = await transaction.execute(_ADD, values | {"sealed": sealed})
    if cursor.rowcount:
        return port.Kept(connection.connection_id, is_new=True)
    cursor = await transaction.execute(_FIND, values)
    row = await cursor.fetchone()
    if row is None:
        raise LookupError("the connection was removed meanwhile")
    known: UUID = row[0]
    sealed = seal_account(keys, known, account)
    await transaction.execute(_RENEW, values | {"connection": known, "sealed": sealed})
    return port.Kept(known, is_new=False)


async def keep_calendars(
    transaction: Connection,
    keys: TenantKeys,
    connection: port.NewConnection,
    known: Mapping[str, UUID],
    now: Instant,
) -> None:
    """Add or rename calendars; those that are gone stay, with their links.

    `known` has the ids of those that are ours by their ids at the provider.
    """
    values: Values = {
        "tenant": connection.tenant_id,
        "connection": connection.connection_id,
        "version": keys.version,
        "now": to_datetime(now),
    }
    await transaction.execute(_NO_PRIMARY, values)
    for each in connection.calendars:
        calendar_id = known.get(each.external_id, each.calendar_id)
        plain = SealedCalendar(each.external_id, each.name, each.is_writable)
        calendar = values | {
            "calendar": calendar_id,
            "is_primary": each.is_primary,
            "is_read": each.is_read,
            "is_schedule": each.is_schedule,
            "sealed": seal_calendar(keys, calendar_id, plain),
        }
        await transaction.execute(_ADD_CALENDAR, calendar)
        if each.is_primary and each.is_writable:
            await transaction.execute(_FIRST_WRITE_CALENDAR, calendar)


async def change(
    transaction: Connection,
    tenant_id: UUID,
    connection_id: UUID,
    usage: port.Usage,
    now: Instant,
) -> None:
    """Set what the connection is used for, and forget what it is used for no more."""
    values: Values = {
        "tenant": tenant_id,
        "connection": connection_id,
        "direction": usage.direction,
        "agent": usage.agent_id,
        "timezone": usage.timezone,
        "is_closed_when_silent": usage.is_closed_when_silent,
        "tentative_blocks": usage.tentative_blocks,
        "checks_live": usage.checks_live,
        "now": to_datetime(now),
    }
    try:
        await transaction.execute(_CHANGE, values)
    except ForeignKeyViolation:
        raise AgentNotFound(usage.agent_id) from None
    if not usage.direction.writes:
        await transaction.execute(_STOP_WRITING, values)
    if not usage.direction.reads:
        values["calendars"] = await _calendars_of(transaction, values)
        await _forget_reading(transaction, values)


async def set_read(
    transaction: Connection, tenant_id: UUID, calendar_id: UUID, *, is_read: bool
) -> None:
    """Set the switch; a calendar that is not read is nothing that we know of."""
    values: Values = {
        "tenant": tenant_id,
        "calendars": [calendar_id],
        "is_read": is_read,
    }
    await transaction.execute(
        "UPDATE calendars SET is_read = %(is_read)s"
        " WHERE tenant_id = %(tenant)s AND calendar_id = ANY (%(calendars)s)",
        values,
    )
    if not is_read:
        await _forget_reading(transaction, values)


async def remove(transaction: Connection, tenant_id: UUID, connection_id: UUID) -> None:
    """Remove the connection and everything by it; raise ConnectionNotFound."""
    values: Values = {"tenant": tenant_id, "connection": connection_id, "kind": SYNC}
    # Links before their connection: the order in which whoever writes an event locks.
    await transaction.execute(_REMOVE_LINKS, values)
    cursor = await transaction.execute(_LOCK, values)
    if cursor.rowcount == 0:
        raise port.ConnectionNotFound
    values["calendars"] = await _calendars_of(transaction, values)
    await transaction.execute(_REMOVE_CHANNELS, values)
    await forget_account(transaction, connection_id)
    await transaction.execute(_REMOVE, values)
    await transaction.execute(_NOTHING_DUE, values)
    await transaction.execute(_NOBODY_TOLD, values)


async def _calendars_of(transaction: Connection, values: Values) -> list[UUID]:
    cursor = await transaction.execute(_CALENDARS_OF, values)
    return [row[0] for row in await cursor.fetchall()]


async def _forget_reading(transaction: Connection, values: Values) -> None:
    await transaction.execute(_FORGET_READING, values)
    for statement in _FORGET:
        await transaction.execute(statement, values)
    await transaction.execute(_NOTHING_DUE, values | {"kind": SYNC})
