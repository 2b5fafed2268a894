"""The agendas of a tenant's agents in one round trip."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from universal_calendar.core.agenda import MARGIN_DAYS
from universal_calendar.core.errors import AgentNotFound, TenantNotFound
from universal_calendar.core.instant import Duration, to_datetime
from universal_calendar.core.silence import MIRROR_MAX_AGE
from universal_calendar.services.ports.tenant_agendas import (
    AgendaStamp,
    TenantAgendaQuery,
    TenantReading,
)
from universal_calendar.store.booking.agenda_rows import AgendaRow, agenda_of
from universal_calendar.store.booking.agendas import midnight
from universal_calendar.store.database import Session

_READ: Final = """
SELECT * FROM read_agendas(%(tenant)s, %(now)s, %(agent)s, %(from)s, %(to)s,
    %(known_zone)s, %(known_agents)s, %(known_revisions)s)
"""


class _Row(NamedTuple):
    """What read_agendas returns: each list has a place for each agent."""

    zone: str | None
    is_unchanged: bool
    agents: list[UUID] | None
    outcomes: list[str] | None
    revisions: list[int] | None
    zones: list[str]
    documents: list[str]
    claims: list[bytes | None]
    next_expiries: list[datetime | None]
    busy: list[bytes | None]
    calendars: list[str | None]

    def each(self, tenant_id: UUID) -> Iterator[tuple[UUID, AgendaRow]]:
        """Yield each agent with its own row."""
        if not self.agents or not self.outcomes or not self.revisions:
            return
        for index, agent_id in enumerate(self.agents):
            yield (
                agent_id,
                AgendaRow(
                    self.outcomes[index],
                    tenant_id,
                    None,
                    None,
                    self.revisions[index],
                    self.zones[index],
                    self.documents[index],
                    self.claims[index],
                    self.next_expiries[index],
                    self.busy[index],
                    self.calendars[index],
                ),
            )


class TenantAgendaTable:
    """The port `TenantAgendaStore` on PostgreSQL."""

    def __init__(
        self, session: Session, mirror_max_age: Duration = MIRROR_MAX_AGE
    ) -> None:
        """Take where to read, and how long a mirror of calendars stands."""
        self._session, self._mirror_max_age = session, mirror_max_age

    async def read(self, query: TenantAgendaQuery) -> TenantReading:
        """Read agendas of a tenant; raise TenantNotFound or AgentNotFound."""
        row = _Row._make(await self._session.call(_READ, _parameters(query)))
        if row.zone is None:
            raise TenantNotFound
        if query.agent_id is not None and row.agents is None:
            raise AgentNotFound(query.agent_id)
        stamp = AgendaStamp(
            row.zone, tuple(row.agents or ()), tuple(row.revisions or ())
        )
        if row.is_unchanged:
            return TenantReading(stamp, None)
        agendas = [
            agenda_of(each, agent_id, query.now, self._mirror_max_age)
            for agent_id, each in row.each(query.tenant_id)
            if each.outcome == "ok"
        ]
        return TenantReading(stamp, agendas)


def _parameters(query: TenantAgendaQuery) -> dict[str, object]:
    known = query.known
    return {
        "tenant": query.tenant_id,
        "now": to_datetime(query.now),
        "agent": query.agent_id,
        "from": midnight(query.first, -MARGIN_DAYS),
        "to": midnight(query.last, MARGIN_DAYS + 1),
        "known_zone": None if known is None else known.timezone,
        "known_agents": None if known is None else list(known.agent_ids),
        "known_revisions": None if known is None else list(known.revisions),
    }
