"""Field-service platforms: jobs at customers' places, and the technicians who do them.

A platform's account is a connection with one calendar, its schedule; what a calendar
calls an event is a visit there. So whatever reads, writes and follows events does the
same with visits, and only what a platform can do besides is said here.
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from universal_calendar.core.instant import Instant
from universal_calendar.core.interval import Interval
from universal_calendar.services.ports.calendars import (
    Access,
    CalendarProvider,
    CalendarReader,
    ChangedEvent,
    PushDelivery,
)
from universal_calendar.services.ports.visits import (
    Customer,
    PlatformHint,
    PutCustomer,
    Technician,
)


@runtime_checkable
class FieldServiceProvider(CalendarProvider, CalendarReader, Protocol):
    """A platform.

    `account` tells the account's id, and of one calendar: its schedule, by the
    company's name. `put_event` makes a job with its customer and one visit, or changes
    the visit; it looks for what an earlier attempt made before it makes anything. It
    wants a draft's `visit`. `delete_event` takes the visit off the schedule, with the
    reason in a note, and closes the job if that was its only one. `changes` tells of
    visits, with `visit` set, and of all else that takes technicians' time; each page
    fits into memory, and what has no time is told as deleted.

    Every call ends within `seconds` or raises one of core.provider_errors.
    """

    async def named(
        self, access: Access, name: str, window: Interval, *, seconds: float
    ) -> Sequence[ChangedEvent]:
        """Return what a hint named, as it is now: a visit, or every visit of a job.

        `name` is a PlatformHint's. What is gone is left out.
        """

    async def technicians(
        self, access: Access, *, seconds: float
    ) -> Sequence[Technician]:
        """Return everybody who may be assigned to visits."""

    async def put_customer(
        self, access: Access, customer: Customer, *, seconds: float
    ) -> PutCustomer:
        """Find the customer by phone, then by e-mail, and update; make one if none is.

        What is None is left as it is. Safe to repeat while phone or e-mail is given.
        """

    async def customer(
        self, access: Access, customer_id: str, *, seconds: float
    ) -> Customer | None:
        """Return a customer as they are now; None: there is none any more."""

    def hints(self, delivery: PushDelivery, now: Instant) -> Sequence[PlatformHint]:
        """Return what a delivery to our webhook tells of, if the platform sent it.

        Raises InvalidField for what is no delivery, and Unproven for a signature
        that is missing, wrong or too old.
        """
