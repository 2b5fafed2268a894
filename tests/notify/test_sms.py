"""Text messages, handed to real servers that stand in for the gateways."""

from base64 import b64encode
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.harness.foreign_server import free_port
from tests.notify.building import CHANGED_AT, MESSAGE_ID, TENANT_ID, message
from tests.notify.receiver import Receiver
from universal_calendar.notify.sms import LONGEST_TEXT, GatewayChannel, TwilioChannel
from universal_calendar.outgoing.http import Sender
from universal_calendar.services.ports.notices import (
    Channel,
    DeliveryError,
    NoticeKind,
    Outcome,
    Verdict,
)

NUMBER = "+12125550100"
ACCOUNT = ("AC123", "token-canary")
TEXT = (
    "Your appointment with Acme Plumbing is booked for Tuesday, 5 January 2027, 06:00"
    " (America/Los_Angeles)."
)


def gateway(sender: Sender, url: str) -> GatewayChannel:
    return GatewayChannel(sender, url, NUMBER, "service-canary")


def twilio(sender: Sender, url: str) -> TwilioChannel:
    return TwilioChannel(sender, url, ACCOUNT, NUMBER)


both = pytest.mark.parametrize("make", [gateway, twilio])


async def send(channel: Channel, seconds: float = 10, **fields: Any) -> Outcome:
    text = message(NoticeKind.CREATED, **fields)
    return await channel.send(text, now=CHANGED_AT, seconds=seconds)


async def test_the_gateway_gets_its_json(sender: Sender, endpoint: Receiver) -> None:
    outcome = await send(gateway(sender, endpoint.url + "/"))
    assert outcome == Outcome(Verdict.ACCEPTED, status=200)
    request = endpoint.only
    assert request.path == "/internal/sms/send"
    assert request.json == {
        "to": "+14155550147",
        "from": NUMBER,
        "body": TEXT,
        "tenantId": str(TENANT_ID),
    }
    assert request.headers["x-service-key"] == "service-canary"
    assert request.headers["idempotency-key"] == str(MESSAGE_ID)
    assert request.headers["content-type"] == "application/json"


async def test_twilio_gets_its_form(sender: Sender, endpoint: Receiver) -> None:
    endpoint.status = 201
    outcome = await send(twilio(sender, endpoint.url))
    assert outcome == Outcome(Verdict.ACCEPTED, status=201)
    request = endpoint.only
    assert request.path == "/2010-04-01/Accounts/AC123/Messages.json"
    fields = parse_qs(request.body.decode(), strict_parsing=True)
    assert fields == {"To": ["+14155550147"], "From": [NUMBER], "Body": [TEXT]}
    login = b64encode(":".join(ACCOUNT).encode()).decode()
    assert request.headers["authorization"] == f"Basic {login}"


@both
@pytest.mark.parametrize(
    ("status", "verdict", "error"),
    [
        (400, Verdict.REFUSED, DeliveryError.REJECTED),
        (422, Verdict.REFUSED, DeliveryError.REJECTED),
        (401, Verdict.LATER, DeliveryError.NOT_AUTHORIZED),
        (403, Verdict.LATER, DeliveryError.NOT_AUTHORIZED),
        (404, Verdict.LATER, DeliveryError.REJECTED),
        (429, Verdict.LATER, DeliveryError.REJECTED),
        (500, Verdict.LATER, DeliveryError.REJECTED),
        (302, Verdict.LATER, DeliveryError.REDIRECTED),
    ],
)
async def test_what_follows_from_an_answer(
    sender: Sender,
    endpoint: Receiver,
    make: Any,
    status: int,
    verdict: Verdict,
    error: DeliveryError,
) -> None:
    endpoint.status, endpoint.headers = status, {"Location": "/elsewhere"}
    outcome = await send(make(sender, endpoint.url))
    assert outcome == Outcome(verdict, error, status)
    assert len(endpoint.received) == 1


@both
async def test_a_gateway_that_hangs_or_is_away(
    sender: Sender, endpoint: Receiver, make: Any
) -> None:
    away = await send(make(sender, f"http://127.0.0.1:{free_port()}"))
    assert away == Outcome(Verdict.LATER, DeliveryError.UNREACHABLE)
    endpoint.gate.clear()
    slow = await send(make(sender, endpoint.url), seconds=0.2)
    assert slow == Outcome(Verdict.LATER, DeliveryError.TIMED_OUT)


async def test_a_text_has_an_end(sender: Sender, endpoint: Receiver) -> None:
    await send(gateway(sender, endpoint.url), tenant_name="A" * 1000)
    assert len(endpoint.only.json["body"]) == LONGEST_TEXT
