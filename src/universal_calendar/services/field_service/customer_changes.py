"""Customers who changed at their platforms: what they are called now, here too.

The platform is asked, whatever its webhook said, and each appointment to come that is a
visit of theirs follows. A local change that waits to be written wins; one that was
written a moment ago may be newer than what was asked: then it is asked again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final
from uuid import UUID

import structlog

from universal_calendar.core.errors import AppointmentNotFound, FinalStatus
from universal_calendar.core.instant import Instant
from universal_calendar.core.phone import normalized_phone
from universal_calendar.core.provider_errors import ProviderDown, ProviderError
from universal_calendar.core.retry import GiveUp, Reauthorize, Retry, decide
from universal_calendar.core.sync import FRESH, Writing
from universal_calendar.services.booking.appointment_changes import (
    AppointmentChanges,
    Revision,
)
from universal_calendar.services.budget import Budget, ended_after
from universal_calendar.services.ports.appointments import Person
from universal_calendar.services.ports.changed_customers import (
    ChangedCustomer,
    ChangedCustomerStore,
)
from universal_calendar.services.ports.connections import (
    ConnectionStatus,
    OutgoingQuota,
)
from universal_calendar.services.ports.field_service import FieldServiceProvider
from universal_calendar.services.ports.identity import Actor, ActorKind
from universal_calendar.services.ports.mirror import Trouble
from universal_calendar.services.ports.units import Unit, Units
from universal_calendar.services.ports.visits import Customer

_WORKER: Final = Actor(ActorKind.WORKER, "customer_changes")
_LEAST_DIGITS: Final = 7
"""So many digits are a number that somebody can be called by."""
_log = structlog.get_logger()


class _Judgement(Enum):
    FOLLOWS = "the appointment is to say what the platform says"
    STAYS = "what is said here is newer, or somebody must see to the visit first"
    UNKNOWN = "which of them is newer, only asking again can tell"


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the platform said of a customer, and when that was asked."""

    customer: Customer
    at: Instant


@dataclass(frozen=True, slots=True)
class CustomerChanges:
    """Carries changes over. Any number of processes may, each change in its turn.

    `jitter` draws from [0, 1).
    """

    changed: ChangedCustomerStore
    units: Units
    changes: AppointmentChanges
    platforms: Mapping[str, FieldServiceProvider]
    quota: OutgoingQuota
    jitter: Callable[[], float]

    async def settle(
        self, tenant_id: UUID, change_id: UUID, now: Instant, *, seconds: float
    ) -> None:
        """Ask about a customer who changed, in so many seconds, and follow.

        What the platform refuses or leaves open is in the rows, never raised. Raises
        DatabaseUnavailable; the customer is then asked about again.
        """
        budget = Budget.beginning(now, seconds)
        change = await self.changed.get(tenant_id, change_id, now)
        if change is None:
            return
        try:
            asked = await self._ask(change, budget)
        except ProviderError as error:
            trouble, due = self._consequence(change, error, budget.now)
            await self.changed.record(change, budget.now, due, trouble)
            return
        due = None if asked is None else await self._carry_over(change, asked, budget)
        await self.changed.record(change, budget.now, due)

    async def _ask(self, change: ChangedCustomer, budget: Budget) -> _Asked | None:
        """Return the customer; None if there is none, or nothing follows from it."""
        if not change.schedules:
            return None
        platform = self.platforms.get(change.provider)
        if platform is None:
            # Switched off in this installation's settings: it may come back.
            raise ProviderDown
        at = budget.now
        await self.quota.take(change.access.connection_id, at)
        async with ended_after(budget.left):
            customer = await platform.customer(
                change.access, change.customer_id, seconds=budget.left
            )
        return None if customer is None else _Asked(customer, at)

    async def _carry_over(
        self, change: ChangedCustomer, asked: _Asked, budget: Budget
    ) -> Instant | None:
        """Have appointments follow; return when to ask again, None: all is said."""
        judged = []
        for calendar_id in change.schedules:
            async with self.units.begin(change.tenant_id, _WORKER, asked.at) as unit:
                appointment_ids = await unit.visits.of_customer(
                    change.tenant_id, calendar_id, change.customer_id, asked.at
                )
            for each in appointment_ids:
                async with self.units.begin(
                    change.tenant_id, _WORKER, budget.now
                ) as unit:
                    judged.append(await self._follow(unit, each, calendar_id, asked))
        return budget.now + FRESH if _Judgement.UNKNOWN in judged else None

    async def _follow(
        self, unit: Unit, appointment_id: UUID, calendar_id: UUID, asked: _Asked
    ) -> _Judgement:
        def person(before: Person) -> Person:
            return following(before, asked.customer)

        try:
            before = await unit.appointments.get(unit.tenant_id, appointment_id)
            if person(before.person) == before.person:
                return _Judgement.FOLLOWS  # and nobody's lock is taken
            judgement = await _judged(unit, appointment_id, calendar_id, asked.at)
            if judgement is _Judgement.FOLLOWS:
                await _revise(self.changes, unit, (appointment_id, calendar_id), person)
        except (AppointmentNotFound, FinalStatus):
            return _Judgement.STAYS
        return judgement

    def _consequence(
        self, change: ChangedCustomer, error: ProviderError, now: Instant
    ) -> tuple[Trouble, Instant | None]:
        """Return what follows for the connection, and when to ask again, if ever."""
        name = type(error).__name__
        _log.warning(
            "customer_not_read", tenant_id=str(change.tenant_id), error_type=name
        )
        match decide(error, change.attempts, self.jitter()):
            case GiveUp():
                return Trouble(name), None
            case Reauthorize(after):
                lost = ConnectionStatus.NEEDS_REAUTHORIZATION
                return Trouble(name, lost, now + after), now + after
            case Retry(after, pause):
                is_down = isinstance(error, ProviderDown)
                failing = ConnectionStatus.FAILING if is_down else None
                paused_until = now + pause if pause else None
                return Trouble(name, failing, paused_until), now + after


