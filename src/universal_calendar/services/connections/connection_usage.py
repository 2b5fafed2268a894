"""What connections and their calendars are used for."""

from collections.abc import Callable, Sequence
from uuid import UUID

from universal_calendar.core.errors import AgentNotFound, InvalidField
from universal_calendar.services.connections.connections import TECHNICIANS_SAY, found
from universal_calendar.services.ports.connections import (
    CalendarNotFound,
    ConnectedCalendar,
    Connection,
    Usage,
)
from universal_calendar.services.ports.units import Unit


async def change_usage(
    unit: Unit, connection_id: UUID, revise: Callable[[Usage], Usage]
) -> Connection:
    """Use a connection otherwise; what changed counts at once.

    Raises ConnectionNotFound, AgentNotFound, and InvalidField for an agent that is
    given to a platform's schedule.
    """
    tenant_id = unit.tenant_id
    agent_ids = await unit.agents.lock(tenant_id)
    before = await found(unit.connections, tenant_id, connection_id)
    usage = revise(before.usage)
    if usage.agent_id is not None and before.schedule is not None:
        raise InvalidField("agentId", TECHNICIANS_SAY)
    if usage.agent_id is not None and usage.agent_id not in agent_ids:
        raise AgentNotFound(usage.agent_id)
    await unit.connections.change(tenant_id, connection_id, usage, unit.now)
    concerned = _concerned(agent_ids, before.agent_id, usage.agent_id)
    await unit.connections.count_change(tenant_id, concerned)
    after = await found(unit.connections, tenant_id, connection_id)
    # Days of all-day events begin and end by the zone.
    is_full = before.usage.timezone != usage.timezone
    await unit.sync_requests.want(
        tenant_id, after.read_calendars, unit.now, is_full=is_full
    )
    await unit.audit.record("connection.changed", connection_id)
    return after


async def follow_tenant_zone(unit: Unit) -> None:
    """Read anew what is of the tenant's days, for want of a zone of its own."""
    for each in await unit.connections.all(unit.tenant_id):
        if each.usage.timezone is None:
            await unit.sync_requests.want(
                unit.tenant_id, each.read_calendars, unit.now, is_full=True
            )


async def read_calendar(unit: Unit, calendar_id: UUID, *, is_read: bool) -> Connection:
    """Have what takes time in the calendar take it here, or not.

    Raises CalendarNotFound, and InvalidField where the connection's direction forbids
    it.
    """
    tenant_id = unit.tenant_id
    agent_ids = await unit.agents.lock(tenant_id)
    connection, _ = await _calendar(unit, calendar_id)
    if is_read and not connection.usage.direction.reads:
        raise InvalidField("syncEnabled", "the connection's direction is to_provider")
    await unit.connections.set_read(tenant_id, calendar_id, is_read=is_read)
    concerned = _concerned(agent_ids, connection.agent_id)
    await unit.connections.count_change(tenant_id, concerned)
    if is_read:
        await unit.sync_requests.want(tenant_id, [calendar_id], unit.now)
    await unit.audit.record("calendar.changed", calendar_id)
    return await found(unit.connections, tenant_id, connection.connection_id)


async def write_calendar(
    unit: Unit, calendar_id: UUID, agent_id: UUID | None
) -> Connection:
    """Write future appointments there: the agent's, or those of agents without one.

    Appointments that are booked already stay where they were written. Raises
    CalendarNotFound, AgentNotFound, and InvalidField for one that cannot be written to.
    """
    connection, calendar = await _calendar(unit, calendar_id)
    if not calendar.is_writable:
        raise InvalidField("calendarId", "choose a calendar that is writable")
    if not connection.usage.direction.writes:
        mend = "choose another: the connection's direction is from_provider"
        raise InvalidField("calendarId", mend)
    await unit.connections.set_write_calendar(unit.tenant_id, calendar_id, agent_id)
    await unit.audit.record("calendar.changed", calendar_id)
    return await found(unit.connections, unit.tenant_id, connection.connection_id)


async def _calendar(
    unit: Unit, calendar_id: UUID
) -> tuple[Connection, ConnectedCalendar]:
    for connection in await unit.connections.all(unit.tenant_id):
        for each in connection.calendars:
            if each.calendar_id == calendar_id:
                return connection, each
    raise CalendarNotFound


def _concerned(agent_ids: Sequence[UUID], *of: UUID | None) -> Sequence[UUID]:
    """Return whom a change is about; None among them: everybody."""
    return agent_ids if None in of else [each for each in agent_ids if each in of]
