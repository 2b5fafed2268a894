"""Webhooks out, signed by the Standard Webhooks specification."""

import secrets
from base64 import b64encode
from typing import Final

import orjson
from standardwebhooks import Webhook

from universal_calendar.core.instant import Instant, instant_text, to_datetime
from universal_calendar.notify.http_outcomes import accepted, exchange, not_accepted
from universal_calendar.outgoing.http import OutgoingRequest, OutgoingResponse, Sender
from universal_calendar.services.notices.notice_data import appointment_data
from universal_calendar.services.ports.notices import (
    DeliveryError,
    Message,
    Notice,
    Outcome,
    Verdict,
    WebhookTarget,
)

_SECRET_BYTES: Final = 32
_LONGEST_SECONDS: Final = 15.0
_GONE: Final = 410


def new_webhook_secret() -> str:
    """Make a secret of 256 random bits, as the specification writes them."""
    return f"whsec_{b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"


class WebhookChannel:
    """The port `Channel`: posts to the endpoint of a tenant."""

    def __init__(self, sender: Sender) -> None:
        """Take a guarded sender, unless the network is one's own."""
        self._sender = sender

    async def send(self, message: Message, *, now: Instant, seconds: float) -> Outcome:
        """Post within so many seconds, at most 15; anything but a 2xx is a failure."""
        if message.webhook is None:
            return Outcome(Verdict.REFUSED, DeliveryError.ENDPOINT_INACTIVE)
        request = signed_request(message, message.webhook, now)
        return await exchange(
            self._sender, request, _judge, seconds=min(seconds, _LONGEST_SECONDS)
        )


def signed_request(
    message: Message, target: WebhookTarget, now: Instant
) -> OutgoingRequest:
    """Return the request of an attempt now, with one signature for each secret."""
    message_id, moment = f"msg_{message.message_id.hex}", to_datetime(now)
    content = payload(message.notice)
    signatures = [
        Webhook(secret).sign(message_id, moment, content.decode())
        for secret in target.secrets
    ]
    headers = {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
    return OutgoingRequest("POST", target.url, headers, content)


def payload(notice: Notice) -> bytes:
    """Return the body; the same at every attempt."""
    snapshot = notice.snapshot
    test: dict[str, object] = {"tenantId": str(notice.tenant_id)}
    return orjson.dumps(
        {
            "type": notice.kind,
            "timestamp": instant_text(notice.created_at),
            "data": test if snapshot is None else appointment_data(snapshot),
        }
    )


def _judge(response: OutgoingResponse) -> Outcome:
    if 200 <= response.status < 300:
        return accepted(response)
    if response.status == _GONE:
        return not_accepted(response, Verdict.GONE, DeliveryError.GONE)
    if 300 <= response.status < 400:
        return not_accepted(response, Verdict.LATER, DeliveryError.REDIRECTED)
    return not_accepted(response, Verdict.LATER, DeliveryError.REJECTED)
