"""A business whose agent's calendar is in the sandbox, read and written on demand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from tests.harness.outside.sandbox import Sandbox, SandboxAccount
from tests.harness.scenes.business import open_business
from tests.harness.scenes.followed import Followed
from tests.harness.scenes.front_desk import Place
from universal_calendar.bootstrap.outside import open_outside
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.bootstrap.providers import Providers, providers
from universal_calendar.core.instant import from_datetime, instant_text
from universal_calendar.core.interval import Interval


def span(interval: Interval) -> dict[str, dict[str, str]]:
    """Return an interval as the sandbox has it."""
    return {
        "start": {"at": instant_text(interval.start)},
        "end": {"at": instant_text(interval.end)},
    }


@dataclass
class Synced(Followed):
    """The business, and its calendar on both sides."""

    sandbox: Sandbox
    account: SandboxAccount

    @property
    def there(self) -> str:
        """Return the calendar's id at the sandbox."""
        return self.account.calendar_id

    # Here

    async def book(self, interval: Interval) -> UUID:
        """Book the time, without writing it yet."""
        return await self.take(Place.at(self.business.agent, interval))

    async def written(self, interval: Interval) -> UUID:
        """Book the time, write the event, and wait until that is believed."""
        appointment_id = await self.book(interval)
        await self.write_and_wait(appointment_id)
        return appointment_id

    async def mirror(self) -> list[Interval]:
        """Return what others take in the calendar, by start."""
        rows = await self.rows(
            "SELECT starts_at, ends_at FROM mirrored_times WHERE calendar_id = %s"
            " ORDER BY 1, 2",
            self.calendar_id,
        )
        return [Interval(from_datetime(a), from_datetime(b)) for a, b in rows]

    async def revision(self) -> int:
        """Return the agent's."""
        agent_id = self.business.agent.agent_id
        return int((await self.row("agents", "agent_id", agent_id))["revision"])

    # There

    def add(self, interval: Interval, **fields: object) -> str:
        """Add an event as the owner would."""
        event = {"title": "Private", **span(interval), **fields}
        return str(self.sandbox.owner_adds(self.there, **event)["id"])

    def drag(self, event_id: str, interval: Interval) -> None:
        """Move an event as the owner would."""
        self.sandbox.owner_changes(self.there, event_id, **span(interval))

    def touch(self, event_id: str) -> None:
        """Change an event's etag and nothing else."""
        self.sandbox.owner_changes(self.there, event_id)

    def delete(self, event_id: str) -> None:
        """Delete an event as the owner would."""
        self.sandbox.owner_deletes(self.there, event_id)

    def shown(self) -> dict[str, str]:
        """Return the start of every event that is there, by its id."""
        events = self.sandbox.events(self.there)
        return {each["id"]: each["start"]["at"] for each in events}


async def connect(
    parts: Parts, offered: Providers, sandbox: Sandbox, name: str
) -> Synced:
    """Open a business, and connect an account of the sandbox as its calendar."""
    business, account = await open_business(parts), sandbox.account(name)
    synced = Synced(parts, business, offered, sandbox, account)
    await synced.open_account("fake", account.credentials)
    return synced


@asynccontextmanager
async def offering(parts: Parts) -> AsyncIterator[Providers]:
    """Open the providers for a block."""
    async with open_outside(parts.settings) as outside:
        yield providers(parts, outside)
