"""Faults on demand: what goes wrong, on which requests, and how often."""

import random
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel


class FaultKind(StrEnum):
    """What goes wrong."""

    LATENCY = "latency"
    THROTTLE = "throttle"
    FAILURE = "failure"
    HANG = "hang"
    DROP = "drop"
    LOST_ANSWER = "lost_answer"
    EXPIRED_TOKEN = "expired_token"  # noqa: S105 - a name, not a token
    REVOKED = "revoked"
    LOST_PUSH = "lost_push"
    DOUBLE_PUSH = "double_push"


PUSH_KINDS = frozenset({FaultKind.LOST_PUSH, FaultKind.DOUBLE_PUSH})

Operation = Literal[
    "refreshToken",
    "getAccount",
    "listEvents",
    "insertEvent",
    "getEvent",
    "replaceEvent",
    "deleteEvent",
    "openChannel",
    "closeChannel",
]


class Fault(BaseModel):
    """A fault; without `times` and `probability` it strikes until it is cleared.

    `seconds` is how long latency lasts, what a throttle asks to wait, and how long a
    lost answer stays silent before the connection breaks.
    """

    model_config = ConfigDict(strict=True, extra="forbid", alias_generator=to_camel)

    kind: FaultKind
    operations: list[Operation] | None = None
    calendar_id: str | None = None
    seconds: Annotated[float, Field(ge=0, le=86400)] = 0
    status: Annotated[int, Field(ge=500, le=599)] = 500
    as_date: bool = False
    times: Annotated[int, Field(ge=1)] | None = None
    probability: Annotated[float, Field(gt=0, le=1)] | None = None

    @model_validator(mode="after")
    def _is_sensible(self) -> Self:
        if self.times is not None and self.probability is not None:
            raise ValueError("times or probability")
        return self

    def matches(self, operation: str, calendar_id: str | None) -> bool:
        """Tell whether a request is one of those that it strikes."""
        if self.kind in PUSH_KINDS:
            return False
        return (self.operations is None or operation in self.operations) and (
            self.calendar_id is None or self.calendar_id == calendar_id
        )


class Faults:
    """The faults that are set, oldest first; a restart forgets them."""

    def __init__(self) -> None:
        """Begin without any."""
        self._faults: dict[int, Fault] = {}
        self._last_id = 0
        self._dice = random.Random()  # noqa: S311 - chance, not a secret

    def add(self, fault: Fault) -> int:
        """Set a fault; return its id."""
        self._last_id += 1
        self._faults[self._last_id] = fault
        return self._last_id

    def listed(self) -> dict[int, Fault]:
        """Return those that still strike, by id; `times` is what is left."""
        return dict(self._faults)

    def clear(self, fault_id: int | None = None) -> None:
        """Clear one fault, or all."""
        if fault_id is None:
            self._faults.clear()
        else:
            self._faults.pop(fault_id, None)

    def take(self, operation: str, calendar_id: str | None) -> Fault | None:
        """Return the fault that strikes this request, and count it."""
        return self._first(lambda fault: fault.matches(operation, calendar_id))

    def take_push(self, calendar_id: str) -> Fault | None:
        """Return the fault that strikes this notification, and count it."""
        return self._first(
            lambda fault: (
                fault.kind in PUSH_KINDS and fault.calendar_id in (None, calendar_id)
            )
        )

    def _first(self, matches: Callable[[Fault], bool]) -> Fault | None:
        for fault_id, fault in self._faults.items():
            if matches(fault) and self._strikes(fault):
                self._count(fault_id, fault)
                return fault
        return None

    def _strikes(self, fault: Fault) -> bool:
        return fault.probability is None or self._dice.random() < fault.probability

    def _count(self, fault_id: int, fault: Fault) -> None:
        if fault.times is None:
            return
        fault.times -= 1
        if fault.times == 0:
            del self._faults[fault_id]
