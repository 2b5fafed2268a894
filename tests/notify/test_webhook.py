"""Webhooks, verified by the library that receivers use."""

from dataclasses import replace
from datetime import timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests.harness.foreign_server import free_port
from tests.notify.building import (
    AGENT_ID,
    APPOINTMENT_ID,
    MESSAGE_ID,
    TENANT_ID,
    message,
)
from tests.notify.receiver import Received, Receiver
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import from_datetime
from universal_calendar.notify.webhook import WebhookChannel, new_webhook_secret
from universal_calendar.outgoing.http import Sender
from universal_calendar.services.ports.notices import (
    DeliveryError,
    NoticeKind,
    Outcome,
    Verdict,
    WebhookTarget,
)

OLD, NEW = new_webhook_secret(), new_webhook_secret()


async def post(
    sender: Sender, url: str, *secrets: str, seconds: float = 10, late: float = 0
) -> Outcome:
    target = WebhookTarget(f"{url}/hook", secrets or (NEW,))
    webhook = replace(message(), webhook=target)
    now = from_datetime(utc_now() - timedelta(seconds=late))
    return await WebhookChannel(sender).send(webhook, now=now, seconds=seconds)


def verify(request: Received, secret: str) -> object:
    return Webhook(secret).verify(request.body, dict(request.headers))


async def test_a_webhook_says_everything(sender: Sender, endpoint: Receiver) -> None:
    endpoint.status = 204
    assert await post(sender, endpoint.url) == Outcome(Verdict.ACCEPTED, status=204)
    request = endpoint.only
    assert (request.path, request.headers["webhook-id"]) == (
        "/hook",
        f"msg_{MESSAGE_ID.hex}",
    )
    assert verify(request, NEW) == {
        "type": "appointment.created",
        "timestamp": "2027-01-04T12:30:15Z",
        "data": {
            "tenantId": str(TENANT_ID),
            "appointmentId": str(APPOINTMENT_ID),
            "agentId": str(AGENT_ID),
            "agentName": "Ann",
            "startTime": "2027-01-05T14:00:00Z",
            "endTime": "2027-01-05T16:00:00Z",
            "timezone": "America/Los_Angeles",
            "status": "confirmed",
            "version": 1,
            "source": "tenant_api",
            "title": "Kitchen sink",
            "description": "Leaks, but not; much",
            "location": {"address": "7 Peppercorn Way, Los Angeles"},
            "customerInfo": {
                "name": "Qwynneth Canaryfield",
                "phone": "+1 415 555 0147",
                "email": "qwynneth@canaryfield.example",
            },
            "reason": None,
        },
    }


async def test_during_a_rotation_both_secrets_sign(
    sender: Sender, endpoint: Receiver
) -> None:
    await post(sender, endpoint.url, NEW, OLD)
    assert verify(endpoint.only, OLD) == verify(endpoint.only, NEW)
    with pytest.raises(WebhookVerificationError):
        verify(endpoint.only, new_webhook_secret())


async def test_attempts_share_id_and_body_and_have_times_of_their_own(
    sender: Sender, endpoint: Receiver
) -> None:
    await post(sender, endpoint.url, late=100)
    await post(sender, endpoint.url)
    first, second = endpoint.received
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    times = [int(each.headers["webhook-timestamp"]) for each in endpoint.received]
    assert times[1] - times[0] in (99, 100, 101)
    assert verify(first, NEW) == verify(second, NEW)


@pytest.mark.parametrize(
    ("status", "verdict", "error"),
    [
        (301, Verdict.LATER, DeliveryError.REDIRECTED),
        (307, Verdict.LATER, DeliveryError.REDIRECTED),
        (400, Verdict.LATER, DeliveryError.REJECTED),
        (404, Verdict.LATER, DeliveryError.REJECTED),
        (410, Verdict.GONE, DeliveryError.GONE),
        (500, Verdict.LATER, DeliveryError.REJECTED),
    ],
)
async def test_what_follows_from_an_answer(
    sender: Sender,
    endpoint: Receiver,
    status: int,
    verdict: Verdict,
    error: DeliveryError,
) -> None:
    endpoint.status, endpoint.headers = status, {"Location": "/elsewhere"}
    assert await post(sender, endpoint.url) == Outcome(verdict, error, status)
    assert len(endpoint.received) == 1


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [("120", 120.0), ("soon", 0.0), ("-1", 0.0), ("9" * 400, 0.0), ("1e9", 0.0)],
)
async def test_a_wait_that_is_asked_for(
    sender: Sender, endpoint: Receiver, asked: str, seconds: float
) -> None:
    endpoint.status, endpoint.headers = 503, {"Retry-After": asked}
    assert (await post(sender, endpoint.url)).retry_after == seconds


async def test_a_receiver_that_hangs_or_is_away(
    sender: Sender, endpoint: Receiver
) -> None:
    away = await post(sender, f"http://127.0.0.1:{free_port()}")
    assert away == Outcome(Verdict.LATER, DeliveryError.UNREACHABLE)
    endpoint.gate.clear()
    slow = await post(sender, endpoint.url, seconds=0.2)
    assert slow == Outcome(Verdict.LATER, DeliveryError.TIMED_OUT)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0x7f.1"])
async def test_a_guarded_sender_stays_outside(
    guarded: Sender, endpoint: Receiver, host: str
) -> None:
    port = endpoint.url.rpartition(":")[2]
    outcome = await post(guarded, f"http://{host}:{port}")
    assert outcome == Outcome(Verdict.REFUSED, DeliveryError.ADDRESS_REFUSED)
    assert endpoint.received == []


async def test_a_test_event_names_nobody(sender: Sender, endpoint: Receiver) -> None:
    plain = message()
    notice = replace(plain.notice, kind=NoticeKind.TEST, snapshot=None)
    target = WebhookTarget(endpoint.url, (NEW,))
    test = replace(plain, notice=notice, webhook=target)
    await WebhookChannel(sender).send(test, now=from_datetime(utc_now()), seconds=10)
    assert verify(endpoint.only, NEW) == {
        "type": "webhook.test",
        "timestamp": "2027-01-04T12:30:15Z",
        "data": {"tenantId": str(TENANT_ID)},
    }


def test_secrets_are_new_each_time_and_stay_out_of_reprs() -> None:
    assert OLD != NEW
    assert OLD.startswith("whsec_")
    assert NEW not in repr(WebhookTarget("https://example.com", (NEW,)))
