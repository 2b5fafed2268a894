"""Subscriptions: the handshake before, and notifications after."""

import queue
import secrets
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import requests

from tests.providers.microsoft.loopback import Json

_SECONDS = 10
_LONGEST = timedelta(minutes=4230)


@dataclass
class Subscription:
    subscription_id: str
    wanted: Json

    @property
    def shown(self) -> Json:
        """What Graph tells of it: never the secret."""
        told = {name: it for name, it in self.wanted.items() if name != "clientState"}
        return {"id": self.subscription_id, **told, "applicationId": None}

    def item(self, **told: object) -> Json:
        return {
            "subscriptionId": self.subscription_id,
            "subscriptionExpirationDateTime": self.wanted["expirationDateTime"],
            "clientState": self.wanted["clientState"],
            "tenantId": "84bd8158-6d4d-4958-8b9f-9d6445542f95",
            **told,
        }


class Refused(Exception):
    """The subscription cannot be made."""


class Subscriptions:
    """Those of one mailbox, and a thread that tells their owners."""

    def __init__(self) -> None:
        self.open: dict[str, Subscription] = {}
        self._told: queue.Queue[tuple[str, Json] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._tell)
        self._thread.start()

    def close(self) -> None:
        self._told.put(None)
        self._thread.join()

    def add(self, wanted: Json, now: datetime) -> Subscription:
        """Make one, once its owner has answered; raise Refused."""
        ends = datetime.fromisoformat(wanted["expirationDateTime"])
        if not now < ends <= now + _LONGEST:
            raise Refused("Subscription expiration can only be 4230 minutes")
        for name in ("notificationUrl", "lifecycleNotificationUrl"):
            self._shake_hands(wanted[name])
        made = Subscription(secrets.token_hex(16), wanted)
        self.open[made.subscription_id] = made
        return made

    def _shake_hands(self, url: str) -> None:
        token = f"Validation: Testing client; ü {secrets.token_hex(4)}"
        answer = requests.post(
            url, params={"validationToken": token}, data=b"", timeout=_SECONDS
        )
        kind = answer.headers.get("content-type", "")
        answer.encoding = "utf-8"
        if answer.status_code != 200 or not kind.startswith("text/plain"):
            raise Refused("Subscription validation request failed")
        if answer.text != token:
            raise Refused("Subscription validation response is another")

    def tell_of(self, calendar_id: str, change: str, event_id: str) -> None:
        for each in list(self.open.values()):
            if each.wanted["resource"] == f"/me/calendars/{calendar_id}/events":
                self._put(each, each.item(changeType=change, resource=event_id))

    def tell_lifecycle(self, event: str) -> None:
        for each in list(self.open.values()):
            self._put(each, each.item(lifecycleEvent=event), "lifecycleNotificationUrl")

    def _put(self, to: Subscription, item: Json, url: str = "notificationUrl") -> None:
        self._told.put((to.wanted[url], {"value": [item]}))

    def _tell(self) -> None:
        while (told := self._told.get()) is not None:
            for _ in range(5):
                if _delivered(*told):
                    break


def _delivered(url: str, body: dict[str, Any]) -> bool:
    with suppress(requests.RequestException):
        return requests.post(url, json=body, timeout=_SECONDS).ok
    return False
