"""Technicians of platforms, their names sealed, and whose time their visits take."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

import orjson

from universal_calendar.core.errors import AgentNotFound
from universal_calendar.services.ports.technicians import (
    KnownTechnician,
    TechnicianNotFound,
)
from universal_calendar.services.ports.tenants import Agent
from universal_calendar.services.ports.visits import NOBODY, Technician
from universal_calendar.store.answers import read_tenant_keys
from universal_calendar.store.database import Connection, Row, Session
from universal_calendar.store.sealing.encryption import TenantKeys, place_of, reopened
from universal_calendar.store.sealing.keyring import Keyring
from universal_calendar.store.tenants.tenants import AgentTable

Values = dict[str, object]

_PLACE: Final = ("technicians", "sealed")
_OF_CONNECTION: Final = "t.tenant_id = %(tenant)s AND t.connection_id = %(connection)s"
_READ: Final = f"""
SELECT t.tenant_id, t.connection_id, t.technician_id, t.agent_id, t.is_fallback,
    t.is_active, t.sealed, k.data_key
FROM technicians t
JOIN tenant_keys k ON k.tenant_id = t.tenant_id AND k.version = t.key_version
WHERE {_OF_CONNECTION} AND k.data_key IS NOT NULL
"""  # noqa: S608 - constants
_AGENTS: Final = f"""
SELECT t.technician_id, t.agent_id FROM technicians t WHERE {_OF_CONNECTION}
"""  # noqa: S608 - constants
_KEEP: Final = """
INSERT INTO technicians (tenant_id, connection_id, technician_id, agent_id, is_fallback,
    is_active, key_version, sealed)
VALUES (%(tenant)s, %(connection)s, %(technician)s, %(agent)s, %(is_fallback)s,
    %(is_active)s, %(version)s, %(sealed)s)
ON CONFLICT (tenant_id, connection_id, technician_id) DO UPDATE
SET agent_id = excluded.agent_id, is_fallback = excluded.is_fallback,
    is_active = excluded.is_active, key_version = excluded.key_version,
    sealed = excluded.sealed
"""
_RETIRE: Final = f"""
UPDATE technicians t SET is_active = false
WHERE {_OF_CONNECTION} AND t.technician_id = ANY (%(gone)s)
"""  # noqa: S608 - constants
_ASSIGN: Final = f"""
UPDATE technicians t SET agent_id = %(agent)s, is_fallback = false
WHERE {_OF_CONNECTION} AND t.technician_id = %(technician)s
"""  # noqa: S608 - constants
_CONNECTION_OF: Final = """
SELECT connection_id FROM calendars WHERE tenant_id = %s AND calendar_id = %s
"""


class TechnicianTable:
    """The port `TechnicianStore` on PostgreSQL."""

    def __init__(self, session: Session, keyring: Keyring) -> None:
        """Take what opens and seals columns."""
        self._session, self._keyring = session, keyring

    async def keep(
        self, tenant_id: UUID, connection_id: UUID, found: Sequence[Technician]
    ) -> Mapping[str, UUID | None]:
        """Add, rename or retire technicians; return the agents of all, by their ids."""
        values: Values = {"tenant": tenant_id, "connection": connection_id}
        agents = await AgentTable(self._session).of_tenant(tenant_id)
        async with self._session.transaction(tenant_id) as connection:
            known = await self._read(connection, values)
            keys = await read_tenant_keys(connection, self._keyring, tenant_id)
            rows = [
                values | _columns(keys, connection_id, each)
                for each in _changed(known, found, agents)
            ]
            if rows:
                await connection.cursor().executemany(_KEEP, rows)
            if gone := _gone(known, found):
                await connection.execute(_RETIRE, values | {"gone": gone})
            return await _agents(connection, values)

    async def knows(
        self, tenant_id: UUID, connection_id: UUID, found: Sequence[Technician]
    ) -> bool:
        """Tell whether `keep` would change nothing."""
        known = await self.all(tenant_id, connection_id)
        agents = await AgentTable(self._session).of_tenant(tenant_id)
        return not any(_changed(known, found, agents)) and not _gone(known, found)

    async def agents(
        self, tenant_id: UUID, connection_id: UUID
    ) -> Mapping[str, UUID | None]:
        """Return the agents by technicians' ids."""
        values: Values = {"tenant": tenant_id, "connection": connection_id}
        async with self._session.transaction(tenant_id) as connection:
            return await _agents(connection, values)

    async def all(self, tenant_id: UUID, connection_id: UUID) -> list[KnownTechnician]:
        """Return the technicians, NOBODY first, then by name."""
        values: Values = {"tenant": tenant_id, "connection": connection_id}
        async with self._session.transaction(tenant_id) as connection:
            known = await self._read(connection, values)
        return sorted(known, key=_order)

    async def assign(
        self,
        tenant_id: UUID,
        connection_id: UUID,
        technician_id: str,
        agent_id: UUID | None,
    ) -> None:
        """Say whose time their visits take; raise TechnicianNotFound, AgentNotFound."""
        values: Values = {
            "tenant": tenant_id,
            "connection": connection_id,
            "technician": technician_id,
            "agent": agent_id,
        }
        agents = await AgentTable(self._session).of_tenant(tenant_id)
        if agent_id not in {None, *(each.agent_id for each in agents)}:
            raise AgentNotFound(agent_id)
        async with self._session.transaction(tenant_id) as connection:
            cursor = await connection.execute(_ASSIGN, values)
        if cursor.rowcount == 0:
            raise TechnicianNotFound

    async def of_agent(
        self, tenant_id: UUID, connection_id: UUID, agent_id: UUID
    ) -> list[str]:
        """Return the ids of technicians who work as the agent, a namesake first."""
        known = await self.all(tenant_id, connection_id)
        agents = await AgentTable(self._session).of_tenant(tenant_id)
        names = {_folded(each.name) for each in agents if each.agent_id == agent_id}
        technicians = [
            each.technician
            for each in known
            if each.agent_id == agent_id and each.technician.is_active
        ]
        technicians.sort(key=lambda each: _folded(each.name) not in names)
        ids = (each.technician_id for each in technicians)
        return [each for each in ids if each != NOBODY]

    async def names(self, tenant_id: UUID, calendar_id: UUID) -> Mapping[str, str]:
        """Return names by ids, of a schedule's technicians who are somebody."""
        async with self._session.transaction(tenant_id) as connection:
            cursor = await connection.execute(_CONNECTION_OF, [tenant_id, calendar_id])
            (connection_id,) = await cursor.fetchone() or (None,)
            values = {"tenant": tenant_id, "connection": connection_id}
            known = await self._read(connection, values)
        return {
            each.technician.technician_id: each.technician.name
            for each in known
            if each.technician.technician_id != NOBODY
        }

    async def _read(
        self, connection: Connection, values: Values
    ) -> list[KnownTechnician]:
        cursor = await connection.execute(_READ, values)
        return [self._known(row) for row in await cursor.fetchall()]

    def _known(self, row: Row) -> KnownTechnician:
        tenant_id, connection_id, technician_id, agent_id, *rest = row
        is_fallback, is_active, sealed, wrapped = rest
        data_key = self._keyring.data_key(tenant_id, wrapped)
        place = place_of(tenant_id, *_PLACE, f"{connection_id}/{technician_id}")
        plain = orjson.loads(reopened(data_key, sealed, place))
        technician = Technician(technician_id, is_active=is_active, **plain)
        return KnownTechnician(technician, agent_id, is_fallback)