async def _revise(
    changes: AppointmentChanges,
    unit: Unit,
    place: tuple[UUID, UUID],
    person: Callable[[Person], Person],
) -> None:
    """Change the person; the platform has it already, nothing is to be written there.

    What waits to be written wins over what is told, so the next change would be lost.
    """
    revision = Revision(person=person, tells_customer=False)
    own = await unit.own_events.lock(*place)
    await changes.revise(unit, place[0], revision)
    if own is not None:
        await unit.own_events.follow(*place, own.etag)


async def _judged(
    unit: Unit, appointment_id: UUID, calendar_id: UUID, asked_at: Instant
) -> _Judgement:
    """Judge which is newer, with appointment and visit locked."""
    await unit.appointment_editor.lock(appointment_id)
    own = await unit.own_events.lock(appointment_id, calendar_id)
    if own is None or own.writing in (Writing.WAITING, Writing.REFUSED):
        return _Judgement.STAYS
    if own.writing is Writing.RUNNING or own.written_at > asked_at - FRESH:
        return _Judgement.UNKNOWN
    return _Judgement.FOLLOWS


def following(person: Person, customer: Customer) -> Person:
    """Return the person as the platform knows them; what it does not tell stays.

    So does what is only written in another way: it would go to and fro.
    """
    return replace(
        person,
        name=_newer(person.name, customer.name, _is_same_name),
        phone=_newer(person.phone, customer.phone, _is_same_phone),
        email=_newer(person.email, customer.email, _is_same_email),
        address=_newer(person.address, customer.address, _is_same_address),
    )


def _newer(
    known: str | None, told: str | None, is_same: Callable[[str, str], bool]
) -> str | None:
    if told is None or not told.strip():
        return known
    return known if known is not None and is_same(known, told) else told


def _is_same_name(known: str, told: str) -> bool:
    return known.split() == told.split()


def _is_same_phone(known: str, told: str) -> bool:
    """Tell whether one is the other without the code of its country."""
    numbers = [normalized_phone(each).lstrip("+0") for each in (known, told)]
    short, long = sorted(numbers, key=len)
    return short == long or (len(short) >= _LEAST_DIGITS and long.endswith(short))


def _is_same_email(known: str, told: str) -> bool:
    return known.casefold() == told.strip().casefold()


def _is_same_address(known: str, told: str) -> bool:
    return _letters(known) == _letters(told)


def _letters(text: str) -> list[str]:
    return [each for each in text.casefold() if each.isalnum()]
