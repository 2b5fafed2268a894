"""A field-service platform on paper: customers and visits, and what it tells."""

import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from universal_calendar.core.errors import InvalidField, Unauthorized
from universal_calendar.core.instant import Instant
from universal_calendar.core.interval import Interval
from universal_calendar.core.provider_errors import (
    NotAuthorized,
    ProviderError,
    SyncTokenStale,
)
from universal_calendar.services.ports.calendars import (
    Access,
    ChangedEvent,
    ChangesPage,
    ChangesQuery,
    EventDraft,
    ProviderAccount,
    ProviderCalendar,
    PushDelivery,
    TakenTime,
    WrittenEvent,
)
from universal_calendar.services.ports.visits import (
    Customer,
    PlatformHint,
    PutCustomer,
    Technician,
    Visit,
    VisitStatus,
)


@dataclass
class PaperPlatform:
    """Keeps customers and visits, and tells by hints what it was told to tell."""

    customers: dict[str, Customer] = field(default_factory=dict)
    visits: dict[str, Visit] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    writes: int = 0
    errors: deque[ProviderError] = field(default_factory=deque)
    """Errors of the next questions about customers."""
    meanwhile: Callable[[], Awaitable[None]] | None = None
    """Happens once, after the next question was asked and before it is answered."""
    on_change: Callable[[str], Awaitable[None]] | None = None
    """Tells of customers that really changed, as a webhook does."""

    async def account(self, access: Access, *, seconds: float) -> ProviderAccount:
        """Return an account with its schedule."""
        schedule = ProviderCalendar(
            "schedule", "Acme", is_primary=True, is_writable=True, is_schedule=True
        )
        return ProviderAccount(access.secrets["account"], [schedule])

    async def put_event(
        self,
        access: Access,
        calendar: str,
        draft: EventDraft,
        known: WrittenEvent | None,
        *,
        seconds: float,
    ) -> WrittenEvent:
        """Write the visit, and its customer."""
        if not access.secrets:
            raise NotAuthorized
        assert draft.visit is not None
        self.writes += 1
        event_id = f"v-{draft.event_key}"
        put = await self.put_customer(access, draft.visit.customer, seconds=seconds)
        visit = Visit(
            f"job-{event_id}",
            event_id,
            VisitStatus.SCHEDULED,
            tuple(draft.visit.technicians[:1]) or ("",),
            draft.interval,
            draft.title,
            put.customer_id,
            self.customers[put.customer_id],
        )
        self.visits[event_id] = visit
        return WrittenEvent(event_id, None, visit)

    async def delete_event(
        self,
        access: Access,
        calendar: str,
        event_id: str,
        *,
        seconds: float,
        reason: str | None = None,
    ) -> None:
        """Take the visit off the schedule."""
        self.visits.pop(event_id, None)

    async def changes(
        self, access: Access, query: ChangesQuery, *, seconds: float
    ) -> ChangesPage:
        """Tell of nothing; these tests read no schedule."""
        if query.sync_token is not None:
            raise SyncTokenStale
        return ChangesPage([], None, "token")

    async def taken(
        self,
        access: Access,
        calendars: Sequence[str],
        window: Interval,
        *,
        seconds: float,
    ) -> Mapping[str, Sequence[TakenTime]]:
        """Tell that nothing is taken."""
        return {each: [] for each in calendars}

    async def named(
        self, access: Access, name: str, window: Interval, *, seconds: float
    ) -> Sequence[ChangedEvent]:
        """Tell of nothing; these tests read no schedule."""
        return []

    async def technicians(
        self, access: Access, *, seconds: float
    ) -> Sequence[Technician]:
        """Return one."""
        return [Technician("t-1", "Ann")]

    async def put_customer(
        self, access: Access, customer: Customer, *, seconds: float
    ) -> PutCustomer:
        """Find by phone or e-mail, and update; tell of it if anything differs."""
        for customer_id, known in self.customers.items():
            if known.phone == customer.phone or known.email == customer.email:
                await self._keep(customer_id, _merged(known, customer))
                return PutCustomer(customer_id, is_new=False)
        customer_id = f"c-{len(self.customers) + 1}"
        await self._keep(customer_id, customer)
        return PutCustomer(customer_id, is_new=True)

    async def _keep(self, customer_id: str, customer: Customer) -> None:
        if self.customers.get(customer_id) == customer:
            return
        self.customers[customer_id] = customer
        if self.on_change is not None:
            await self.on_change(customer_id)

    async def customer(
        self, access: Access, customer_id: str, *, seconds: float
    ) -> Customer | None:
        """Return a customer, unless this is to fail."""
        if not access.secrets:
            raise NotAuthorized
        self.asked.append(customer_id)
        if self.errors:
            raise self.errors.popleft()
        found = self.customers.get(customer_id)
        if self.meanwhile is not None:
            happening, self.meanwhile = self.meanwhile, None
            await happening()
        return found

    def hints(self, delivery: PushDelivery, now: Instant) -> Sequence[PlatformHint]:
        """Return what the content says, where the header says that it is ours."""
        try:
            told = json.loads(delivery.content)
        except ValueError:
            raise InvalidField("body", "send JSON") from None
        if delivery.headers.get("proof") != "ours":
            raise Unauthorized
        return [PlatformHint(**told)]


def _merged(known: Customer, told: Customer) -> Customer:
    return Customer(
        told.name or known.name,
        told.phone or known.phone,
        told.email or known.email,
        told.address or known.address,
    )
