"""Visits: what a field-service platform has on its schedule, and for whom.

A job is what is to be done for a customer; a visit is one time at which somebody does
it. A job has one visit or several, and a visit that has no time is on no schedule.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Final

from universal_calendar.core import sync
from universal_calendar.core.instant import Instant
from universal_calendar.core.interval import Interval

NOBODY: Final = sync.NOBODY
"""Stands where a technician's id does, for a visit that nobody is assigned to."""


class VisitStatus(StrEnum):
    """How far a visit is, in the tenant API's words."""

    SCHEDULED = "scheduled"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Customer:
    """Whom a job is for. `address` is where it is done, in one line."""

    name: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    address: str | None = field(default=None, repr=False)
    notes: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class VisitDraft:
    """What a platform is told of an appointment besides its event.

    `technicians` are the platform's ids of the agent, any of whom will do: a visit that
    one of them has stays theirs, else the first gets it; none: it is nobody's.
    `value` is in the tenant's currency.
    """

    customer: Customer
    technicians: Sequence[str] = ()
    job_type: str | None = None
    urgency: str | None = None
    value: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit as its platform tells of it.

    `technicians` are the platform's ids, NOBODY alone where it is nobody's. `interval`
    None: it has no time. `value` is in the account's currency.
    """

    job_id: str
    visit_id: str
    status: VisitStatus
    technicians: tuple[str, ...]
    interval: Interval | None
    title: str = field(repr=False)
    customer_id: str | None = None
    customer: Customer = Customer()
    job_type: str | None = None
    value: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Technician:
    """Somebody who does jobs, as the platform knows them."""

    technician_id: str
    name: str = field(repr=False)
    email: str | None = field(default=None, repr=False)
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class PutCustomer:
    """The platform's id of a customer, and whether one had to be made."""

    customer_id: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class PlatformHint:
    """What a platform says has changed; only asking again tells what it is now.

    `account` is the account's id as `ProviderAccount` has it. `is_schedule`: something
    on its schedule; `name` is the platform's id of the visit or job, where that is all.
    `customer_id` where it is a customer that changed. `is_disconnected`: its owner took
    our access away.
    """

    account: str
    occurred_at: Instant
    is_schedule: bool = False
    name: str | None = None
    customer_id: str | None = None
    is_disconnected: bool = False
