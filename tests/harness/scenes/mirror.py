"""Calendars that are read, and what was read of them, by the rows that a sync writes.

Straight through SQL: what is tested here is what follows from the rows, whoever wrote
them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from uuid import UUID

from tests.harness.scenes.business import Business
from universal_calendar.bootstrap.parts import Parts, new_id
from universal_calendar.clock import utc_now
from universal_calendar.core.busy import KINDS, BusySource, BusyType
from universal_calendar.core.instant import from_datetime

_CONNECT = """
INSERT INTO connections (tenant_id, connection_id, provider, account_index, status,
    agent_id, key_version, sealed, created_at, updated_at)
VALUES (%(tenant)s, %(connection)s, %(provider)s, %(index)s, 'active', %(agent)s, 1, '',
    %(now)s, %(now)s)
"""
_ADD_CALENDAR = """
INSERT INTO calendars (tenant_id, calendar_id, connection_id, is_primary, key_version,
    sealed, created_at, is_read, read_at)
VALUES (%(tenant)s, %(calendar)s, %(connection)s, true, 1, '', %(now)s, true, %(now)s)
"""
_TAKE = """
INSERT INTO mirrored_times VALUES (%(tenant)s, %(calendar)s, %(event)s, %(starts_at)s,
    %(ends_at)s, %(kind)s)
"""
_COUNT_CHANGE = "UPDATE agents SET revision = revision + 1 WHERE tenant_id = %(tenant)s"


@dataclass(frozen=True)
class ReadCalendar:
    """A calendar of a connection, both by our ids."""

    connection_id: UUID
    calendar_id: UUID


@dataclass
class Mirror:
    """What a business's calendars hold, as far as it was read."""

    parts: Parts
    tenant_id: UUID
    events: Iterator[int] = field(default_factory=count)

    @classmethod
    def of(cls, parts: Parts, business: Business) -> "Mirror":
        """Return the mirror of a business, with no calendar yet."""
        return cls(parts, business.tenant_id)

    async def connect(
        self, agent_id: UUID | None = None, provider: str = "google"
    ) -> ReadCalendar:
        """Add a connection of an agent, or of all, with a calendar just read whole."""
        connection_id = new_id(from_datetime(utc_now()))
        values = {
            "connection": connection_id,
            "provider": provider,
            "index": connection_id.bytes,
            "agent": agent_id,
            "now": utc_now(),
        }
        await self._change(_CONNECT, values)
        return await self.add_calendar(connection_id)

    async def add_calendar(self, connection_id: UUID) -> ReadCalendar:
        """Add a calendar, just read whole, to a connection."""
        added = ReadCalendar(connection_id, new_id(from_datetime(utc_now())))
        values = {
            "connection": connection_id,
            "calendar": added.calendar_id,
            "now": utc_now(),
        }
        await self._change(_ADD_CALENDAR, values)
        return added

    async def take(
        self,
        calendar: ReadCalendar,
        start: datetime,
        end: datetime,
        busy: BusyType = BusyType.BUSY,
    ) -> str:
        """Mirror an event that takes this time; return its id there."""
        event_id = f"event-{next(self.events)}"
        values = {
            "calendar": calendar.calendar_id,
            "event": event_id,
            "starts_at": start,
            "ends_at": end,
            "kind": KINDS.index((busy, BusySource.CALENDAR)),
        }
        await self._change(_TAKE, values)
        return event_id

    async def drop(self, event_id: str) -> None:
        """Mirror that an event is gone."""
        await self._change(
            "DELETE FROM mirrored_times WHERE event_id = %(event)s", {"event": event_id}
        )

    async def clear(self, calendar: ReadCalendar) -> None:
        """Mirror that nothing takes time there any more."""
        await self._change(
            "DELETE FROM mirrored_times WHERE calendar_id = %(calendar)s",
            {"calendar": calendar.calendar_id},
        )

    async def set_connection(self, calendar: ReadCalendar, **columns: object) -> None:
        """Change how a connection is used, or how well it is."""
        await self._set("connections", "connection_id", calendar.connection_id, columns)

    async def set_calendar(self, calendar: ReadCalendar, **columns: object) -> None:
        """Change a calendar's row."""
        await self._set("calendars", "calendar_id", calendar.calendar_id, columns)

    async def _set(
        self, table: str, key: str, item_id: UUID, columns: dict[str, object]
    ) -> None:
        assigned = ", ".join(f"{name} = %({name})s" for name in columns)
        statement = f"UPDATE {table} SET {assigned} WHERE {key} = %(item)s"  # noqa: S608 - names of the tests' own
        await self._change(statement, {**columns, "item": item_id})

    async def _change(self, statement: str, values: dict[str, object]) -> None:
        """Run a statement as a sync would: with a change of the agents counted."""
        values = {**values, "tenant": self.tenant_id}
        async with self.parts.database.transaction(self.tenant_id) as connection:
            await connection.execute(_COUNT_CHANGE, values)
            await connection.execute(statement.encode(), values)
