"""Jobber's accounts: their schedules, their clients, their people."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from uuid import UUID

from typing_extensions import override

from universal_calendar.core.instant import Instant
from universal_calendar.core.interval import Interval
from universal_calendar.core.provider_errors import Rejected, Throttled
from universal_calendar.providers._http import answered_within
from universal_calendar.providers.jobber import mapping, reading, webhook
from universal_calendar.providers.jobber.api import (
    READING_POINTS,
    JobberApi,
    TellingSender,
)
from universal_calendar.providers.jobber.authorizer import (
    SCOPES,
    JobberAuthorizer,
    JobberOAuth,
)
from universal_calendar.providers.jobber.customers import Customers
from universal_calendar.providers.jobber.documents import ACCOUNT
from universal_calendar.providers.jobber.manifest import MANIFEST
from universal_calendar.providers.jobber.writing import Visits
from universal_calendar.providers.provider import Capability, Means, Provider
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
from universal_calendar.services.ports.turns import Turns
from universal_calendar.services.ports.visits import (
    Customer,
    PlatformHint,
    PutCustomer,
    Technician,
)


def open_jobber(means: Means) -> Provider | None:
    """Open Jobber; None where the settings do not say where it is.

    Owners can let us in by consent only where we are registered there.
    """
    config = means.platforms.get(MANIFEST.slug)
    if config is None:
        return None
    means = replace(means, sender=TellingSender(means.sender))
    registration = means.oauth.get(MANIFEST.slug)
    if registration is None:
        api = JobberApi(means, config, None)
        opened = Jobber(api, means.turns, config.webhook_secret)
        by_key = MANIFEST.capabilities - {Capability.AUTHORIZES}
        manifest = replace(MANIFEST, capabilities=by_key)
        return Provider(manifest, opened, opened, None, field_service=opened)
    oauth = JobberOAuth(means, registration, SCOPES)
    api = JobberApi(means, config, oauth)
    opened = Jobber(api, means.turns, config.webhook_secret)
    authorizer = JobberAuthorizer(oauth, api)
    return Provider(MANIFEST, opened, opened, None, authorizer, opened)


class Jobber(FieldServiceProvider):
    """The platform; an account is a company, with its schedule as the one calendar."""

    def __init__(
        self, api: JobberApi, turns: Turns, webhook_secret: str | None
    ) -> None:
        """Take what asks Jobber, and what signs its webhooks."""
        self._api, self._turns = api, turns
        self._webhook_secret = webhook_secret
        self._people: dict[UUID, reading.People] = {}

    @override
    async def account(self, access: Access, *, seconds: float) -> ProviderAccount:
        """Return whose account it is."""
        async with answered_within(seconds):
            return mapping.account_of(await self._api.asking(access, seconds)(ACCOUNT))

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
            return await Visits(self._api.asking(access, seconds)).put(draft, known)

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
        """Delete the visit, and close its job if that was the only one."""
        _check(calendar)
        async with answered_within(seconds):
            await Visits(self._api.asking(access, seconds)).delete(event_id, reason)

    @override
    async def changes(
        self, access: Access, query: ChangesQuery, *, seconds: float
    ) -> ChangesPage:
        """Return one page; a sync token is always stale."""
        async with answered_within(seconds):
            ask = self._api.asking(access, seconds, READING_POINTS)
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
        """Return the visit of that id, if there is one."""
        async with answered_within(seconds):
            ask = self._api.asking(access, seconds, READING_POINTS)
            return await reading.named(ask, name, window, access)

    @override
    async def technicians(
        self, access: Access, *, seconds: float
    ) -> Sequence[Technician]:
        """Return the account's users; whoever was throttled goes on where they were."""
        people = self._people.pop(access.connection_id, None) or reading.People()
        async with answered_within(seconds):
            while not people.are_all:
                # Anew for each page: no page is paid for twice.
                ask = self._api.asking(access, seconds, READING_POINTS)
                try:
                    await reading.read_people(ask, people)
                except Throttled:
                    self._people[access.connection_id] = people
                    raise
        return people.found

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


def _check(calendar: str) -> None:
    if calendar != mapping.SCHEDULE:
        raise Rejected
