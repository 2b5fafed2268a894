"""What an endpoint of the tenant API is: one row that serves, checks and documents it.

Handlers take a `Call` and their inputs, already authenticated, authorised and parsed,
and return plain data for the envelope. All but the hot ones work in `call.unit`, one
transaction; what is to be done after it has been committed goes into `then`.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel

from universal_calendar.core.errors import NotFound
from universal_calendar.core.instant import Instant
from universal_calendar.core.wire import parse_uuid
from universal_calendar.services.ports.answers import Replay
from universal_calendar.services.ports.identity import Actor, Principal, Role
from universal_calendar.services.ports.units import Unit
from universal_calendar.web.tenant_api.fields import Inputs

Input = TypeVar("Input", bound=Inputs)
Data = Mapping[str, object]


class Source(Enum):
    """Where an operation's inputs are read from."""

    QUERY = "query"
    BODY = "body"
    BODY_OR_QUERY = "body or query"
    """DELETE: what the query names may be in a body instead."""


class Mode(Enum):
    """How an operation is run."""

    UNIT = "unit"
    """In one transaction, with `call.unit`; a POST is idempotent by itself."""
    OWN = "own"
    """The hot paths: they read, write and replay in statements of their own."""


@dataclass(frozen=True, slots=True)
class Call:
    """One admitted request."""

    principal: Principal
    actor: Actor
    tenant_id: UUID
    now: Instant
    path: Mapping[str, str]
    replay: Replay | None = None
    bound_unit: Unit | None = None

    @property
    def unit(self) -> Unit:
        """Return the transaction of an operation that runs in one."""
        if self.bound_unit is None:
            raise LookupError("this operation runs in no transaction of its own")
        return self.bound_unit

    def id(self, name: str) -> UUID:
        """Return a path parameter that is an id; raise InvalidField."""
        return parse_uuid(self.path[name], name)

    def foreign_id(self, name: str) -> str:
        """Return a path parameter that is an id of somebody else's; raise NotFound."""
        text = self.path[name]
        if "\0" in text:  # the database knows none with it
            raise NotFound
        return text


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request of which nobody knows yet which tenant it is about."""

    principal: Principal
    actor: Actor
    now: Instant
    path: Mapping[str, str]
    replay: Replay | None


@dataclass(frozen=True, slots=True)
class Operation(Generic[Input]):
    """An endpoint.

    `example_data` is the `data` of a good answer, for the documentation.
    """

    method: str
    path: str
    summary: str
    tag: str
    role: Role
    inputs: type[Input]
    handle: Callable[[Call, Input], Awaitable[Any]]
    answer: type[BaseModel]
    source: Source = Source.QUERY
    mode: Mode = Mode.UNIT
    then: Callable[[Call, Any], Awaitable[Any]] | None = None
    errors: Mapping[int, str] = field(default_factory=dict)
    for_services: bool = False
    """True where a user may not ask, whatever the role."""
    tenant_of: Callable[[Arrival, Any], Awaitable[UUID]] | None = None
    """Where the request does not name its tenant: a global id leads to it, or it is
    new. Nothing else looks whether the tenant is the principal's, or exists."""

    @property
    def name(self) -> str:
        """Return the operation's id, as clients call it."""
        words = [part.strip("{}") for part in self.path.split("/") if part]
        return "_".join([self.method.lower(), *words]).replace("-", "_")
