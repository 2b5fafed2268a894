"""What is in the way of a time, for a caller who cannot have it."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from universal_calendar.core.agenda import Agenda
from universal_calendar.core.busy import TENTATIVE_EVENT
from universal_calendar.core.errors import Conflict
from universal_calendar.core.instant import Instant, from_datetime, to_datetime
from universal_calendar.core.interval import Interval
from universal_calendar.store.database import Connection

_CONFLICTS: Final = """
SELECT CASE WHEN expires_at IS NULL THEN 'appointment' ELSE 'hold' END, starts_at,
    ends_at, CASE WHEN expires_at IS NULL THEN claim_id END
FROM claims WHERE tenant_id = %(tenant)s AND agent_id = %(agent)s
    AND ends_at > %(starts_at)s AND starts_at < %(ends_at)s
    AND (expires_at IS NULL OR expires_at > %(now)s)
    AND claim_id <> ALL (%(own)s)
UNION ALL
SELECT 'block', starts_at, ends_at, NULL
FROM blocks WHERE tenant_id = %(tenant)s
    AND (agent_id = %(agent)s OR agent_id IS NULL)
    AND ends_at > %(starts_at)s AND starts_at < %(ends_at)s
UNION ALL
SELECT 'calendar', m.starts_at, m.ends_at, NULL
FROM calendars c
JOIN connections n USING (tenant_id, connection_id)
JOIN mirrored_times m USING (tenant_id, calendar_id)
WHERE tenant_id = %(tenant)s AND c.is_read AND n.direction <> 'to_provider'
    AND (n.agent_id = %(agent)s OR n.agent_id IS NULL)
    AND m.ends_at > %(starts_at)s AND m.starts_at < %(ends_at)s
    AND (n.tentative_blocks OR m.kind <> %(tentative)s)
    AND (m.technicians IS NULL OR EXISTS (
        SELECT FROM technicians t WHERE t.tenant_id = n.tenant_id
            AND t.connection_id = n.connection_id AND t.agent_id = %(agent)s
            AND t.technician_id = ANY (m.technicians)))
    AND NOT EXISTS (
        SELECT FROM links l WHERE l.tenant_id = n.tenant_id
            AND l.calendar_id = c.calendar_id AND l.event_id = m.event_id
            AND l.appointment_id = ANY (%(own)s))
ORDER BY 2
"""


async def read_conflicts(
    connection: Connection,
    agenda: Agenda,
    wanted: Interval,
    now: Instant,
    own: Sequence[UUID],
) -> list[Conflict]:
    """Return what overlaps the time, by start; not the claims that are `own`.

    Nor what the visits of appointments among those take.
    """
    values = {
        "tenant": agenda.tenant_id,
        "agent": agenda.agent_id,
        "starts_at": to_datetime(wanted.start),
        "ends_at": to_datetime(wanted.end),
        "now": to_datetime(now),
        "own": list(own),
        "tentative": TENTATIVE_EVENT,
    }
    cursor = await connection.execute(_CONFLICTS, values)
    return [
        Conflict(kind, Interval(from_datetime(start), from_datetime(end)), found)
        for kind, start, end, found in await cursor.fetchall()
    ]
