"""Webhooks of the fake Jobber: ids only, signed with the app's secret."""

import asyncio
import hmac
import json
from base64 import b64encode
from dataclasses import dataclass, field
from hashlib import sha256

import httpx2

from universal_calendar.clock import utc_now
from universal_calendar.services.ports.calendars import PushDelivery


def signature(content: bytes, secret: str) -> str:
    """Return what goes into X-Jobber-Hmac-SHA256."""
    return b64encode(hmac.digest(secret.encode(), content, sha256)).decode()


def body_of(
    topic: str, account: str, item: str, *, moment: str | None = None, old: bool = False
) -> bytes:
    """Return a delivery; `old` spells its moment as Jobber does to old apps."""
    event = {
        "topic": topic,
        "appId": "3ef22a50-072d-430c-a78f-b7646657560b",
        "accountId": account,
        "itemId": item,
        "occuredAt" if old else "occurredAt": moment or utc_now().isoformat(),
    }
    return json.dumps({"data": {"webHookEvent": event}}).encode()


@dataclass
class Hooks:
    """Delivers to `url`, `times` each; nothing while it is empty, but `deliveries`."""

    secret: str
    url: str = ""
    deliveries: list[PushDelivery] = field(default_factory=list)
    times: int = 1
    answers: list[int] = field(default_factory=list)
    """The status of each delivery."""
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)

    def tell(self, topic: str, account: str, item: str) -> None:
        """Deliver, some time soon; to be called in the server's loop."""
        delivery = self.signed(body_of(topic, account, item))
        self.deliveries.append(delivery)
        for _ in range(self.times if self.url else 0):
            task = asyncio.create_task(self._deliver(self.url, delivery))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    def signed(self, content: bytes) -> PushDelivery:
        """Return a delivery of this content, as Jobber signs it."""
        headers = {
            "content-type": "application/json",
            "x-jobber-hmac-sha256": signature(content, self.secret),
        }
        return PushDelivery(headers, content)

    async def _deliver(self, url: str, delivery: PushDelivery) -> None:
        try:
            async with httpx2.AsyncClient(trust_env=False, timeout=10) as client:
                answer = await client.post(
                    url, content=delivery.content, headers=dict(delivery.headers)
                )
        except httpx2.HTTPError:
            return  # nobody listens any more
        self.answers.append(answer.status_code)

    async def close(self) -> None:
        """Wait for what is under way."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=10)
