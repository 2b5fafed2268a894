"""A business whose calendar in the sandbox is connected and read."""

from dataclasses import dataclass
from uuid import UUID

from tests.harness.outside.sandbox import Sandbox, SandboxAccount
from tests.harness.scenes.business import Business
from tests.harness.scenes.scene import Scene
from universal_calendar.bootstrap.parts import Parts, new_id
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import from_datetime
from universal_calendar.services.ports.connections import NewCalendar, NewConnection
from universal_calendar.store.connections.connections import ConnectionTable


@dataclass(frozen=True)
class Connected(Scene):
    """A connection with one calendar that is read."""

    parts: Parts
    business: Business
    connection_id: UUID
    calendar_id: UUID
    account: SandboxAccount

    async def due_syncs(self) -> int:
        """Return how many of its calendars are due to be read."""
        rows = await self.rows(
            "SELECT FROM due_work WHERE tenant_id = %s AND kind = 'sync'"
            " AND item_id = %s AND due_at <= now()",
            self.tenant_id,
            self.calendar_id,
        )
        return len(rows)

    async def settle(self) -> None:
        """Take the due sync away, as whoever has read the calendar does."""
        await self.rows(
            "DELETE FROM due_work WHERE tenant_id = %s AND kind = 'sync'",
            self.tenant_id,
        )


async def connect(
    parts: Parts, business: Business, sandbox: Sandbox, name: str = "owner"
) -> Connected:
    """Open an account for the business and connect its calendar."""
    tenant_id, now = business.tenant_id, from_datetime(utc_now())
    account = sandbox.account(f"{name}-{tenant_id}@sandbox.test")
    calendar_id, connection_id = new_id(now), new_id(now)
    calendar = NewCalendar(
        calendar_id, account.calendar_id, "Work", is_primary=True, is_writable=True
    )
    await ConnectionTable(parts.database, parts.keyring).add(
        NewConnection(
            tenant_id,
            connection_id,
            "fake",
            None,
            account.account,
            account.credentials,
            [calendar],
        ),
        now,
    )
    connected = Connected(parts, business, connection_id, calendar_id, account)
    await connected.rows("UPDATE calendars SET is_read = true")
    await connected.settle()
    return connected
