"""Webhook endpoints: what may be one, its secrets, its deliveries."""

import asyncio
from uuid import UUID

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests.harness.scenes.business import open_business
from tests.services.office import NOW, Office
from universal_calendar.bootstrap.parts import new_id
from universal_calendar.clock import utc_now
from universal_calendar.core.errors import InvalidField
from universal_calendar.core.instant import DAY, MINUTE, Instant, from_datetime
from universal_calendar.notify.webhook import new_webhook_secret
from universal_calendar.services.notices.webhook_endpoints import (
    EVENTS,
    MOST_ENDPOINTS,
    WebhookEndpoints,
)
from universal_calendar.services.ports.notices import DeliveryStatus, NoticeKind
from universal_calendar.services.ports.webhook_endpoints import (
    DeliveryNotFound,
    EndpointInactive,
    EndpointNotFound,
)
from universal_calendar.store.notices.webhook_endpoints import WebhookEndpointTable

URL = "https://hooks.example/path"


def strict(office: Office) -> WebhookEndpoints:
    """Return the service as it is where private addresses are not allowed."""
    table = WebhookEndpointTable(office.parts.database, office.parts.keyring)
    return WebhookEndpoints(table, new_id, new_webhook_secret, allows_http=False)


async def listeners(office: Office) -> bool:
    """Tell whether bookings are to write notices for software."""
    ((has_listeners,),) = await office.rows("SELECT has_listeners FROM tenants")
    return bool(has_listeners)


async def test_an_endpoint_s_life(office: Office) -> None:
    endpoints, tenant_id = strict(office), office.tenant_id
    assert not await listeners(office)
    endpoint, secret = await endpoints.add(tenant_id, URL, NOW)
    assert (endpoint.url, endpoint.events, endpoint.is_active) == (URL, EVENTS, True)
    assert secret.startswith("whsec_")
    assert await listeners(office)
    assert await endpoints.all(tenant_id) == [endpoint]
    assert await endpoints.get(tenant_id, endpoint.endpoint_id) == endpoint
    wanted = ["appointment.created", "appointment.cancelled", "appointment.created"]
    changed = await endpoints.update(
        endpoint, NOW + MINUTE, url=URL + "/2", events=wanted, is_active=False
    )
    assert changed.events == (NoticeKind.CREATED, NoticeKind.CANCELLED)
    assert await endpoints.get(tenant_id, endpoint.endpoint_id) == changed
    assert not await listeners(office)
    await endpoints.remove(tenant_id, endpoint.endpoint_id)
    assert await endpoints.all(tenant_id) == []
    with pytest.raises(EndpointNotFound):
        await endpoints.update(changed, NOW)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/path",
        "https://user:secret@hooks.example/",
        "https://secret@hooks.example/",
        "https://hooks.example/?token=secret",
        "https://hooks.example/?",
        "https://hooks.example/#part",
        "https:///path",
        "https://hooks.example:port/",
        "https://hooks.example:0/",
        "https://hooks.example:65536/",
        "https://[::1/",
        "https://hooks.example/a b",
        "https://hooks.example\\@evil.example/",
        "https://hooks.example/\r\nX-Injected: 1",
        "https://bücher.example/",
        "ftp://hooks.example/",
        "file:///etc/passwd",
        "hooks.example",
        "",
        "https://hooks.example/" + "a" * 2048,
    ],
)
async def test_what_cannot_be_an_endpoint(office: Office, url: str) -> None:
    with pytest.raises(InvalidField, match="url") as refused:
        await strict(office).add(office.tenant_id, url, NOW)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("events", [[], ["webhook.test"], ["appointment.moved"]])
async def test_events_that_there_are_not(office: Office, events: list[str]) -> None:
    with pytest.raises(InvalidField, match="events"):
        await office.endpoints.add(office.tenant_id, URL, NOW, events=events)


