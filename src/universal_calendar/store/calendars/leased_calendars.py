"""The lease of a calendar: from then on, and for a while, one process reads it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from universal_calendar.core.instant import Instant, from_datetime, to_datetime
from universal_calendar.services.ports.mirror import LeasedCalendar, LeaseLost
from universal_calendar.services.ports.syncs import SYNC
from universal_calendar.store.database import Connection
from universal_calendar.store.sealing.account_secrets import open_account, open_calendar

Values = dict[str, object]

MINE: Final = """tenant_id = %(tenant)s AND calendar_id = %(calendar)s
    AND leased_until = %(lease)s"""
LEASE: Final = """
UPDATE calendars c SET leased_until = %(until)s
FROM connections n JOIN tenants USING (tenant_id)
WHERE c.tenant_id = %(tenant)s AND c.calendar_id = %(calendar)s
    AND n.tenant_id = c.tenant_id AND n.connection_id = c.connection_id
    AND c.is_read AND n.direction <> 'to_provider'
    AND coalesce(c.leased_until <= %(now)s, true)
    AND coalesce(n.next_try_at <= %(now)s, true)
RETURNING c.connection_id, n.provider, coalesce(n.timezone, tenants.timezone),
    c.window_ends_at, c.wanted_at, c.is_full_wanted, c.may_be_empty, c.sync_attempts,
    c.is_schedule, c.whole_due_at,
    coalesce(c.whole_due_at <= %(now)s, true)
        OR coalesce(c.wanted_at > c.read_at, false)
        OR coalesce(c.hinted_at > c.read_at AND c.rests_until <= %(now)s, false),
    c.key_version, c.sealed, n.key_version, n.sealed
"""
_CHECK: Final = f"SELECT FROM calendars WHERE {MINE} FOR NO KEY UPDATE"


class LeaseRow(NamedTuple):
    """What LEASE returns."""

    connection_id: UUID
    provider: str
    timezone: str
    window_ends_at: datetime | None
    wanted_at: datetime | None
    is_full_wanted: bool
    may_be_empty: bool
    attempts: int
    is_schedule: bool
    whole_due_at: datetime | None
    is_whole_due: bool
    calendar_key_version: int
    calendar_sealed: bytes
    connection_key_version: int
    connection_sealed: bytes

    def leased(
        self, ids: tuple[UUID, UUID], until: Instant, keys: Mapping[int, bytes]
    ) -> LeasedCalendar:
        """Return the calendar, opened. `ids`: of the tenant, of the calendar."""
        tenant_id, calendar_id = ids
        account = open_account(
            keys[self.connection_key_version],
            tenant_id,
            self.connection_id,
            self.connection_sealed,
        )
        opened = open_calendar(
            keys[self.calendar_key_version],
            tenant_id,
            calendar_id,
            self.calendar_sealed,
        )
        return LeasedCalendar(
            tenant_id,
            calendar_id,
            until,
            self.provider,
            account.access(tenant_id, self.connection_id, self.timezone),
            opened.external_id,
            None,
            _instant(self.window_ends_at),
            _instant(self.wanted_at),
            self.is_full_wanted,
            self.may_be_empty,
            self.attempts,
            self.is_schedule,
            _instant(self.whole_due_at),
            self.is_whole_due,
        )


def lease_values(calendar: LeasedCalendar) -> Values:
    """Return what statements about a leased calendar want."""
    wanted_at = calendar.wanted_at
    return {
        "tenant": calendar.tenant_id,
        "calendar": calendar.calendar_id,
        "connection": calendar.access.connection_id,
        "lease": to_datetime(calendar.leased_until),
        "wanted_at": None if wanted_at is None else to_datetime(wanted_at),
        "kind": SYNC,
    }


async def check_lease(connection: Connection, values: Values) -> None:
    """Lock the calendar; raise LeaseLost if somebody else reads it by now."""
    await execute_leased(connection, _CHECK, values)


async def execute_leased(
    connection: Connection, statement: str, values: Values
) -> None:
    """Run a statement that finds a row under MINE; raise LeaseLost if it finds none."""
    cursor = await connection.execute(statement.encode(), values)
    if cursor.rowcount == 0:
        raise LeaseLost


def _instant(moment: datetime | None) -> Instant | None:
    return None if moment is None else from_datetime(moment)
