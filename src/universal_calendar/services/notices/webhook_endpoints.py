"""Webhook endpoints as their tenant manages them, with what was delivered to them.

Nothing is sent here: a test or a replay is written, due at once, and `Notices.settle`
sends it after the commit.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from universal_calendar.core.delivery_schedule import PATIENCE
from universal_calendar.core.errors import InvalidField
from universal_calendar.core.instant import DAY, Duration, Instant
from universal_calendar.services.ports.identity import NewId
from universal_calendar.services.ports.notices import Delivery, NoticeKind
from universal_calendar.services.ports.webhook_endpoints import (
    EndpointInactive,
    NewTest,
    WebhookEndpoint,
    WebhookEndpointStore,
)

EVENTS: Final = tuple(kind for kind in NoticeKind if kind is not NoticeKind.TEST)
"""What an endpoint can subscribe to; test events come unasked for."""
OVERLAP: Final[Duration] = DAY
MOST_ENDPOINTS: Final = 20
LONGEST_URL: Final = 2048
LARGEST_PAGE: Final = 100

_MEND: Final = (
    "use an https URL without user, password, query and fragment, up to"
    f" {LONGEST_URL} ASCII characters"
)


class WebhookEndpoints:
    """Adds, changes and removes endpoints, and shows their deliveries."""

    def __init__(
        self,
        endpoints: WebhookEndpointStore,
        new_id: NewId,
        new_secret: Callable[[], str],
        *,
        allows_http: bool,
    ) -> None:
        """Take the port; `allows_http` is for networks of one's own."""
        self._endpoints, self._new_id, self._new_secret = endpoints, new_id, new_secret
        self._schemes = {"https", "http"} if allows_http else {"https"}

    async def add(
        self,
        tenant_id: UUID,
        url: str,
        now: Instant,
        *,
        events: Sequence[str] | None = None,
    ) -> tuple[WebhookEndpoint, str]:
        """Add an endpoint, for all events unless some are named; return its secret too.

        The secret is shown this once. Raises InvalidField.
        """
        endpoint = WebhookEndpoint(
            tenant_id,
            self._new_id(now),
            self._checked_url(url),
            EVENTS if events is None else _checked_events(events),
            is_active=True,
            disabled_reason=None,
            previous_secret_ends_at=None,
            created_at=now,
            updated_at=now,
        )
        secret = self._new_secret()
        if not await self._endpoints.add(endpoint, secret, MOST_ENDPOINTS):
            raise InvalidField("url", f"remove one first: {MOST_ENDPOINTS} are allowed")
        return endpoint, secret

    async def all(self, tenant_id: UUID) -> Sequence[WebhookEndpoint]:
        """Return the tenant's endpoints, oldest first."""
        return await self._endpoints.of_tenant(tenant_id)

    async def get(self, tenant_id: UUID, endpoint_id: UUID) -> WebhookEndpoint:
        """Return an endpoint; raise EndpointNotFound."""
        return await self._endpoints.get(tenant_id, endpoint_id)

    async def update(
        self,
        endpoint: WebhookEndpoint,
        now: Instant,
        *,
        url: str | None = None,
        events: Sequence[str] | None = None,
        is_active: bool | None = None,
    ) -> WebhookEndpoint:
        """Change what is given; raise InvalidField or EndpointNotFound.

        Setting `is_active` forgets why we switched the endpoint off.
        """
        changed = replace(
            endpoint,
            url=endpoint.url if url is None else self._checked_url(url),
            events=endpoint.events if events is None else _checked_events(events),
            is_active=endpoint.is_active if is_active is None else is_active,
            disabled_reason=endpoint.disabled_reason if is_active is None else None,
            updated_at=now,
        )
        await self._endpoints.update(changed)
        return changed

    async def remove(self, tenant_id: UUID, endpoint_id: UUID) -> None:
        """Delete an endpoint with its deliveries; raise EndpointNotFound."""
        await self._endpoints.remove(tenant_id, endpoint_id)

    async def rotate(
        self, tenant_id: UUID, endpoint_id: UUID, now: Instant
    ) -> tuple[WebhookEndpoint, str]:
        """Make a new secret and return it; the one before signs too for 24 hours.

        A secret older than that one ends at once. Raises EndpointNotFound.
        """
        secret = self._new_secret()
        await self._endpoints.rotate(tenant_id, endpoint_id, secret, now + OVERLAP)
        return await self._endpoints.get(tenant_id, endpoint_id), secret

    async def test(self, tenant_id: UUID, endpoint_id: UUID, now: Instant) -> Delivery:
        """Write a test event, due at once.

        Raises EndpointNotFound or EndpointInactive.
        """
        endpoint = await self._active(tenant_id, endpoint_id)
        test = NewTest(self._new_id(now), self._new_id(now), now + PATIENCE)
        await self._endpoints.add_test(endpoint, test, now)
        return await self._endpoints.delivery(tenant_id, endpoint_id, test.delivery_id)

    async def deliveries(
        self,
        tenant_id: UUID,
        endpoint_id: UUID,
        *,
        before: UUID | None = None,
        limit: int = 20,
    ) -> Sequence[Delivery]:
        """Return a page of the endpoint's deliveries, newest first.

        `before` is the id that the page before ended with; `limit` at most 100. Raises
        EndpointNotFound.
        """
        await self._endpoints.get(tenant_id, endpoint_id)
        return await self._endpoints.deliveries(
            tenant_id, endpoint_id, before, min(limit, LARGEST_PAGE)
        )

    async def delivery(
        self, tenant_id: UUID, endpoint_id: UUID, delivery_id: UUID
    ) -> Delivery:
        """Return a delivery of the endpoint; raise DeliveryNotFound."""
        return await self._endpoints.delivery(tenant_id, endpoint_id, delivery_id)

    async def replay(
        self, tenant_id: UUID, endpoint_id: UUID, delivery_id: UUID, now: Instant
    ) -> Delivery:
        """Make a delivery due at once, for another day, under its old message id.

        Raises EndpointNotFound, EndpointInactive or DeliveryNotFound.
        """
        await self._active(tenant_id, endpoint_id)
        delivery = await self._endpoints.delivery(tenant_id, endpoint_id, delivery_id)
        await self._endpoints.requeue(delivery, now + PATIENCE, now)
        return await self._endpoints.delivery(tenant_id, endpoint_id, delivery_id)

    async def _active(self, tenant_id: UUID, endpoint_id: UUID) -> WebhookEndpoint:
        endpoint = await self._endpoints.get(tenant_id, endpoint_id)
        if not endpoint.is_active:
            raise EndpointInactive
        return endpoint

    def _checked_url(self, url: str) -> str:
        if not _is_usable(url, self._schemes):
            raise InvalidField("url", _MEND)
        return url


def _is_usable(url: str, schemes: set[str]) -> bool:
    # What stands in userinfo or query is often a secret, and the URL is stored plain.
    if not (url.isascii() and url.isprintable()) or len(url) > LONGEST_URL:
        return False
    if any(character in url for character in " @?#\\"):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _checked_events(events: Sequence[str]) -> tuple[NoticeKind, ...]:
    known = {str(kind): kind for kind in EVENTS}
    if not events or any(each not in known for each in events):
        raise InvalidField("events", f"use one or more of {', '.join(known)}")
    return tuple(known[each] for each in dict.fromkeys(events))
