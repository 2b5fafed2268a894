"""Webhook endpoints, and what was delivered to them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from universal_calendar.core.instant import Instant, instant_text
from universal_calendar.services.notices.webhook_endpoints import (
    EVENTS,
    LARGEST_PAGE,
    WebhookEndpoints,
)
from universal_calendar.services.ports.identity import NewId, Role
from universal_calendar.services.ports.notices import Delivery, NoticeKind
from universal_calendar.services.ports.webhook_endpoints import WebhookEndpoint
from universal_calendar.web.tenant_api.fields import (
    FROM_QUERY,
    Answered,
    Id,
    OfTenant,
)
from universal_calendar.web.tenant_api.openapi import AnyOperation
from universal_calendar.web.tenant_api.operation import Call, Data, Operation, Source

_TAG = "Webhooks"
_ALL = "/webhook-endpoints"
_ONE = "/webhook-endpoints/{endpointId}"
_DELIVERIES = "/webhook-endpoints/{endpointId}/deliveries"

Url = Annotated[str, Field(max_length=2048, examples=["https://example.com/hooks"])]
Event = Annotated[
    str,
    WithJsonSchema({"type": "string", "enum": [str(each) for each in EVENTS]}),
]
Events = Annotated[list[Event], Field(min_length=1)]


class NewEndpoint(OfTenant):
    """Where to send, and what; all events unless some are named."""

    url: Url
    events: Events | None = Field(None, examples=[[str(NoticeKind.CREATED)]])


class ChangedEndpoint(OfTenant):
    """What is given changes."""

    url: Url | None = None
    events: Events | None = None
    is_active: bool | None = None


class DeliveryPage(OfTenant):
    """Which deliveries: those before one, the latest first."""

    before: Id | None = None
    limit: Annotated[int, Field(ge=1, le=LARGEST_PAGE), FROM_QUERY] = 20


class EndpointData(Answered):
    """An endpoint; the secret is shown when it is made."""

    endpoint_id: Id
    url: str
    events: list[str]
    is_active: bool
    disabled_reason: str | None
    previous_secret_ends_at: str | None
    secret: str | None = None


class EndpointsData(Answered):
    """All endpoints, oldest first."""

    endpoints: list[EndpointData]


class DeliveryData(Answered):
    """What became of an event."""

    delivery_id: Id
    event: str
    appointment_id: Id | None
    status: str
    attempts: int
    last_error: str | None
    response_status: int | None
    next_try_at: str | None
    created_at: str


class DeliveriesData(Answered):
    """A page of deliveries, the latest first."""

    deliveries: list[DeliveryData]


class RemovedData(Answered):
    """It is gone."""

    removed: bool


@dataclass(frozen=True, slots=True)
class WebhookEndpointsApi:
    """The handlers; tests and replays are sent by the sweep, seconds later."""

    new_id: NewId
    new_secret: Callable[[], str]
    allows_http: bool

    def operations(self) -> list[AnyOperation]:
        """Return the endpoints of endpoints."""
        body, owner = Source.BODY, Role.OWNER

        def row(
            method: str, path: str, summary: str, inputs: Any, handle: Any, answer: Any
        ) -> AnyOperation:
            source = Source.QUERY if method in ("GET", "DELETE") else body
            return Operation(
                method, path, summary, _TAG, owner, inputs, handle, answer, source
            )

        return [
            row("GET", _ALL, "Webhook endpoints", OfTenant, self.all, EndpointsData),
            row("POST", _ALL, "Add an endpoint", NewEndpoint, self.add, EndpointData),
            row("GET", _ONE, "One endpoint", OfTenant, self.get, EndpointData),
            row("PUT", _ONE, "Change", ChangedEndpoint, self.update, EndpointData),
            row("DELETE", _ONE, "Remove", OfTenant, self.remove, RemovedData),
            row(
                "POST",
                f"{_ONE}/rotate",
                "Make a new secret; the old one signs too for 24 hours",
                OfTenant,
                self.rotate,
                EndpointData,
            ),
            row(
                "POST",
                f"{_ONE}/test",
                "Send a test event",
                OfTenant,
                self.test,
                DeliveryData,
            ),
            row(
                "GET",
                _DELIVERIES,
                "What was delivered",
                DeliveryPage,
                self.deliveries,
                DeliveriesData,
            ),
            row(
                "POST",
                f"{_DELIVERIES}/{{deliveryId}}/replay",
                "Deliver once more",
                OfTenant,
                self.replay,
                DeliveryData,
            ),
        ]

    def _endpoints(self, call: Call) -> WebhookEndpoints:
        store = call.unit.webhook_endpoints
        return WebhookEndpoints(
            store, self.new_id, self.new_secret, allows_http=self.allows_http
        )

    async def all(self, call: Call, _: OfTenant) -> Data:
        """List the tenant's endpoints."""
        found = await self._endpoints(call).all(call.tenant_id)
        return {"endpoints": [_endpoint(each) for each in found]}

    async def add(self, call: Call, wanted: NewEndpoint) -> Data:
        """Add an endpoint; its secret is in this answer alone."""
        endpoint, secret = await self._endpoints(call).add(
            call.tenant_id, wanted.url, call.now, events=wanted.events
        )
        await call.unit.audit.record("webhook_endpoint.created", endpoint.endpoint_id)
        return _endpoint(endpoint) | {"secret": secret}

    async def get(self, call: Call, _: OfTenant) -> Data:
        """Show one endpoint."""
        return _endpoint(await self._found(call))

    async def update(self, call: Call, wanted: ChangedEndpoint) -> Data:
        """Change what is given."""
        changed = await self._endpoints(call).update(
            await self._found(call),
            call.now,
            url=wanted.url,
            events=wanted.events,
            is_active=wanted.is_active,
        )
        await call.unit.audit.record("webhook_endpoint.updated", changed.endpoint_id)
        return _endpoint(changed)

    async def remove(self, call: Call, _: OfTenant) -> Data:
        """Delete an endpoint with its deliveries."""
        endpoint_id = call.id("endpointId")
        await self._endpoints(call).remove(call.tenant_id, endpoint_id)
        await call.unit.audit.record("webhook_endpoint.removed", endpoint_id)
        return {"removed": True}

    async def rotate(self, call: Call, _: OfTenant) -> Data:
        """Make a new secret."""
        endpoint, secret = await self._endpoints(call).rotate(
            call.tenant_id, call.id("endpointId"), call.now
        )
        await call.unit.audit.record("webhook_endpoint.rotated", endpoint.endpoint_id)
        return _endpoint(endpoint) | {"secret": secret}

    async def test(self, call: Call, _: OfTenant) -> Data:
        """Write a test event, due at once."""
        endpoints, endpoint_id = self._endpoints(call), call.id("endpointId")
        delivery = await endpoints.test(call.tenant_id, endpoint_id, call.now)
        await call.unit.audit.record("webhook_endpoint.tested", endpoint_id)
        return _delivery(delivery)

    async def deliveries(self, call: Call, page: DeliveryPage) -> Data:
        """List what was delivered, the latest first."""
        found = await self._endpoints(call).deliveries(
            call.tenant_id, call.id("endpointId"), before=page.before, limit=page.limit
        )
        return {"deliveries": [_delivery(each) for each in found]}

    async def replay(self, call: Call, _: OfTenant) -> Data:
        """Make a delivery due again."""
        endpoint_id, delivery_id = call.id("endpointId"), call.id("deliveryId")
        delivery = await self._endpoints(call).replay(
            call.tenant_id, endpoint_id, delivery_id, call.now
        )
        await call.unit.audit.record("webhook_delivery.replayed", delivery_id)
        return _delivery(delivery)

    async def _found(self, call: Call) -> WebhookEndpoint:
        return await self._endpoints(call).get(call.tenant_id, call.id("endpointId"))


def _endpoint(endpoint: WebhookEndpoint) -> dict[str, object]:
    return {
        "endpointId": endpoint.endpoint_id,
        "url": endpoint.url,
        "events": endpoint.events,
        "isActive": endpoint.is_active,
        "disabledReason": endpoint.disabled_reason,
        "previousSecretEndsAt": _text(endpoint.previous_secret_ends_at),
    }


def _delivery(delivery: Delivery) -> dict[str, object]:
    return {
        "deliveryId": delivery.delivery_id,
        "event": delivery.kind,
        "appointmentId": delivery.appointment_id,
        "status": delivery.status,
        "attempts": delivery.attempts,
        "lastError": delivery.last_error,
        "responseStatus": delivery.response_status,
        "nextTryAt": _text(delivery.next_try_at),
        "createdAt": _text(delivery.created_at),
    }


def _text(instant: Instant | None) -> str | None:
    return None if instant is None else instant_text(instant)
