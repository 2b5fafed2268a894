"""Connections: authorised accounts at providers, and their calendars."""

from collections.abc import Collection, Mapping, Sequence
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


class Direction(StrEnum):
    """Whether events are read, appointments written, or both."""

    BIDIRECTIONAL = "bidirectional"
    FROM_PROVIDER = "from_provider"
    TO_PROVIDER = "to_provider"

    @property
    def reads(self) -> bool:
        """Tell whether what takes time there takes it here."""
        return self is not Direction.TO_PROVIDER

    @property
    def writes(self) -> bool:
        """Tell whether appointments may be written there."""
        return self is not Direction.FROM_PROVIDER


@dataclass(frozen=True, slots=True)
class NewCalendar:
    """A calendar that was found in an account; the id and `is_read` if new to us."""

    calendar_id: UUID
    external_id: str = field(repr=False)
    name: str = field(repr=False)
    is_primary: bool
    is_writable: bool
    is_read: bool = False
    is_schedule: bool = False


@dataclass(frozen=True, slots=True)
class NewConnection:
    """An account that was just authorised; `connection_id` if it is new to us.

    `agent_id` is whom its calendars block and belong to; None: every agent, or whose
    they are already. Whom a schedule blocks, its technicians say. `timezone` was asked
    for, `provider_timezone` is the account's.
    """

    tenant_id: UUID
    connection_id: UUID
    provider: str
    agent_id: UUID | None
    account: str = field(repr=False)
    secrets: Mapping[str, str] = field(repr=False)
    calendars: Sequence[NewCalendar] = field(repr=False)
    timezone: str | None = None
    provider_timezone: str | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """The connection's id, and whether its account was unknown before."""

    connection_id: UUID
    is_new: bool


@dataclass(frozen=True, slots=True)
class Usage:
    """What a connection is used for.

    `agent_id` is whom its calendars block; None: every agent. `is_closed_when_silent`:
    while it is unknown what is in them, nothing is bookable. `checks_live`: a booking
    asks the provider before it is confirmed.
    """

    agent_id: UUID | None = None
    timezone: str | None = None
    direction: Direction = Direction.BIDIRECTIONAL
    is_closed_when_silent: bool = False
    tentative_blocks: bool = True
    checks_live: bool = False


@dataclass(frozen=True, slots=True)
class ConnectedCalendar:
    """A calendar of a connection, and whose appointments are written to it.

    In `written_by`, None stands for every agent without a calendar of its own.
    `read_at` is when the last good sync began, `sync_error` what came of a later one.
    """

    calendar_id: UUID
    external_id: str = field(repr=False)
    name: str = field(repr=False)
    is_primary: bool
    is_writable: bool
    written_by: tuple[UUID | None, ...]
    is_read: bool
    read_at: Instant | None
    sync_error: str | None
    is_schedule: bool = False


@dataclass(frozen=True, slots=True)
class Connection:
    """An authorised account, without what opens it.

    `next_try_at`: until then the provider is left alone. `failing_since`: of the
    present outage.
    """

    tenant_id: UUID
    connection_id: UUID
    provider: str
    account: str = field(repr=False)
    status: ConnectionStatus
    usage: Usage
    last_success_at: Instant | None
    next_try_at: Instant | None
    failing_since: Instant | None
    created_at: Instant
    calendars: Sequence[ConnectedCalendar] = field(repr=False)

    @property
    def agent_id(self) -> UUID | None:
        """Return whom its calendars block; None: every agent."""
        return self.usage.agent_id

    @property
    def read_calendars(self) -> Sequence[UUID]:
        """Return the calendars that are read, if any are."""
        if not self.usage.direction.reads:
            return ()
        return [each.calendar_id for each in self.calendars if each.is_read]

    @property
    def schedule(self) -> ConnectedCalendar | None:
        """Return the platform's schedule, where the account has one."""
        return next((each for each in self.calendars if each.is_schedule), None)

    @property
    def primary_calendar(self) -> ConnectedCalendar | None:
        """Return the account's main calendar, else its first."""
        ordered = sorted(self.calendars, key=lambda each: not each.is_primary)
        return ordered[0] if ordered else None


class ConnectionStore(Protocol):
    """Keeps connections, calendars, and which of them are read and written to.

    Whoever changes what counts as busy has locked the agents concerned.
    """

    async def add(self, connection: NewConnection, now: Instant) -> Kept:
        """Keep a connection, or renew that of the same account.

        A renewed connection is active again and used as before. Where the agent, or
        the tenant, has no calendar to write to yet, it gets the primary one.
        Raises AgentNotFound.
        """

    async def all(self, tenant_id: UUID) -> Sequence[Connection]:
        """Return the tenant's connections, oldest first."""

    async def access(self, tenant_id: UUID, connection_id: UUID) -> Access:
        """Return what opens the account; raise ConnectionNotFound."""

    async def remove(self, tenant_id: UUID, connection_id: UUID) -> None:
        """Delete credentials, calendars, mirror, channels and links.

        Raises ConnectionNotFound.
        """

    async def change(
        self, tenant_id: UUID, connection_id: UUID, usage: Usage, now: Instant
    ) -> None:
        """Set what the connection is used for; raise AgentNotFound.

        What it is used for no more is forgotten: mirrors, or that it is written to.
        """

    async def set_read(
        self, tenant_id: UUID, calendar_id: UUID, *, is_read: bool
    ) -> None:
        """Say whether what takes time there takes it here; forget what was read."""

    async def set_write_calendar(
        self, tenant_id: UUID, calendar_id: UUID, agent_id: UUID | None
    ) -> None:
        """Have appointments of the agent, or the tenant, written there from now on.

        Raises CalendarNotFound and AgentNotFound.
        """

    async def count_change(self, tenant_id: UUID, agent_ids: Collection[UUID]) -> None:
        """Count a change of what the agents' time is taken by."""

    async def wake(self, tenant_id: UUID, connection_id: UUID, now: Instant) -> None:
        """Make due at once what waited for the connection to work again.

        In a transaction of its own: it locks rows that others lock in other orders.
        """


class OutgoingQuota(Protocol):
    """Bounds what is asked of an account at its provider."""

    async def take(self, connection_id: UUID, now: Instant) -> None:
        """Take one request; raise Throttled if the provider must be spared."""
