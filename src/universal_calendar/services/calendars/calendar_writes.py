"""Writing appointments to calendars: what should be there, is, or will be tried again.

The rows are the truth. The request that changed an appointment tries at once, and the
worker whenever the sweep finds the row due: both come here. No transaction is open
while a provider is asked.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final
from uuid import UUID

from universal_calendar.core.instant import Duration, Instant
from universal_calendar.core.provider_errors import (
    EventChanged,
    EventGone,
    ProviderDown,
    ProviderError,
)
from universal_calendar.core.retry import (
    SECOND,
    Decision,
    GiveUp,
    Reauthorize,
    Retry,
    decide,
)
from universal_calendar.services.budget import Budget, ended_after
from universal_calendar.services.ports.appointments import Person
from universal_calendar.services.ports.calendars import (
    CalendarProvider,
    EventDraft,
    WrittenEvent,
)
from universal_calendar.services.ports.connections import (
    ConnectionStatus,
    OutgoingQuota,
)
from universal_calendar.services.ports.links import (
    Deleted,
    Failed,
    LeasedLink,
    LinkId,
    LinkState,
    LinkStatus,
    LinkStore,
    Result,
    Written,
)

# Time to write an outcome down before somebody else may take the link.
LEASE_MARGIN: Final[Duration] = 10 * SECOND


class CalendarWrites:
    """Makes calendars agree with appointments."""

    def __init__(
        self,
        links: LinkStore,
        providers: Mapping[str, CalendarProvider],
        quota: OutgoingQuota,
        jitter: Callable[[], float],
    ) -> None:
        """Take the providers by name; `jitter` draws from [0, 1)."""
        self._links, self._providers = links, providers
        self._quota, self._jitter = quota, jitter

    async def settle(
        self, tenant_id: UUID, appointment_id: UUID, now: Instant, *, seconds: float
    ) -> Sequence[LinkState]:
        """Write what is due of an appointment, in so many seconds; tell how it stands.

        Any number of processes may do this at the same time: a link is written by one.
        What a provider refuses or leaves open is in the states, never raised. Raises
        DatabaseUnavailable; what was being written is then tried again.
        """
        budget = Budget.beginning(now, seconds)
        for state in await self._links.states(tenant_id, appointment_id):
            if state.status is LinkStatus.PENDING:
                await self._settle_link(state.link_id, budget)
        await self._links.close(tenant_id, appointment_id, budget.now)
        return await self._links.states(tenant_id, appointment_id)

    async def _settle_link(self, link_id: LinkId, budget: Budget) -> None:
        while budget.left > 0:
            until = budget.end + LEASE_MARGIN
            link = await self._links.lease(link_id, budget.now, until)
            if link is None:
                return
            result = await self._attempt(link, budget)
            status = await self._links.record(link, result, budget.now)
            if status is not LinkStatus.PENDING:
                return

    async def _attempt(self, link: LeasedLink, budget: Budget) -> Result:
        try:
            if link.is_wanted:
                return Written(await self._put(link, budget))
            await self._delete(link, budget)
        except ProviderError as error:
            decision = decide(error, link.attempts, self._jitter())
            return _failed(error, decision, budget.now)
        return Deleted()

    async def _put(self, link: LeasedLink, budget: Budget) -> WrittenEvent:
        known = link.known
        try:
            return await self._write(link, known, budget)
        except EventGone:
            raise
        except EventChanged as error:
            event_id = error.event_id or (known.event_id if known else None)
            if event_id is None:
                raise
            # What was booked here holds; what somebody made of the event gives way.
            return await self._write(link, WrittenEvent(event_id, None), budget)

    async def _write(
        self, link: LeasedLink, known: WrittenEvent | None, budget: Budget
    ) -> WrittenEvent:
        provider = await self._admitted(link, budget)
        async with ended_after(budget.left):
            return await provider.put_event(
                link.access, link.calendar, draft_of(link), known, seconds=budget.left
            )

    async def _delete(self, link: LeasedLink, budget: Budget) -> None:
        event = link.known
        if event is None and not link.is_begun:
            return
        if event is None:
            # The answer to a write was lost, and with it the event's id. The same write
            # again finds or makes the one event, and tells.
            try:
                event = await self._put(link, budget)
            except EventGone:
                return
        provider = await self._admitted(link, budget)
        async with ended_after(budget.left):
            await provider.delete_event(
                link.access,
                link.calendar,
                event.event_id,
                seconds=budget.left,
                reason=_reason(link),
            )

    async def _admitted(self, link: LeasedLink, budget: Budget) -> CalendarProvider:
        """Return the provider, with one request of the connection's quota taken."""
        provider = self._providers.get(link.provider)
        if provider is None:
            # Switched off in this installation's settings: it may come back.
            raise ProviderDown
        await self._quota.take(link.access.connection_id, budget.now)
        return provider


def _reason(link: LeasedLink) -> str | None:
    """Return why it was cancelled: in words, where somebody wrote any."""
    if link.cancellation_reason is None:
        return None
    return link.person.notes or link.cancellation_reason


def _failed(error: ProviderError, decision: Decision, now: Instant) -> Failed:
    name = type(error).__name__
    match decision:
        case GiveUp():
            return Failed(name, LinkStatus.FAILED)
        case Reauthorize(after):
            return Failed(
                name,
                LinkStatus.PENDING,
                connection_status=ConnectionStatus.NEEDS_REAUTHORIZATION,
                paused_until=now + after,
            )
        case Retry(after, pause):
            is_down = isinstance(error, ProviderDown)
            return Failed(
                name,
                LinkStatus.PENDING,
                now + after,
                is_key_burnt=isinstance(error, EventGone),
                connection_status=ConnectionStatus.FAILING if is_down else None,
                paused_until=now + pause if pause else None,
            )


def draft_of(link: LeasedLink) -> EventDraft:
    """Return the appointment as an event for whoever keeps the calendar."""
    person, visit = link.person, link.visit
    return EventDraft(
        event_key(link.link_id.appointment_id, link.generation),
        link.link_id.tenant_id,
        link.link_id.appointment_id,
        link.interval,
        link.timezone,
        link.sequence,
        person.title,
        # A platform is told of the customer apart.
        _description(person) if visit is None else person.description,
        person.address,
        visit,
        link.is_first,
    )


def _description(person: Person) -> str | None:
    lines = (person.description, person.name, person.phone, person.email)
    return "\n".join(line for line in lines if line) or None


def event_key(appointment_id: UUID, generation: int) -> str:
    """Return the key under which every repetition of a write is the same event."""
    return f"{appointment_id.hex}{generation:x}"
