"""All agendas of a tenant at once."""

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from universal_calendar.core.agenda import MARGIN_DAYS, Agenda
from universal_calendar.core.assignment import Candidate
from universal_calendar.core.instant import Duration, to_datetime
from universal_calendar.core.silence import MIRROR_MAX_AGE
from universal_calendar.services.ports.candidates import CandidateQuery
from universal_calendar.store.booking.agenda_rows import AgendaRow, agenda_of
from universal_calendar.store.booking.agendas import midnight
from universal_calendar.store.database import Session

# Row-level security lets rows through once the tenant is set: OFFSET keeps the planner
# from looking at agents before that.
_READ: Final = """
SELECT a.agent_id, EXISTS (
        SELECT FROM claims c WHERE c.tenant_id = t.tenant AND c.claim_id = %(hold)s
            AND c.agent_id = a.agent_id AND c.expires_at > %(now)s
    ), r.*
FROM (SELECT set_config('app.tenant_id', %(tenant)s, true)::uuid AS tenant) t
CROSS JOIN LATERAL (
    SELECT agent_id FROM agents WHERE tenant_id = t.tenant AND is_active OFFSET 0
) a
CROSS JOIN LATERAL read_agenda(NULL, t.tenant, %(now)s, NULL, NULL, a.agent_id,
    %(from)s, %(to)s, NULL, %(hold)s, NULL) r
WHERE r.outcome = 'ok'
"""


class CandidateTable:
    """The port `CandidateStore` on PostgreSQL."""

    def __init__(
        self, session: Session, mirror_max_age: Duration = MIRROR_MAX_AGE
    ) -> None:
        """Take where to read, and how long a mirror of calendars stands."""
        self._session, self._mirror_max_age = session, mirror_max_age

    async def read(self, query: CandidateQuery) -> list[Candidate]:
        """Return the active agents that have hours, in one round trip."""
        parameters = {
            "tenant": str(query.tenant_id),
            "hold": query.hold_id,
            "now": to_datetime(query.now),
            "from": midnight(query.first, -MARGIN_DAYS),
            "to": midnight(query.last, MARGIN_DAYS + 1),
        }
        async with self._session.connection() as connection:
            cursor = connection.cursor(binary=True)
            await cursor.execute(_READ, parameters)
            rows = await cursor.fetchall()
        return [
            Candidate(self._agenda(query, agent_id, values), holds_time)
            for agent_id, holds_time, *values in rows
        ]

    def _agenda(
        self, query: CandidateQuery, agent_id: UUID, values: Iterable[Any]
    ) -> Agenda:
        row = AgendaRow._make(values)
        return agenda_of(row, agent_id, query.now, self._mirror_max_age)