async def test_there_is_a_limit_and_it_holds_for_many_at_once(office: Office) -> None:
    adding = [
        office.endpoints.add(office.tenant_id, URL, NOW)
        for _ in range(MOST_ENDPOINTS + 3)
    ]
    done = await asyncio.gather(*adding, return_exceptions=True)
    assert sum(isinstance(each, InvalidField) for each in done) == 3
    assert len(await office.endpoints.all(office.tenant_id)) == MOST_ENDPOINTS


async def test_another_tenant_s_endpoint_is_not_found(office: Office) -> None:
    endpoint, _ = await office.endpoints.add(office.tenant_id, office.hook.url, NOW)
    tested = await office.endpoints.test(office.tenant_id, endpoint.endpoint_id, NOW)
    stranger = (await open_business(office.parts)).tenant_id
    endpoints, ids = office.endpoints, (stranger, endpoint.endpoint_id)
    for refused in (
        endpoints.get(*ids),
        endpoints.remove(*ids),
        endpoints.rotate(*ids, NOW),
        endpoints.test(*ids, NOW),
        endpoints.deliveries(*ids),
        endpoints.replay(*ids, tested.delivery_id, NOW),
    ):
        with pytest.raises(EndpointNotFound):
            await refused
    with pytest.raises(DeliveryNotFound):
        await endpoints.delivery(*ids, tested.delivery_id)
    assert await endpoints.all(stranger) == []


async def test_a_delivery_is_its_endpoint_s_alone(office: Office) -> None:
    one, _ = await office.endpoints.add(office.tenant_id, office.hook.url, NOW)
    other, _ = await office.endpoints.add(office.tenant_id, office.hook.url, NOW)
    delivery_id = await send_test(office, one.endpoint_id)
    await office.endpoints.delivery(office.tenant_id, one.endpoint_id, delivery_id)
    ids = (office.tenant_id, other.endpoint_id)
    assert await office.endpoints.deliveries(*ids) == []
    with pytest.raises(DeliveryNotFound):
        await office.endpoints.delivery(*ids, delivery_id)
    with pytest.raises(DeliveryNotFound):
        await office.endpoints.replay(*ids, delivery_id, NOW)


async def send_test(
    office: Office, endpoint_id: UUID, now: Instant | None = None
) -> UUID:
    """Send a test event; return its delivery's id.

    Now unless told: whoever verifies a signature refuses one of five minutes ago.
    """
    now = now or from_datetime(utc_now().replace(microsecond=0))
    written = await office.endpoints.test(office.tenant_id, endpoint_id, now)
    assert (written.status, written.kind) == (DeliveryStatus.PENDING, NoticeKind.TEST)
    assert written.appointment_id is None
    assert await office.due_at(written.notice_id) == now
    notices = office.notices()
    await notices.settle(office.tenant_id, written.notice_id, now, seconds=5)
    return written.delivery_id


def verified(office: Office, secret: str) -> object:
    """Return the last webhook's body, if the secret signed it."""
    request = office.hook.received[-1]
    return Webhook(secret).verify(request.body, dict(request.headers))


async def test_a_test_event_goes_to_one_endpoint_alone(office: Office) -> None:
    endpoint, secret = await office.endpoints.add(
        office.tenant_id, office.hook.url, NOW, events=["appointment.created"]
    )
    await office.endpoints.add(office.tenant_id, office.texts.url, NOW)
    delivery_id = await send_test(office, endpoint.endpoint_id)
    ids = (office.tenant_id, endpoint.endpoint_id)
    delivery = await office.endpoints.delivery(*ids, delivery_id)
    assert (delivery.status, delivery.response_status) == ("delivered", 200)
    body = verified(office, secret)
    assert isinstance(body, dict)
    assert body["type"] == "webhook.test"
    assert body["data"] == {"tenantId": str(office.tenant_id)}
    assert office.texts.received == []


