"""What the services need of the world; `store` and `bootstrap` provide it."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from universal_calendar.core.agenda import Agenda
from universal_calendar.core.appointment import AppointmentStatus
from universal_calendar.core.instant import Instant
from universal_calendar.core.interval import Interval

NewId = Callable[[Instant], UUID]
"""Makes an id that sorts by the moment it is given."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the bearer of an API key, or a tenant that is known already."""

    api_key: str | None = field(default=None, repr=False)
    tenant_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of the caller's rate limit.

    `remaining` requests may come at once; after `reset` seconds it is full again.
    """

    limit: int
    window: float
    remaining: int
    reset: float


@dataclass(frozen=True, slots=True)
class Replay:
    """How a request that was answered before is recognised.

    `request` is its canonical form: two requests are the same if it is.
    """

    route: str
    idempotency_key: str | None
    reference: str | None
    request: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class AgendaQuery:
    """Which agenda to read, and around which local days (both included).

    `hold_id` is the caller's own hold, whose time is free to them.
    """

    caller: Caller
    agent_id: UUID
    first: date
    last: date
    now: Instant
    known_revision: int | None = None
    hold_id: UUID | None = None
    replay: Replay | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a caller is told: an HTTP status and a body that is ready to send."""

    status: int
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The first answer under an idempotency key, and whether to this very request."""

    answer: Answer
    is_same_request: bool


class Sealer(Protocol):
    """The tenant's encryption keys, as read with the agenda; opaque to services."""


@dataclass(frozen=True, slots=True)
class AgendaReading:
    """What was read; `agenda` is None where the known revision still holds."""

    tenant_id: UUID
    key_id: UUID | None
    allowance: Allowance | None
    agenda: Agenda | None
    sealer: Sealer | None = None
    stored: StoredAnswer | None = None
    replayed_id: UUID | None = None

    @property
    def found(self) -> Agenda:
        """Return the agenda of a query that knew no revision."""
        if self.agenda is None:
            raise LookupError("the agenda is unchanged, so it was not read")
        return self.agenda


@dataclass(frozen=True, slots=True)
class Person:
    """Whom an appointment is with, and what it is about; encrypted at rest."""

    title: str = field(repr=False)
    name: str = field(repr=False)
    phone: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    description: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class NewAppointment:
    """An appointment about to be written, with the answer its retries will get."""

    appointment_id: UUID
    interval: Interval
    status: AppointmentStatus
    source: str
    person: Person
    replay: Replay
    answer: Answer
    hold_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class NewHold:
    """A claim that gives way by itself at `expires_at`."""

    hold_id: UUID
    interval: Interval
    expires_at: Instant


class WriteOutcome(StrEnum):
    """What became of a write that was decided on an agenda."""

    BOOKED = "booked"
    CHANGED = "changed"
    """The agenda changed since it was read: read and decide again."""
    TAKEN = "taken"
    """The constraint refused the time."""


class AgendaStore(Protocol):
    """Reads agendas and claims time in them, each in one round trip."""

    async def read(self, query: AgendaQuery) -> AgendaReading:
        """Read an agenda; raise Unauthorized, RateLimited or AgentNotFound."""

    async def book(
        self, reading: AgendaReading, appointment: NewAppointment, now: Instant
    ) -> WriteOutcome:
        """Write the appointment, its claim and its answer, or none of them."""

    async def hold(
        self, reading: AgendaReading, hold: NewHold, now: Instant
    ) -> WriteOutcome:
        """Claim the time until the hold expires."""

    async def remember(
        self, reading: AgendaReading, replay: Replay, answer: Answer, now: Instant
    ) -> WriteOutcome:
        """Keep an answer for retries; CHANGED if the idempotency key has one now."""

    def locked(
        self, tenant_id: UUID, agent_id: UUID
    ) -> AbstractAsyncContextManager["AgendaStore"]:
        """Lock the agent: inside the block nothing of it changes but by the block."""


class AppointmentStore(Protocol):
    """Changes what is booked or held."""

    async def cancel(self, tenant_id: UUID, appointment_id: UUID, now: Instant) -> None:
        """Cancel and free the time; raise AppointmentNotFound or FinalStatus."""

    async def release_hold(self, tenant_id: UUID, hold_id: UUID) -> None:
        """Give a hold's time back; an absent or expired one changes nothing."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """A business that owns agents; `timezone` is an IANA name."""

    tenant_id: UUID
    name: str
    timezone: str


@dataclass(frozen=True, slots=True)
class Agent:
    """Who or what is booked; an inactive one is unknown to every caller."""

    tenant_id: UUID
    agent_id: UUID
    name: str
    timezone: str
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is known of a key; the key itself is shown once, when it is made.

    `agent_ids` None means every agent of the tenant.
    """

    tenant_id: UUID
    key_id: UUID
    label: str
    agent_ids: tuple[UUID, ...] | None
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    is_from_environment: bool = False


class TenantStore(Protocol):
    """Keeps tenants."""

    async def add(self, tenant: Tenant, now: Instant) -> None:
        """Add a tenant with keys of its own; raise AlreadyExists."""

    async def ids(self) -> Sequence[UUID]:
        """Return every tenant's id, oldest first."""

    async def get(self, tenant_id: UUID) -> Tenant:
        """Return a tenant; raise TenantNotFound."""


class AgentStore(Protocol):
    """Keeps agents and their hours documents."""

    async def add(self, agent: Agent, now: Instant) -> None:
        """Add an agent without hours; raise AlreadyExists."""

    async def tenant_of(self, agent_id: UUID) -> UUID:
        """Return the agent's tenant; raise AgentNotFound or AmbiguousAgent."""

    async def of_tenant(self, tenant_id: UUID) -> Sequence[Agent]:
        """Return the tenant's agents, oldest first."""

    async def update(self, agent: Agent) -> None:
        """Write name, zone and activity of an agent that exists."""

    async def hours(self, tenant_id: UUID, agent_id: UUID) -> dict[str, object] | None:
        """Return the hours document, None where none was ever set."""

    async def set_hours(
        self, tenant_id: UUID, agent_id: UUID, document: dict[str, object]
    ) -> None:
        """Replace the hours document by a complete one."""


class ApiKeyStore(Protocol):
    """Keeps API keys, hashed."""

    async def add(self, key: ApiKey, secret: str) -> None:
        """Add a key; raise AlreadyExists if the very secret is in use."""

    async def of_tenant(self, tenant_id: UUID) -> Sequence[ApiKey]:
        """Return the tenant's keys, oldest first, revoked ones included."""

    async def end(
        self, tenant_id: UUID, key_id: UUID, *, at: datetime, now: datetime
    ) -> None:
        """Revoke a key if `at` is now, else let it expire at `at` at the latest.

        Raises KeyNotFound.
        """

    async def with_secret(self, secret: str) -> UUID | None:
        """Return the id of the key with this secret, revoked or not."""

    async def reinstate(self, tenant_id: UUID, key_id: UUID) -> None:
        """Let the environment's key work again; any other key stays as it is."""
