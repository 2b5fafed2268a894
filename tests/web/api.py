"""The agent API over a socket, as bare as a test needs it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

import httpx2

from tests.harness.scenes.business import Business
from universal_calendar.clock import utc_now

Headers = Mapping[str, str | bytes]

FREE_SLOTS = "/api/calendar/free-slots"
BOOKING = "/api/calendar/external-booking"
UNKNOWN_AGENT = "47addfec-f4cd-41e2-b6ec-6a5e949fe754"


def day_after(days: int) -> date:
    """Return the date in so many days, as agents in UTC count them."""
    return utc_now().date() + timedelta(days=days)


def wait_for(what: str, condition: Callable[[], bool], seconds: float = 30) -> float:
    """Poll until the condition holds; return the seconds it took."""
    started = time.monotonic()
    while not condition():
        waited = time.monotonic() - started
        assert waited < seconds, f"after {seconds} s still not: {what}"
        time.sleep(0.02)
    return time.monotonic() - started


@dataclass(frozen=True)
class Api:
    """One agent of one service, asked with one key; None sends no key."""

    http: httpx2.Client
    url: str
    api_key: str | None
    agent_id: str

    def with_key(self, api_key: str | None) -> "Api":
        """Ask with another key."""
        return replace(self, api_key=api_key)

    def with_agent(self, agent_id: object) -> "Api":
        """Ask for another agent."""
        return replace(self, agent_id=str(agent_id))

    def of(self, business: Business) -> "Api":
        """Ask this service as another business."""
        return self.with_key(business.api_key).with_agent(business.agent_id)

    def request(
        self,
        method: str,
        path: str,
        headers: Headers | None = None,
        **more: object,
    ) -> httpx2.Response:
        """Send anything, with the key in its header."""
        key = {} if self.api_key is None else {"X-API-Key": self.api_key}
        sent = {**key, **(headers or {})}
        return self.http.request(method, self.url + path, headers=sent, **more)  # type: ignore[arg-type]  # handed on as they are

    def free_slots(
        self, first: object, last: object | None = None, **query: object
    ) -> httpx2.Response:
        """Ask for the free slots of one day, or of several."""
        until = first if last is None else last
        sent = {"start_date": str(first), "end_date": str(until)} | query
        return self.request("GET", f"{FREE_SLOTS}/{self.agent_id}", params=sent)

    def starts(self, day: object, **query: object) -> list[str]:
        """Return the free starts of one day."""
        answer = self.free_slots(day, **query)
        assert answer.status_code == 200, answer.text
        days = answer.json()["available_slots"]
        return [slot["start"] for each in days for slot in each["slots"]]

    def wish(self, day: object, time: str, **fields: object) -> dict[str, object]:
        """Return the smallest booking, changed by the fields."""
        smallest = {
            "agent_id": self.agent_id,
            "participant_name": "John Doe",
            "booking_date": str(day),
            "booking_time": time,
        }
        return smallest | fields

    def book(
        self,
        day: object,
        time: str,
        headers: Headers | None = None,
        **fields: object,
    ) -> httpx2.Response:
        """Book, with the fields beside the smallest booking."""
        wish = self.wish(day, time, **fields)
        return self.request("POST", BOOKING, headers, json=wish)

    def send(
        self, content: bytes, content_type: str = "application/json"
    ) -> httpx2.Response:
        """Send bytes as the body of a booking."""
        headers = {"Content-Type": content_type}
        return self.request("POST", BOOKING, headers, content=content)