async def _agents(connection: Connection, values: Values) -> Mapping[str, UUID | None]:
    cursor = await connection.execute(_AGENTS, values)
    return dict(await cursor.fetchall())


def _changed(
    known: Sequence[KnownTechnician],
    found: Sequence[Technician],
    agents: Sequence[Agent],
) -> Iterator[KnownTechnician]:
    """Yield who is new or not as they were, each with their agent."""
    before = {each.technician.technician_id: each for each in known}
    there = {each.technician_id: each for each in found}
    nobody = before.get(NOBODY)
    fallback = None if nobody is None else nobody.agent_id
    named = dict(_named(_unnamed(there, before), known, agents))
    for name, each in there.items():
        was = before.get(name, KnownTechnician(each, fallback, is_fallback=True))
        now = replace(was, technician=each)
        if name in named:
            now = KnownTechnician(each, named[name])
        if now != before.get(name):
            yield now


def _unnamed(
    there: Mapping[str, Technician], before: Mapping[str, KnownTechnician]
) -> list[Technician]:
    """Return those who are new, and those who have no agent but for a fallback."""
    return [
        each
        for name, each in there.items()
        if name not in before or before[name].is_fallback
    ]


def _named(
    new: Collection[Technician],
    known: Sequence[KnownTechnician],
    agents: Sequence[Agent],
) -> Iterator[tuple[str, UUID]]:
    """Yield technicians' ids with the agents of the same name, each agent once."""
    taken = {
        each.agent_id
        for each in known
        if each.technician.technician_id != NOBODY and not each.is_fallback
    }
    free = {
        _folded(agent.name): agent.agent_id
        for agent in reversed(agents)
        if agent.is_active and agent.agent_id not in taken
    }
    for each in new:
        agent_id = free.pop(_folded(each.name), None)
        if agent_id is not None:
            yield each.technician_id, agent_id


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()


def _gone(known: Sequence[KnownTechnician], found: Sequence[Technician]) -> list[str]:
    there = {NOBODY, *(each.technician_id for each in found)}
    return [
        each.technician.technician_id
        for each in known
        if each.technician.is_active and each.technician.technician_id not in there
    ]


def _columns(keys: TenantKeys, connection_id: UUID, known: KnownTechnician) -> Values:
    technician = known.technician
    plain = {"name": technician.name, "email": technician.email}
    row_id = f"{connection_id}/{technician.technician_id}"
    return {
        "technician": technician.technician_id,
        "agent": known.agent_id,
        "is_fallback": known.is_fallback,
        "is_active": technician.is_active,
        "version": keys.version,
        "sealed": keys.seal(orjson.dumps(plain), *_PLACE, row_id),
    }


def _order(known: KnownTechnician) -> tuple[bool, str, str]:
    technician = known.technician
    is_somebody = technician.technician_id != NOBODY
    return is_somebody, technician.name.casefold(), technician.technician_id
