"""A Housecall Pro that remembers: its API over HTTP, its owner's hand, its webhooks.

Requests and answers are held against the contract beside us; `violations` has what does
not fit, and whoever runs the server wants it empty.

    with running_housecallpro() as house:
        platforms = {"housecallpro": house.config}
        mike = house.owner.hires("Mike Johnson")
        job_id = house.owner.adds_job(interval, mike)
"""

import json
import re
import secrets
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from email.utils import format_datetime

from tests.providers.housecallpro.contract import (
    Json,
    Operation,
    Violation,
    read_contract,
)
from tests.providers.housecallpro.operations import Operations, Refusal
from tests.providers.housecallpro.owner import Owner
from tests.providers.housecallpro.state import Company
from tests.providers.housecallpro.webhooks import Webhooks
from tests.providers.microsoft.loopback import Answer, Ask, BreakOff, Loopback
from universal_calendar.clock import utc_now
from universal_calendar.providers.provider import PlatformConfig

APPLICATION, COMPANY, OAUTH = "ApplicationApiKey", "CompanyApiKey", "UserOAuth"


@dataclass(frozen=True)
class Fault:
    """What happens to the next request that `only`, a pattern of `GET /jobs`, fits."""

    kind: str
    value: float | None = 0
    only: str = ""

    def fits(self, ask: Ask) -> bool:
        return re.match(self.only, f"{ask.method} {ask.path}") is not None


