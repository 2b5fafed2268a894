"""Connections: authorised accounts at providers, and their calendars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from universal_calendar.core.errors import NotFound
from universal_calendar.core.instant import Instant
from universal_calendar.services.ports.calendars import Access


class ConnectionNotFound(NotFound):
    """No such connection; `universal-calendar connections list` shows them."""


class CalendarNotFound(NotFound):
    """No such calendar; `universal-calendar connections list --json` shows them."""


class ConnectionStatus(StrEnum):
    """Whether the provider does what we ask of it."""

    ACTIVE = "active"
    FAILING = "failing"
    NEEDS_REAUTHORIZATION = "needs_reauthorization"


@dataclass(frozen=True, slots=True)
class NewCalendar:
    """A calendar that was found in an account; `calendar_id` if it is new to us."""

    calendar_id: UUID
    external_id: str = field(repr=False)
    name: str = field(repr=False)
    is_primary: bool
    is_writable: bool


@dataclass(frozen=True, slots=True)
class NewConnection:
    """An account that was just authorised; `connection_id` if it is new to us.

    `agent_id` is whom its calendars block and belong to; None: every agent.
    """

    tenant_id: UUID
    connection_id: UUID
    provider: str
    agent_id: UUID | None
    account: str = field(repr=False)
    secrets: Mapping[str, str] = field(repr=False)
    calendars: Sequence[NewCalendar] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ConnectedCalendar:
    """A calendar of a connection, and whose appointments are written to it.

    In `written_by`, None stands for every agent without a calendar of its own.
    """

    calendar_id: UUID
    external_id: str = field(repr=False)
    name: str = field(repr=False)
    is_primary: bool
    is_writable: bool
    written_by: tuple[UUID | None, ...]


@dataclass(frozen=True, slots=True)
class Connection:
    """An authorised account, without what opens it.

    `next_try_at`: until then the provider is left alone.
    """

    tenant_id: UUID
    connection_id: UUID
    provider: str
    account: str = field(repr=False)
    status: ConnectionStatus
    agent_id: UUID | None
    timezone: str | None
    last_success_at: Instant | None
    next_try_at: Instant | None
    created_at: Instant
    calendars: Sequence[ConnectedCalendar] = field(repr=False)


class ConnectionStore(Protocol):
    """Keeps connections, calendars, and which of them are written to."""

    async def add(self, connection: NewConnection, now: Instant) -> UUID:
        """Keep a connection, or renew that of the same account; return its id.

        A renewed connection is active again, and what waited for it is due. Where the
        agent, or the tenant, has no calendar to write to yet, it gets the primary one.
        Raises AgentNotFound.
        """

    async def all(self, tenant_id: UUID) -> Sequence[Connection]:
        """Return the tenant's connections, oldest first."""

    async def access(self, tenant_id: UUID, connection_id: UUID) -> Access:
        """Return what opens the account; raise ConnectionNotFound."""

    async def remove(self, tenant_id: UUID, connection_id: UUID) -> None:
        """Delete credentials, calendars and links; raise ConnectionNotFound."""

    async def set_write_calendar(
        self, tenant_id: UUID, calendar_id: UUID, agent_id: UUID | None
    ) -> None:
        """Have appointments of the agent, or the tenant, written there from now on.

        Raises CalendarNotFound and AgentNotFound.
        """


class OutgoingQuota(Protocol):
    """Bounds what is asked of an account at its provider."""

    async def take(self, connection_id: UUID, now: Instant) -> None:
        """Take one request; raise Throttled if the provider must be spared."""
