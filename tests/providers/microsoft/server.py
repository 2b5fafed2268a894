"""The stand-in as a server: login, Graph, and what goes wrong on the way."""

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from urllib.parse import unquote

from tests.providers.microsoft.graph import Calendars, Refusal
from tests.providers.microsoft.login import Login
from tests.providers.microsoft.loopback import Answer, Ask, BreakOff, Loopback
from tests.providers.microsoft.mailbox import Mailbox
from tests.providers.microsoft.subscriptions import Refused, Subscriptions
from universal_calendar.clock import utc_now

MOST_AT_ONCE = 4
_PLACES = {
    ("GET", r"/me"): "me",
    ("GET", r"/me/mailboxSettings"): "settings",
    ("GET", r"/me/calendars"): "listed",
    ("GET", r"/me/calendars/([^/]+)/calendarView"): "view",
    ("GET", r"/me/calendars/([^/]+)/calendarView/delta"): "delta",
    ("GET", r"/me/calendars/([^/]+)/events"): "found",
    ("POST", r"/me/calendars/([^/]+)/events"): "create",
    ("GET", r"/me/calendars/([^/]+)/events/([^/]+)"): "event",
    ("PATCH", r"/me/calendars/([^/]+)/events/([^/]+)"): "change",
    ("DELETE", r"/me/calendars/([^/]+)/events/([^/]+)"): "delete",
    ("GET", r"/me/events/([^/]+)/instances"): "instances",
}
_REFUSALS = {
    "conflict": (412, "ErrorIrresolvableConflict"),
    "duplicate": (400, "ErrorDuplicateTransactionId"),
    "invalid": (400, "ErrorInvalidRequest"),
}


@dataclass(frozen=True)
class Fault:
    """What happens to the next request; `writes` spares those that only read."""

    kind: str
    value: float = 0
    writes: bool = False


class FakeMicrosoft:
    """One person's account at Microsoft, with all of its memory while it is dead."""

    def __init__(self, address: str = "ann@example.test") -> None:
        self.login, self.subscriptions = Login(), Subscriptions()
        self.mailbox = Mailbox(address, "Eastern Standard Time")
        self.calendars = Calendars(self.mailbox)
        self.faults: deque[Fault] = deque()
        self.requests: list[str] = []
        self.lock = threading.RLock()
        self._asking = 0
        self.most_asking, self.limit = 0, MOST_AT_ONCE
        self.pace = 0.0
        """Seconds that every request takes."""
        self.http = Loopback(self._answer)

    @property
    def url(self) -> str:
        return self.http.url

    def close(self) -> None:
        self.http.die()
        self.subscriptions.close()

    def _answer(self, ask: Ask) -> Answer:
        with self.lock:
            self.requests.append(f"{ask.method} {ask.path}")
            fault = self._fault(ask)
        if fault is None:
            return self._done(ask)
        return self._struck(ask, fault)

    def _fault(self, ask: Ask) -> Fault | None:
        if not self.faults:
            return None
        if self.faults[0].writes and ask.method == "GET":
            return None
        return self.faults.popleft()

    def _struck(self, ask: Ask, fault: Fault) -> Answer:
        refusal = _refusal(fault)
        if refusal is not None:
            return refusal
        match fault.kind:
            case "pass":
                return self._done(ask)
            case "late":
                answer = self._done(ask)
                ask.asker_is_gone(fault.value)
                return answer
            case "slow" if not ask.asker_is_gone(fault.value):
                return self._done(ask)
            case "lost":
                self._done(ask)
            case "hang":
                ask.asker_is_gone(None)
            case _:
                pass
        raise BreakOff

    def _done(self, ask: Ask) -> Answer:
        if ask.path.startswith("/login/"):
            with self.lock:
                step = {"authorize": self.login.authorize, "token": self.login.token}
                return step[ask.path.rpartition("/")[2]](ask)
        with self._place() as is_free:
            if not is_free:
                return Refusal(
                    429, "ApplicationThrottled", **{"retry-after": "1"}
                ).answer
            time.sleep(self.pace)
            try:
                return self._graph(ask)
            except Refusal as refusal:
                return refusal.answer

    @contextmanager
    def _place(self) -> Iterator[bool]:
        """Count who asks at once."""
        with self.lock:
            self._asking += 1
            is_free = self._asking <= self.limit
            self.most_asking = max(self.most_asking, self._asking)
        try:
            yield is_free
        finally:
            with self.lock:
                self._asking -= 1

    def _graph(self, ask: Ask) -> Answer:
        if not self.login.knows(ask):
            raise Refusal(401, "InvalidAuthenticationToken")
        path = ask.path.removeprefix("/v1.0")
        if path.startswith("/subscriptions"):
            return self._subscriptions(ask, path.removeprefix("/subscriptions"))
        for (method, pattern), name in _PLACES.items():
            found = re.fullmatch(pattern, path)
            if method == ask.method and found:
                operation: Callable[..., Answer] = getattr(self.calendars, name)
                with self.lock:
                    answer = operation(ask, *found.groups())
                self.tell()
                return answer
        raise Refusal(404, "ResourceNotFound")

    def tell(self) -> None:
        """Tell subscribers of what was changed."""
        while self.calendars.told:
            self.subscriptions.tell_of(*self.calendars.told.pop(0))

    def _subscriptions(self, ask: Ask, rest: str) -> Answer:
        known = self.subscriptions.open
        if ask.method == "POST" and not rest:
            try:
                made = self.subscriptions.add(ask.body, utc_now())
            except Refused:
                raise Refusal(400, "ValidationError") from None
            return Answer.of(201, made.shown)
        if ask.method == "GET" and not rest:
            return Answer.of(200, {"value": [each.shown for each in known.values()]})
        if ask.method == "DELETE" and unquote(rest)[1:] in known:
            del known[unquote(rest)[1:]]
            return Answer(204)
        raise Refusal(404, "ResourceNotFound")


def _refusal(fault: Fault) -> Answer | None:
    if fault.kind in _REFUSALS:
        return Refusal(*_REFUSALS[fault.kind]).answer
    if fault.kind == "failure":
        return Refusal(int(fault.value), "generalException").answer
    return _throttled(fault) if fault.kind.startswith("throttle") else None


def _throttled(fault: Fault) -> Answer:
    after = str(int(fault.value))
    if fault.kind == "throttle until":
        until: datetime = utc_now() + timedelta(seconds=fault.value)
        after = format_datetime(until, usegmt=True)
    return Refusal(429, "TooManyRequests", **{"retry-after": after}).answer
