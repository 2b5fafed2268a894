"""Keys that change, and people and tenants that are to be told of or forgotten."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from universal_calendar.core.errors import DatabaseUnavailable, UniversalCalendarError
from universal_calendar.core.instant import Instant
from universal_calendar.core.phone import normalized_phone
from universal_calendar.services.ports.identity import Actor
from universal_calendar.services.ports.visit_store import KnownVisit


class FutureAppointments(UniversalCalendarError):
    """The customer has appointments to come; cancel them, or ask for that too."""

    def __init__(self, appointment_ids: Sequence[UUID]) -> None:
        """Take what is to come."""
        self.appointment_ids = appointment_ids
        super().__init__()


class StillBusy(DatabaseUnavailable):
    """Transactions that began before are still open; nothing was lost: ask again."""


class KeyStore(Protocol):
    """Keeps the keys of tenants, by version, and what they seal."""

    async def tenant_ids(self) -> Sequence[UUID]:
        """Return every tenant's id."""

    async def add_version(self, tenant_id: UUID) -> int:
        """Make a new data key the current one; return its version.

        No booking that read the earlier key can be written after this. Raises
        TenantNotFound.
        """

    async def count_older(self, tenant_id: UUID, version: int) -> int:
        """Return how many values are sealed by versions before this one."""

    def reseal(self, tenant_id: UUID, version: int) -> AsyncIterator[int]:
        """Seal with the current key what earlier versions sealed.

        Yields the number of rows of each batch; rows that others use at the moment are
        left for the next time. Raises TenantNotFound and Unreadable.
        """

    async def outlast(self) -> None:
        """Wait until every transaction that is open now has ended; raise StillBusy."""

    async def destroy_older(self, tenant_id: UUID, version: int) -> int | None:
        """Destroy the versions before this one; return how many.

        None: something is still sealed by them, and nothing was destroyed.
        """

    async def rewrap_installation(self) -> int:
        """Wrap the installation's keys by the current master key; return how many."""

    async def rewrap(self, tenant_id: UUID) -> int:
        """Wrap a tenant's keys by the current master key; return how many were not.

        Raises CannotDecrypt.
        """

    async def count_outdated(self) -> int:
        """Return how many keys an earlier master key wraps."""


@dataclass(frozen=True, slots=True)
class Customer:
    """Who is meant: whoever has this phone, or this e-mail address, or both."""

    phone: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)

    def is_named_by(self, text: object) -> bool:
        """Tell whether a text is the customer's phone or e-mail, as they compare."""
        if not isinstance(text, str):
            return False
        if self.email is not None and text.casefold() == self.email.casefold():
            return True
        if self.phone is None or "@" in text:
            return False
        number = normalized_phone(self.phone)
        return number != "" and normalized_phone(text) == number


@dataclass(frozen=True, slots=True)
class CustomerNotice:
    """What was told about the customer, and by which channels it was delivered."""

    notice_id: UUID
    appointment_id: UUID | None
    kind: str
    created_at: Instant
    content: Mapping[str, object] = field(repr=False)
    channels: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Erased:
    """What was emptied or deleted, by number."""

    notices: int
    answers: int
    visits: int = 0


class CustomerStore(Protocol):
    """Finds a customer of the unit's tenant beside the appointments themselves."""

    async def notices(
        self, customer: Customer, appointment_ids: Collection[UUID]
    ) -> Sequence[CustomerNotice]:
        """Return what was told of these appointments, or to this customer."""

    async def visits(
        self, customer: Customer, appointment_ids: Collection[UUID]
    ) -> Sequence[KnownVisit]:
        """Return platforms' visits that are these appointments, or to this customer."""

    async def erase(
        self, customer: Customer, appointment_ids: Collection[UUID]
    ) -> Erased:
        """Empty notices, stored answers and whatever else recalls the customer.

        Visits are deleted: the platform, which has them still, may tell of them again.
        Messages to the customer that wait to be sent are not sent any more.
        """


class TenantErasureStore(Protocol):
    """Forgets whole tenants."""

    async def is_destroyed(self, tenant_id: UUID) -> bool:
        """Tell whether the tenant's keys are destroyed; raise TenantNotFound."""

    async def destroy(self, tenant_id: UUID, actor: Actor, now: Instant) -> None:
        """Destroy the tenant's keys and shut out its credentials, at once."""

    async def outlast(self) -> None:
        """Wait until every transaction that is open now has ended; raise StillBusy."""

    async def remove(self, tenant_id: UUID) -> int:
        """Delete the rows of a tenant whose keys are destroyed; return how many."""
