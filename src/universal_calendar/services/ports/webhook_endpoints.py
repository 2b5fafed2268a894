"""Webhook endpoints: where a tenant's software listens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from universal_calendar.core.errors import NotFound, UniversalCalendarError
from universal_calendar.core.instant import Instant
from universal_calendar.services.ports.notices import Delivery, NoticeKind


class EndpointNotFound(NotFound):
    """No such webhook endpoint."""


class DeliveryNotFound(NotFound):
    """No such delivery."""


class EndpointInactive(UniversalCalendarError):
    """The webhook endpoint is switched off; set isActive to true first."""


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """Where webhooks go; `events` are the kinds of notice that it wants.

    `disabled_reason` is set where we switched it off ourselves: `gone` is an answer
    410. `previous_secret_ends_at` is set after a rotation: until then two secrets sign.
    """

    tenant_id: UUID
    endpoint_id: UUID
    url: str
    events: tuple[NoticeKind, ...]
    is_active: bool
    disabled_reason: str | None
    previous_secret_ends_at: Instant | None
    created_at: Instant
    updated_at: Instant


@dataclass(frozen=True, slots=True)
class NewTest:
    """A test event for one endpoint, as a notice and its only delivery."""

    notice_id: UUID
    delivery_id: UUID
    give_up_at: Instant


class WebhookEndpointStore(Protocol):
    """Keeps webhook endpoints, their secrets and their deliveries."""

    async def add(self, endpoint: WebhookEndpoint, secret: str, limit: int) -> bool:
        """Add an endpoint unless the tenant has so many already; tell whether."""

    async def of_tenant(self, tenant_id: UUID) -> Sequence[WebhookEndpoint]:
        """Return the tenant's endpoints, oldest first."""

    async def get(self, tenant_id: UUID, endpoint_id: UUID) -> WebhookEndpoint:
        """Return an endpoint; raise EndpointNotFound."""

    async def update(self, endpoint: WebhookEndpoint) -> None:
        """Write URL, events and activity; raise EndpointNotFound."""

    async def remove(self, tenant_id: UUID, endpoint_id: UUID) -> None:
        """Delete an endpoint with its deliveries; raise EndpointNotFound."""

    async def rotate(
        self, tenant_id: UUID, endpoint_id: UUID, secret: str, ends_at: Instant
    ) -> None:
        """Sign with this secret, and with the one before until `ends_at` too.

        Raises EndpointNotFound.
        """

    async def add_test(
        self, endpoint: WebhookEndpoint, test: NewTest, now: Instant
    ) -> None:
        """Write a test event, due at once."""

    async def deliveries(
        self, tenant_id: UUID, endpoint_id: UUID, before: UUID | None, limit: int
    ) -> Sequence[Delivery]:
        """Return the endpoint's deliveries before this one, newest first."""

    async def delivery(
        self, tenant_id: UUID, endpoint_id: UUID, delivery_id: UUID
    ) -> Delivery:
        """Return a delivery of the endpoint; raise DeliveryNotFound."""

    async def requeue(
        self, delivery: Delivery, give_up_at: Instant, now: Instant
    ) -> None:
        """Make the delivery pending and due at once, whatever became of it."""