async def test_both_secrets_sign_for_a_day(office: Office) -> None:
    endpoint, old = await office.endpoints.add(office.tenant_id, office.hook.url, NOW)
    ids = (office.tenant_id, endpoint.endpoint_id)
    rotated, new = await office.endpoints.rotate(*ids, NOW)
    assert new != old
    assert rotated.previous_secret_ends_at == NOW + DAY
    await send_test(office, endpoint.endpoint_id)
    assert verified(office, old) == verified(office, new)
    signatures = office.hook.received[-1].headers["webhook-signature"].split()
    assert len(signatures) == 2
    await send_test(office, endpoint.endpoint_id, NOW + DAY)
    signatures = office.hook.received[-1].headers["webhook-signature"].split()
    assert len(signatures) == 1


async def test_a_second_rotation_ends_the_first_secret(office: Office) -> None:
    endpoint, first = await office.endpoints.add(office.tenant_id, office.hook.url, NOW)
    ids = (office.tenant_id, endpoint.endpoint_id)
    _, second = await office.endpoints.rotate(*ids, NOW)
    _, third = await office.endpoints.rotate(*ids, NOW)
    await send_test(office, endpoint.endpoint_id)
    assert verified(office, second) == verified(office, third)
    with pytest.raises(WebhookVerificationError):
        verified(office, first)


async def test_secrets_are_stored_sealed(office: Office) -> None:
    _, secret = await office.endpoints.add(office.tenant_id, URL, NOW)
    ((row,),) = await office.rows("SELECT w::text FROM webhook_endpoints w")
    assert "hooks.example" in row
    assert secret not in row
    assert secret.encode().hex() not in row


async def test_a_replay_sends_the_same_message_again(office: Office) -> None:
    endpoint, _ = await office.endpoints.add(office.tenant_id, office.hook.url, NOW)
    ids = (office.tenant_id, endpoint.endpoint_id)
    notice_id = await office.notice(tells_customer=False)
    notices = office.notices()
    await notices.settle(office.tenant_id, notice_id, NOW, seconds=5)
    (delivered,) = await office.endpoints.deliveries(*ids)
    later = NOW + 3 * DAY
    office.hook.status = 500
    again = await office.endpoints.replay(*ids, delivered.delivery_id, later)
    assert (again.status, again.next_try_at) == (DeliveryStatus.PENDING, later)
    assert await office.due_at(notice_id) == later
    told = await notices.settle(office.tenant_id, notice_id, later, seconds=5)
    assert not told.is_settled
    due_at = await office.due_at(notice_id)
    assert due_at is not None
    assert later < due_at < later + MINUTE
    first, second = office.hook.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert len(office.screens.shown) == 1


async def test_what_is_switched_off_is_neither_tested_nor_replayed(
    office: Office,
) -> None:
    endpoint, _ = await office.endpoints.add(office.tenant_id, office.hook.url, NOW)
    delivery_id = await send_test(office, endpoint.endpoint_id)
    await office.endpoints.update(endpoint, NOW, is_active=False)
    ids = (office.tenant_id, endpoint.endpoint_id)
    with pytest.raises(EndpointInactive):
        await office.endpoints.test(*ids, NOW)
    with pytest.raises(EndpointInactive):
        await office.endpoints.replay(*ids, delivery_id, NOW)


async def test_deliveries_come_in_pages_newest_first(office: Office) -> None:
    endpoint, _ = await office.endpoints.add(office.tenant_id, office.hook.url, NOW)
    ids = (office.tenant_id, endpoint.endpoint_id)
    sent = [
        await send_test(office, endpoint.endpoint_id, NOW + n * MINUTE)
        for n in range(5)
    ]
    sent.reverse()
    first = await office.endpoints.deliveries(*ids, limit=3)
    assert [each.delivery_id for each in first] == sent[:3]
    rest = await office.endpoints.deliveries(*ids, before=sent[2], limit=1000)
    assert [each.delivery_id for each in rest] == sent[3:]


async def test_a_removed_endpoint_takes_its_deliveries_along(office: Office) -> None:
    endpoint, _ = await office.endpoints.add(office.tenant_id, office.hook.url, NOW)
    await send_test(office, endpoint.endpoint_id)
    await office.endpoints.remove(office.tenant_id, endpoint.endpoint_id)
    assert await office.rows("SELECT 1 FROM deliveries") == []
