"""The audit log: ids only, written with what it tells of."""

from datetime import datetime
from uuid import UUID

from universal_calendar.core.instant import Instant, to_datetime
from universal_calendar.services.ports.identity import Actor, NewId
from universal_calendar.store.database import Session


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
