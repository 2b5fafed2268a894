"""Housecall Pro's companies: their schedules, their customers, their employees."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext

from typing_extensions import override

from universal_calendar.core.errors import InvalidField
from universal_calendar.core.instant import Instant
from universal_calendar.core.interval import Interval
from universal_calendar.core.provider_errors import Rejected
from universal_calendar.providers._http import answered_within, json_of
from universal_calendar.providers.housecallpro import mapping, reading, webhook
from universal_calendar.providers.housecallpro.api import HousecallProApi, Question
from universal_calendar.providers.housecallpro.customers import Customers, entries
from universal_calendar.providers.housecallpro.manifest import MANIFEST
from universal_calendar.providers.housecallpro.people import technician_of
from universal_calendar.providers.housecallpro.writing import Jobs, Memory
from universal_calendar.providers.provider import Means, PlatformConfig, Provider
from universal_calendar.services.ports.calendars import (
    Access,
    ChangedEvent,
    ChangesPage,
    ChangesQuery,
    EventDraft,
    ProviderAccount,
    PushDelivery,
    TakenTime,
    WrittenEvent,
)
from universal_calendar.services.ports.field_service import FieldServiceProvider
from universal_calendar.services.ports.visits import (
    Customer,
    PlatformHint,
    PutCustomer,
    Technician,
)


def open_housecallpro(means: Means) -> Provider | None:
    """Open Housecall Pro; None where the settings do not say where it is."""
    config = means.platforms.get("housecallpro")
    if config is None:
        return None
    opened = HousecallPro(means, config)
    return Provider(MANIFEST, opened, opened, None, field_service=opened)


class HousecallPro(FieldServiceProvider):
    """The platform; an account is a company, with its schedule as the one calendar."""

    def __init__(self, means: Means, config: PlatformConfig) -> None:
        """Take what to work with."""
        self._api = HousecallProApi(means, config)
        self._webhook_secret = config.webhook_secret
        self._memory = Memory()
        self._turns = means.turns

    @override
    async def account(self, access: Access, *, seconds: float) -> ProviderAccount:
        """Return the company; raise InvalidField if it is not the one meant."""
        async with answered_within(seconds):
            ask = self._api.asking(access, seconds)
            company = json_of(await ask(Question("GET", "/company")))
            account = mapping.account_of(company)
        if access.secrets.get("companyId", account.account) != account.account:
            mend = "is not the company whose API key this is; leave it out, or mend it"
            raise InvalidField("companyId", mend)
        return account

    @override
    async def put_event(
        self,
        access: Access,
        calendar: str,
        draft: EventDraft,
        known: WrittenEvent | None,
        *,
        seconds: float,
    ) -> WrittenEvent:
        """Make a job with one visit, or change the visit."""
        _check(calendar)
        makes = known is None
        turn = self._turns.of(access, seconds=seconds) if makes else nullcontext()
        async with answered_within(seconds), turn:
            return await self._jobs(access, seconds).put(draft, known)

    @override
    async def delete_event(
        self,
        access: Access,
        calendar: str,
        event_id: str,
        *,
        seconds: float,
        reason: str | None = None,
    ) -> None:
        """Take the visit off the schedule; one that is not on it is no error."""
        _check(calendar)
        async with answered_within(seconds):
            await self._jobs(access, seconds).delete(event_id, reason)

    @override
    async def changes(
        self, access: Access, query: ChangesQuery, *, seconds: float
    ) -> ChangesPage:
        """Return one page; a sync token is always stale."""
        async with answered_within(seconds):
            ask = self._api.reading(access, seconds)
            return await reading.changes(ask, query, access)

    @override
    async def taken(
        self,
        access: Access,
        calendars: Sequence[str],
        window: Interval,
        *,
        seconds: float,
    ) -> Mapping[str, Sequence[TakenTime]]:
        """Return what is taken in the schedule now."""
        if mapping.SCHEDULE not in calendars:
            return {}
        async with answered_within(seconds):
            ask = self._api.asking(access, seconds)
            return await reading.taken(ask, window, access)

    @override
    async def named(
        self, access: Access, name: str, window: Interval, *, seconds: float
    ) -> Sequence[ChangedEvent]:
        """Return every visit of the job of that id."""
        async with answered_within(seconds):
            ask = self._api.reading(access, seconds)
            return await reading.named(ask, name, window, access)

    @override
    async def technicians(
        self, access: Access, *, seconds: float
    ) -> Sequence[Technician]:
        """Return the company's active employees, whatever their role."""
        async with answered_within(seconds):
            ask = self._api.asking(access, seconds)
            employees = entries(ask, Question("GET", "/employees"), "employees")
            return [technician_of(each) async for each in employees]

    @override
    async def put_customer(
        self, access: Access, customer: Customer, *, seconds: float
    ) -> PutCustomer:
        """Find the customer by phone, then by e-mail, and update; or make one."""
        turn = self._turns.of(access, seconds=seconds)
        async with answered_within(seconds), turn:
            return await Customers(self._api.asking(access, seconds)).put(customer)

    @override
    async def customer(
        self, access: Access, customer_id: str, *, seconds: float
    ) -> Customer | None:
        """Return a customer as they are now; None: there is none any more."""
        async with answered_within(seconds):
            return await Customers(self._api.asking(access, seconds)).read(customer_id)

    @override
    def hints(self, delivery: PushDelivery, now: Instant) -> Sequence[PlatformHint]:
        """Return what a delivery tells of; raise Unproven, or InvalidField."""
        return webhook.read(delivery, self._webhook_secret, now)

    def _jobs(self, access: Access, seconds: float) -> Jobs:
        ask = self._api.asking(access, seconds)
        return Jobs(ask, access.connection_id, self._memory)


def _check(calendar: str) -> None:
    if calendar != mapping.SCHEDULE:
        raise Rejected
