"""Appointments and holds after they were made."""

from uuid import UUID

from universal_calendar.core.appointment import AppointmentStatus, check_step
from universal_calendar.core.errors import AppointmentNotFound
from universal_calendar.core.instant import Instant, to_datetime
from universal_calendar.store.database import Connection, Session


class AppointmentTable:
    """The port `AppointmentStore` on PostgreSQL."""

    def __init__(self, database: Session) -> None:
        """Take the pool."""
        self._database = database

    async def cancel(self, tenant_id: UUID, appointment_id: UUID, now: Instant) -> None:
        """Cancel and free the time; raise AppointmentNotFound or FinalStatus."""
        async with self._database.transaction(tenant_id) as connection:
            agent_id = await _agent_of(connection, tenant_id, appointment_id)
            await lock_agent(connection, tenant_id, agent_id)
            status = await _status_of(connection, tenant_id, appointment_id)
            if status is AppointmentStatus.CANCELLED:
                return
            check_step(status, AppointmentStatus.CANCELLED)
            await connection.execute(
                "UPDATE appointments SET status = %s, updated_at = %s"
                " WHERE tenant_id = %s AND appointment_id = %s",
                [
                    AppointmentStatus.CANCELLED,
                    to_datetime(now),
                    tenant_id,
                    appointment_id,
                ],
            )
            await _give_up_claim(connection, tenant_id, appointment_id)

    async def release_hold(self, tenant_id: UUID, hold_id: UUID) -> None:
        """Give a hold's time back; an absent or expired one changes nothing."""
        async with self._database.transaction(tenant_id) as connection:
            cursor = await connection.execute(
                "SELECT agent_id FROM claims WHERE tenant_id = %s AND claim_id = %s"
                " AND expires_at IS NOT NULL",
                [tenant_id, hold_id],
            )
            row = await cursor.fetchone()
            if row is not None:
                await lock_agent(connection, tenant_id, row[0])
                await _give_up_claim(connection, tenant_id, hold_id)


async def lock_agent(connection: Connection, tenant_id: UUID, agent_id: UUID) -> None:
    """Lock the agent's row and count a change, before anything of it is changed."""
    await connection.execute(
        "UPDATE agents SET revision = revision + 1"
        " WHERE tenant_id = %s AND agent_id = %s",
        [tenant_id, agent_id],
    )


async def _agent_of(
    connection: Connection, tenant_id: UUID, appointment_id: UUID
) -> UUID:
    cursor = await connection.execute(
        "SELECT agent_id FROM appointments"
        " WHERE tenant_id = %s AND appointment_id = %s",
        [tenant_id, appointment_id],
    )
    row = await cursor.fetchone()
    if row is None:
        raise AppointmentNotFound
    agent_id: UUID = row[0]
    return agent_id


async def _status_of(
    connection: Connection, tenant_id: UUID, appointment_id: UUID
) -> AppointmentStatus:
    cursor = await connection.execute(
        "SELECT status FROM appointments WHERE tenant_id = %s AND appointment_id = %s",
        [tenant_id, appointment_id],
    )
    row = await cursor.fetchone()
    return AppointmentStatus(row[0] if row else "")


async def _give_up_claim(
    connection: Connection, tenant_id: UUID, claim_id: UUID
) -> None:
    await connection.execute(
        "DELETE FROM claims WHERE tenant_id = %s AND claim_id = %s",
        [tenant_id, claim_id],
    )