class FakeHousecallPro:
    """One company's account, with all of its memory while it is dead."""

    def __init__(self) -> None:
        self.company = Company()
        self.webhook_secret = secrets.token_hex(16)
        self.webhooks = Webhooks(self.company.id, self.webhook_secret)
        self.owner = Owner(self.company, self._tell)
        self.keys = {secrets.token_hex(20): each for each in (APPLICATION, COMPANY)}
        self.tokens = {secrets.token_hex(20): OAUTH}
        self.bend: Callable[[Json], object] | None = None
        """What is told in place of an answer that keeps the contract."""
        self.refusal_status = 403
        """What a key is answered that may do other things, but not this."""
        self.faults: deque[Fault] = deque()
        self.requests: list[str] = []
        self.violations: list[str] = []
        self.lock = threading.RLock()
        self._operations = Operations(self.company, self._tell)
        self._contract = read_contract()
        self.http = Loopback(self._answer)

    # What a connection needs

    @property
    def url(self) -> str:
        return self.http.url

    @property
    def company_id(self) -> str:
        return self.company.id

    @property
    def api_key(self) -> str:
        """Return a key that may do everything but touch appointments."""
        return self._key(APPLICATION)

    @property
    def company_key(self) -> str:
        """Return a key that may touch appointments, but no schedule and no dispatch."""
        return self._key(COMPANY)

    @property
    def access_token(self) -> str:
        """Return a token of OAuth, which may do everything."""
        return next(iter(self.tokens))

    @property
    def config(self) -> PlatformConfig:
        """Return it as our service's settings have it."""
        return PlatformConfig(self.url, 100, self.webhook_secret)

    @property
    def environment(self) -> dict[str, str]:
        """Return the settings of a service process that is to find it."""
        return {
            "HOUSECALLPRO_API_BASE_URL": self.url,
            "HOUSECALLPRO_WEBHOOK_SECRET": self.webhook_secret,
        }

    # What goes wrong

    def strikes(self, *faults: Fault) -> None:
        """Let these happen, each to the next request that it fits."""
        with self.lock:
            self.faults.extend(faults)

    def loses_answers(self, times: int = 1, only: str = "(?!GET)") -> None:
        """Do what the next requests ask, and break off instead of answering."""
        self.strikes(*[Fault("lost", only=only)] * times)

    def breaks_off(self, only: str = "") -> None:
        """Break the next request's connection, having done nothing."""
        self.strikes(Fault("break", only=only))

    def has_pages_of(self, most: int) -> None:
        """Tell of so many entries a page at most, whatever is asked."""
        self._operations.largest_page = most

    def is_slow(self, seconds: float) -> None:
        """Answer the next request so late."""
        self.strikes(Fault("slow", seconds))

    def hangs(self) -> None:
        """Never answer the next request."""
        self.strikes(Fault("hang"))

    def fails(self, status: int = 500, only: str = "") -> None:
        """Answer the next request with this status."""
        self.strikes(Fault("failure", status, only))

    def throttles(
        self, seconds: float | None, *, as_date: bool = False, only: str = ""
    ) -> None:
        """Ask the next request to come back later; None does not say when."""
        kind = "throttle until" if as_date else "throttle"
        self.strikes(Fault(kind, seconds, only))

    def revokes(self) -> None:
        """Accept none of the keys and tokens any more."""
        self.keys.clear()
        self.tokens.clear()

    def dies(self) -> None:
        """Break every connection and listen no more."""
        self.http.die()

    def rises(self) -> None:
        """Listen again where it did."""
        self.http.rise()

    def counted(self) -> Counter[str]:
        """Return how often each was asked, ids left out: `POST /jobs/*/notes`."""
        ids = re.compile(r"/[a-z]+_[0-9a-f]{32}")
        return Counter(ids.sub("/*", each) for each in self.requests)

    def close(self) -> None:
        self.http.die()
        self.webhooks.close()

    def _key(self, scheme: str) -> str:
        return next(key for key, kind in self.keys.items() if kind == scheme)

    def _tell(self, event: str, what: Json) -> None:
        self.webhooks.tell(event, what)

    def _answer(self, ask: Ask) -> Answer:
        with self.lock:
            self.requests.append(f"{ask.method} {ask.path}")
            found = next((each for each in self.faults if each.fits(ask)), None)
            if found is not None:
                self.faults.remove(found)
        return self._done(ask) if found is None else self._struck(ask, found)

    def _struck(self, ask: Ask, fault: Fault) -> Answer:
        match fault.kind:
            case "failure":
                return Refusal(int(fault.value or 500), "It failed").answer
            case "throttle" | "throttle until":
                return _throttled(fault)
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
        with self.lock:
            try:
                operation = self._contract.check_request(ask)
                answer = self._allowed(ask, operation)
                self._contract.check_answer(ask, answer)
            except Violation as violation:
                self.violations.append(str(violation))
                return Refusal(500, "It is not as the contract has it").answer
            return answer if self.bend is None else _bent(answer, self.bend)

    def _allowed(self, ask: Ask, operation: Operation) -> Answer:
        try:
            self._check_key(ask, operation)
            return self._operations.answer(operation.name, ask, operation.template)
        except Refusal as refusal:
            return refusal.answer

    def _check_key(self, ask: Ask, operation: Operation) -> None:
        kind, _, secret = ask.headers.get("authorization", "").partition(" ")
        known = {"Token": self.keys, "Bearer": self.tokens}.get(kind, {})
        scheme = known.get(secret)
        if scheme is None:
            raise Refusal(401, "Unauthorized")
        if scheme not in operation.schemes:
            raise Refusal(self.refusal_status, "Not allowed")


def _bent(answer: Answer, bend: Callable[[Json], object]) -> Answer:
    if not answer.content:
        return answer
    told = bend(json.loads(answer.content))
    return Answer(answer.status, dict(answer.headers), json.dumps(told).encode())


def _throttled(fault: Fault) -> Answer:
    headers = {}
    if fault.kind == "throttle until":
        until = utc_now() + timedelta(seconds=fault.value or 0)
        headers["retry-after"] = format_datetime(until, usegmt=True)
    elif fault.value is not None:
        headers["retry-after"] = str(int(fault.value))
    return Refusal(429, "Too many requests", **headers).answer


@contextmanager
def running_housecallpro() -> Iterator[FakeHousecallPro]:
    """Run a Housecall Pro for a block; nothing that breaks its contract passes."""
    house = FakeHousecallPro()
    try:
        yield house
    finally:
        house.close()
    assert house.violations == [], "\n".join(house.violations)
    assert house.http.errors == [], "\n".join(house.http.errors)
