"""Field-service platforms that remember, as machines look at them and act in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from universal_calendar.core.interval import Interval
from universal_calendar.services.ports.calendars import PushDelivery
from universal_calendar.services.ports.visits import VisitStatus


@dataclass(frozen=True)
class VisitThere:
    """A visit that is on the schedule there.

    `ref` is what its job says of the appointment that it is: which, and the event's
    key; None: we did not make it.
    """

    event_id: str
    interval: Interval
    technicians: tuple[str, ...]
    status: VisitStatus
    customer_id: str
    ref: tuple[UUID, str] | None

    @property
    def appointment_id(self) -> UUID | None:
        """Return which appointment it says to be."""
        return None if self.ref is None else self.ref[0]


class Platform(Protocol):
    """A company at a platform, seen from behind, and what can go wrong with it."""

    slug: str

    @property
    def settings(self) -> Mapping[str, str]:
        """Return those of a service that is to find it."""

    def begin(self, kind: int) -> None:
        """Forget everything; let in whoever has credentials of this kind."""

    def credentials(self) -> dict[str, str]:
        """Return what opens the account."""

    def revokes(self) -> None:
        """Let nobody in any more."""

    def lets_in(self) -> None:
        """Let somebody in again, with new credentials."""

    def strikes(self, pick: int) -> None:
        """Let something go wrong with one of the next requests."""

    def loses_what_is_made(self) -> None:
        """Make the next thing that is to be made, and lose the answer."""

    def heals(self) -> None:
        """End all that was to go wrong."""

    def is_resting(self) -> bool:
        """Tell whether it is done with requests whose askers are gone."""

    def told(self) -> Sequence[PushDelivery]:
        """Return what its webhook told since the last time."""

    # People there

    def hires(self, name: str) -> str:
        """Add a technician; return their id."""

    def adds(self, interval: Interval | None, *technicians: str) -> str:
        """Add a visit; return its event's id."""

    def moves(self, event_id: str, interval: Interval) -> None:
        """Give a visit another time, or its first."""

    def assigns(self, event_id: str, *technicians: str) -> None:
        """Give a visit to these technicians, or to nobody."""

    def unschedules(self, event_id: str) -> None:
        """Take a visit off the schedule."""

    def deletes(self, event_id: str) -> None:
        """Delete a visit."""

    def completes(self, event_id: str) -> None:
        """Say that a visit is done."""

    def edits_customer(self, customer_id: str, name: str, email: str) -> None:
        """Call a customer something else."""

    # What is there

    def visits(self) -> Sequence[VisitThere]:
        """Return what is on the schedule."""

    def waiting(self) -> Sequence[str]:
        """Return the events of visits that are there without a time."""

    def refs(self) -> Sequence[tuple[UUID, str]]:
        """Return what jobs say of their appointments, on the schedule or not."""

    def customers(self) -> Mapping[str, str]:
        """Return what customers are found by, by id: their phone, or our mark."""
