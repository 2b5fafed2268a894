"""The audit log: ids only, written with what it tells of."""

from datetime import datetime
from typing import Final
from uuid import UUID

from universal_calendar.core.instant import Instant, from_datetime, to_datetime
from universal_calendar.services.ports.appointments import Page
from universal_calendar.services.ports.audit import AuditEntry, AuditFilter, AuditPage
from universal_calendar.services.ports.identity import Actor, ActorKind, NewId
from universal_calendar.store.database import Row, Session

_WANTED: Final = """
FROM audit_entries
WHERE tenant_id = %(tenant)s
    AND (%(first)s::timestamptz IS NULL OR at >= %(first)s)
    AND (%(before)s::timestamptz IS NULL OR at < %(before)s)
    AND (%(actor)s::text IS NULL OR actor_id = %(actor)s)
    AND (%(action)s::text IS NULL OR action = %(action)s)
    AND (%(subject)s::text IS NULL OR subject_id = %(subject)s)
"""
_COUNT: Final = f"SELECT count(*) {_WANTED}"
# Ids sort by the moment they were made.
_LIST: Final = f"""
SELECT entry_id, at, actor_kind, actor_id, action, subject_id, address, request_id
{_WANTED}
ORDER BY entry_id DESC LIMIT %(limit)s OFFSET %(offset)s
"""


class AuditTable:
    """The port `AuditLog` on PostgreSQL, for one tenant, actor and moment."""

    def __init__(
        self,
        session: Session,
        tenant_id: UUID,
        actor: Actor,
        now: Instant,
        new_id: NewId,
    ) -> None:
        """Take whose entries these are."""
        self._session, self._tenant_id = session, tenant_id
        self._actor, self._now, self._new_id = actor, now, new_id

    async def record(self, action: str, subject_id: object) -> None:
        """Add an entry for this actor; `action` is like `block.created`."""
        at: datetime = to_datetime(self._now)
        async with self._session.transaction(self._tenant_id) as connection:
            await connection.execute(
                "INSERT INTO audit_entries VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
                [
                    self._tenant_id,
                    self._new_id(self._now),
                    at,
                    self._actor.kind,
                    self._actor.actor_id,
                    action,
                    str(subject_id),
                    self._actor.address,
                    self._actor.request_id,
                ],
            )

    async def entries(self, wanted: AuditFilter, page: Page) -> AuditPage:
        """Return a page of the tenant's entries, the latest first."""
        values = {
            "tenant": self._tenant_id,
            "first": _moment(wanted.first),
            "before": _moment(wanted.before),
            "actor": wanted.actor_id,
            "action": wanted.action,
            "subject": wanted.subject_id,
            "limit": page.limit,
            "offset": page.offset,
        }
        async with self._session.transaction(self._tenant_id) as connection:
            cursor = await connection.execute(_COUNT, values)
            counted = await cursor.fetchone()
            cursor = await connection.execute(_LIST, values)
            rows = await cursor.fetchall()
        return AuditPage([_entry(row) for row in rows], counted[0] if counted else 0)


def _moment(instant: Instant | None) -> datetime | None:
    return None if instant is None else to_datetime(instant)


def _entry(row: Row) -> AuditEntry:
    entry_id, at, kind, actor_id, action, subject_id, address, request_id = row
    actor = Actor(ActorKind(kind), actor_id, address, request_id)
    return AuditEntry(entry_id, from_datetime(at), actor, action, subject_id)
