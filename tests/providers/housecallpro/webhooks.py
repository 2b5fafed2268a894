"""Webhooks as Housecall Pro signs and sends them."""

import hashlib
import hmac
import json
import queue
import threading

import requests

from tests.providers.housecallpro.contract import Json
from tests.providers.housecallpro.shown import text_of
from universal_calendar.clock import utc_now
from universal_calendar.services.ports.calendars import PushDelivery


def signed(
    secret: str, content: bytes, *, timestamp: str | None = None
) -> dict[str, str]:
    """Return the headers that prove a delivery."""
    stamp = timestamp or str(int(utc_now().timestamp()))
    text = stamp.encode() + b"." + content
    signature = hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
    return {
        "content-type": "application/json",
        "api-timestamp": stamp,
        "api-signature": signature,
    }


class Webhooks:
    """Tells one URL of everything, in order, from a thread of its own."""

    def __init__(self, company_id: str, secret: str) -> None:
        self.company_id, self.secret = company_id, secret
        self.url: str | None = None
        self.statuses: list[int | str] = []
        """What each delivery was answered."""
        self.deliveries: list[PushDelivery] = []
        """All that was told, whether a URL was there or not."""
        self._waiting: queue.Queue[PushDelivery | None] = queue.Queue()
        self._thread = threading.Thread(target=self._deliver, daemon=True)
        self._thread.start()

    def tell(self, event: str, what: Json) -> None:
        """Tell of an event; `what` has the thing under its own name."""
        body = {
            "event": event,
            "event_occurred_at": text_of(utc_now()),
            "company_id": self.company_id,
            **what,
        }
        content = json.dumps(body).encode()
        self.send(PushDelivery(signed(self.secret, content), content))

    def send(self, delivery: PushDelivery) -> None:
        """Send a delivery, whatever it is; again is a duplicate."""
        self.deliveries.append(delivery)
        if self.url is not None:
            self._waiting.put(delivery)

    def settle(self) -> None:
        """Wait until all that was told is answered."""
        self._waiting.join()

    def close(self) -> None:
        self._waiting.put(None)
        self._thread.join()

    def _deliver(self) -> None:
        while (delivery := self._waiting.get()) is not None:
            try:
                self.statuses.append(self._answered(delivery))
            finally:
                self._waiting.task_done()
        self._waiting.task_done()

    def _answered(self, delivery: PushDelivery) -> int | str:
        assert self.url is not None
        headers = dict(delivery.headers)
        try:
            with requests.Session() as session:
                session.trust_env = False
                answer = session.post(
                    self.url, delivery.content, headers=headers, timeout=10
                )
        except requests.RequestException as error:
            return type(error).__name__
        return answer.status_code
