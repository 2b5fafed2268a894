"""Text messages to customers, through the platform's gateway or Twilio."""

from base64 import b64encode
from typing import Final
from urllib.parse import quote, urlencode

import orjson

from universal_calendar.core.instant import Instant
from universal_calendar.core.phone import normalized_phone
from universal_calendar.notify.http_outcomes import accepted, exchange, not_accepted
from universal_calendar.notify.wording import sentence
from universal_calendar.outgoing.http import OutgoingRequest, OutgoingResponse, Sender
from universal_calendar.services.ports.notices import (
    AppointmentSnapshot,
    DeliveryError,
    Message,
    Outcome,
    Verdict,
)

LONGEST_TEXT: Final = 480
"""Three parts of a message with accents, about."""
# What an operator can mend, or time: wrong credentials or URL, too much at once.
_NOT_AUTHORIZED: Final = frozenset({401, 403})
_LATER: Final = frozenset({404, 408, 425, 429})


class GatewayChannel:
    """The port `Channel`: asks the platform's SMS gateway."""

    def __init__(
        self, sender: Sender, base_url: str, number: str, service_key: str | None
    ) -> None:
        """Take the gateway's URL, the number that texts come from, and the key."""
        self._sender, self._number = sender, number
        self._url = f"{base_url.rstrip('/')}/internal/sms/send"
        self._key = {} if service_key is None else {"x-service-key": service_key}

    async def send(self, message: Message, *, now: Instant, seconds: float) -> Outcome:
        """Hand the text over within so many seconds."""
        snapshot = message.notice.snapshot
        if snapshot is None or not snapshot.customer_phone:
            return Outcome(Verdict.REFUSED, DeliveryError.INVALID_RECIPIENT)
        body = {
            "to": normalized_phone(snapshot.customer_phone),
            "from": self._number,
            "body": text_of(message, snapshot),
            "tenantId": str(snapshot.tenant_id),
        }
        headers = {
            "content-type": "application/json",
            "idempotency-key": str(message.message_id),
            **self._key,
        }
        request = OutgoingRequest("POST", self._url, headers, orjson.dumps(body))
        return await exchange(self._sender, request, _judge, seconds=seconds)


class TwilioChannel:
    """The port `Channel`: asks Twilio's REST API."""

    def __init__(
        self, sender: Sender, base_url: str, account: tuple[str, str], number: str
    ) -> None:
        """Take the account's SID and token, and the number that texts come from."""
        self._sender, self._number = sender, number
        sid = quote(account[0], safe="")
        self._url = f"{base_url.rstrip('/')}/2010-04-01/Accounts/{sid}/Messages.json"
        self._authorization = f"Basic {b64encode(':'.join(account).encode()).decode()}"

    async def send(self, message: Message, *, now: Instant, seconds: float) -> Outcome:
        """Hand the text over within so many seconds."""
        snapshot = message.notice.snapshot
        if snapshot is None or not snapshot.customer_phone:
            return Outcome(Verdict.REFUSED, DeliveryError.INVALID_RECIPIENT)
        fields = {
            "To": normalized_phone(snapshot.customer_phone),
            "From": self._number,
            "Body": text_of(message, snapshot),
        }
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "authorization": self._authorization,
        }
        content = urlencode(fields).encode()
        request = OutgoingRequest("POST", self._url, headers, content)
        return await exchange(self._sender, request, _judge, seconds=seconds)


def text_of(message: Message, snapshot: AppointmentSnapshot) -> str:
    """Write one sentence: no name of the customer, nothing of the matter."""
    text = sentence(message.notice.kind, snapshot)
    return f"{text[:1].upper()}{text[1:]}"[:LONGEST_TEXT]


def _judge(response: OutgoingResponse) -> Outcome:
    status = response.status
    if 200 <= status < 300:
        return accepted(response)
    if status in _NOT_AUTHORIZED:
        return not_accepted(response, Verdict.LATER, DeliveryError.NOT_AUTHORIZED)
    if 300 <= status < 400:
        return not_accepted(response, Verdict.LATER, DeliveryError.REDIRECTED)
    is_final = 400 <= status < 500 and status not in _LATER
    verdict = Verdict.REFUSED if is_final else Verdict.LATER
    return not_accepted(response, verdict, DeliveryError.REJECTED)
