"""What the sister services of the platform are asked; each may be absent or down."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from universal_calendar.core.errors import UniversalCalendarError
from universal_calendar.core.instant import Instant
from universal_calendar.services.ports.identity import Role
from universal_calendar.services.ports.tenants import Agent


class PlatformFailed(UniversalCalendarError):
    """A sister service failed, or answered what cannot be understood."""

    def __init__(self, service: str) -> None:
        """Take the service's name; what it answered is never told."""
        self.service = service
        super().__init__(f"{service}: {(self.__doc__ or '').rstrip('.')}")


class PlatformDown(PlatformFailed):
    """The sister service cannot be reached, or has no time for us."""


@dataclass(frozen=True, slots=True)
class PlatformTenant:
    """A tenant as the tenant service knows it.

    `timezone` is an IANA name; `hours` is a complete hours document. Either is None
    where the service has none.
    """

    name: str
    timezone: str | None
    hours: dict[str, object] | None


@dataclass(frozen=True, slots=True)
class ValidatedUser:
    """Whom a token stands for now; a user may not have a tenant yet."""

    user_id: str
    tenant_id: UUID | None
    role: Role


class BroadcastEvent(StrEnum):
    """What the people of a tenant are told on their screens."""

    NEW_APPOINTMENT = "new_appointment"
    APPOINTMENT_UPDATED = "appointment_updated"
    APPOINTMENT_CANCELLED = "appointment_cancelled"
    CALENDAR_CONNECTION_ERROR = "calendar_connection_error"


class Severity(StrEnum):
    """How much an alert matters."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class HoursSource(Protocol):
    """Knows tenants, their zones and their business hours."""

    async def fetch(
        self, tenant_id: UUID, now: Instant, *, token: str | None = None
    ) -> PlatformTenant:
        """Return a tenant, asked for by the user of the token, else by this service.

        Recurring holidays are spelled out from the year of `now` to the second after
        it. Raises TenantNotFound and PlatformFailed.
        """


class Broadcaster(Protocol):
    """Tells whoever of a tenant is online."""

    async def broadcast(
        self, tenant_id: UUID, event: BroadcastEvent, data: Mapping[str, object]
    ) -> None:
        """Hand over an event, its data in camelCase; raise PlatformFailed.

        Returning does not mean that anybody has received it.
        """


class TokenValidator(Protocol):
    """Knows whether a user's token is still good."""

    async def validate(self, token: str) -> ValidatedUser | None:
        """Return the user as of now, None for a bad token or a disabled user.

        Raises PlatformFailed.
        """


class Alerts(Protocol):
    """Tells the platform's operators."""

    async def raise_alert(
        self, tenant_id: UUID, rule: str, message: str, severity: Severity
    ) -> None:
        """Raise an alert under the name of a rule; raise PlatformFailed."""


class PlatformScheduleStore(Protocol):
    """Keeps the schedules that came from the tenant service, beside agents' own."""

    async def has_schedule(self, tenant_id: UUID, agent_id: UUID) -> bool:
        """Tell whether the agent has a schedule, its own or the platform's."""

    async def write(
        self, agent: Agent, document: Mapping[str, object] | None, now: Instant
    ) -> bool:
        """Replace what the platform said; an agent's own schedule stays untouched.

        None takes it away. Counts as a change of the agent only if the document
        differs. Tells whether the agent has a schedule now.
        """

    def fetched_before(
        self, moment: Instant
    ) -> AsyncIterator[tuple[UUID, Sequence[Agent]]]:
        """Yield tenants with those of their agents whose platform schedule is older."""
