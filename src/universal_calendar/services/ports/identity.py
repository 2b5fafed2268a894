"""Who asks, and how much they may."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from uuid import UUID

from universal_calendar.core.instant import Instant

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


class Role(IntEnum):
    """What a user may do: each may do all that the lesser may."""

    VIEWER = 1
    OPERATOR = 2
    OWNER = 3


class ActorKind(StrEnum):
    """By what somebody was known."""

    API_KEY = "api_key"
    USER = "user"
    SERVICE = "service"
    COMMAND_LINE = "command_line"
    WORKER = "worker"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, and from where; ids only, for the audit log."""

    kind: ActorKind
    actor_id: str
    address: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """Whom a credential of the tenant API stands for.

    A service key knows no tenant (None): the request names it.
    """

    kind: ActorKind
    subject: str
    tenant_id: UUID | None
    role: Role
