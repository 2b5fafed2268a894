"""Bookings that ask the providers first: against a real sandbox, whatever it does."""

import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from itertools import count
from typing import Any

import httpx2
import pytest

from tests.harness.crowd import Wish, ask_at_once, clients, day_after, statuses
from tests.harness.island import wait_for
from tests.harness.machines.ledger import Ledger
from tests.harness.machines.town import Serving, Shop, Town, found_town
from tests.harness.running import SERVICE_KEY
from tests.harness.scenes.business import EVERY_DAY
from universal_calendar.bootstrap.parts import open_parts
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import from_datetime

LONGEST_ANSWER = 3.0
HELD_SECONDS = 8.0
DAY = day_after(3)
Json = dict[str, Any]
_names = (f"shop-{number}" for number in count())


def at(hour: int, minute: int = 0, day: date = DAY) -> datetime:
    return datetime.combine(day, clock_time(hour, minute), UTC)


def wire(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Answer:
    """What was answered, and after how long."""

    status: int
    body: Json
    seconds: float


@dataclass
class Counter:
    """A shop whose bookings ask its calendar, and the service that takes them."""

    town: Town
    shop: Shop
    serving: Serving
    http: httpx2.Client

    def book(
        self, start: datetime, key: str | None = None, minutes: int = 60, **more: Any
    ) -> Answer:
        """Book by the agent API."""
        wish = Wish(
            self.shop.business,
            start.date(),
            start.hour * 60 + start.minute,
            minutes,
            idempotency_key=key,
        )
        return self._post(
            "/api/calendar/external-booking", wish.headers, {**wish.body, **more}
        )

    def book_as_tenant(
        self, start: datetime, key: str | None = None, **more: Any
    ) -> Answer:
        """Book by the tenant API."""
        times = {"startTime": wire(start), "endTime": wire(start + timedelta(hours=1))}
        body = {
            "tenantId": self.shop.tenant_id,
            "agentId": self.shop.business.agent_id,
            "appointmentData": {**times, "title": "Leak"},
        }
        kept = {k: v for k, v in {**body, **more}.items() if v is not None}
        keys = {"Idempotency-Key": key} if key else {}
        headers = {"X-Service-Key": SERVICE_KEY, **keys}
        return self._post("/appointments", headers, kept)

    def post(self, path: str, body: Json) -> Json:
        """Send something else to the tenant API."""
        headers = {"X-Service-Key": SERVICE_KEY}
        answer = self._post(path, headers, {"tenantId": self.shop.tenant_id, **body})
        assert answer.status == 200, answer
        return dict(answer.body["data"])

    def _post(self, path: str, headers: dict[str, str], body: Json) -> Answer:
        began = time.monotonic()
        url = self.serving.url + path
        answer = self.http.post(url, json=body, headers=headers)
        return Answer(answer.status_code, answer.json(), time.monotonic() - began)

    def owner_adds(self, start: datetime, end: datetime, **fields: Any) -> None:
        """Add an event that nobody here has read yet."""
        self.town.sandbox.owner_adds(
            self.shop.calendar,
            title="Dentist",
            start={"at": wire(start)},
            end={"at": wire(end)},
            **fields,
        )

    def rows(self, query: str) -> list[Json]:
        """Ask the database about this tenant."""
        return self.town.rows(query, self.shop.business.tenant_id)

    def holds(self) -> list[Json]:
        """Return the claims that are holds, expired or not."""
        return self.rows(
            "SELECT * FROM claims WHERE tenant_id = %s AND expires_at IS NOT NULL"
        )

    def change(self, table: str, assignment: str) -> None:
        """Change all rows of this tenant's."""
        self.rows(
            f"UPDATE {table} SET {assignment} WHERE tenant_id = %s RETURNING 1"  # noqa: S608 - the tests' own texts
        )
        self.rows(
            "UPDATE agents SET revision = revision + 1 WHERE tenant_id = %s RETURNING 1"
        )


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    with found_town() as town:
        yield town


@pytest.fixture(scope="module")
def serving(town: Town) -> Iterator[Serving]:
    with town.serving() as serving:
        yield serving


@pytest.fixture
async def counter(town: Town, serving: Serving) -> AsyncIterator[Counter]:
    """Open a shop whose calendar was read, and is asked before a booking."""
    town.sandbox.clear_faults()
    (shop,) = await town.settle(next(_names))
    with httpx2.Client(trust_env=False, timeout=30) as http:
        counter = Counter(town, shop, serving, http)
        counter.change("connections", "checks_live = true")
        counter.change("calendars", "is_read = true, read_at = now()")
        yield counter
    town.sandbox.clear_faults()
    assert town.server.embedded is not None
    Ledger.of(town.server.embedded, shop.business.tenant_id).check()


def test_what_is_free_is_booked_and_nothing_is_said(counter: Counter) -> None:
    for answer in (counter.book(at(9)), counter.book_as_tenant(at(10))):
        assert answer.status in (200, 201)
        body = answer.body.get("data", answer.body)
        assert not {"warnings", "verified"} & body.keys()
    assert counter.holds() == []


def test_an_event_that_nobody_has_read_yet_is_in_the_way(counter: Counter) -> None:
    counter.owner_adds(at(10, 30), at(11, 30))
    refused = counter.book(at(10))
    assert refused.status == 409
    assert refused.body["code"] == "slot_taken"
    offered = [each["start"] for each in refused.body["alternatives"]]
    assert offered == ["09:00", "12:00", "13:00"]
    details = counter.book_as_tenant(at(11)).body["error"]["details"]
    assert details["reason"] == "slot_taken"
    assert details["conflicts"] == [
        {
            "type": "calendar",
            "startTime": wire(at(10, 30)),
            "endTime": wire(at(11, 30)),
        }
    ]
    offered = [each["startTime"] for each in details["alternatives"]]
    assert offered == [wire(at(hour)) for hour in (12, 9, 13)]
    assert counter.holds() == []
    assert counter.rows("SELECT * FROM appointments WHERE tenant_id = %s") == []


def test_the_calendar_that_surprised_is_read_at_once(counter: Counter) -> None:
    due = "SELECT * FROM due_work WHERE tenant_id = %s AND kind = 'sync'"
    counter.rows("DELETE FROM due_work WHERE tenant_id = %s RETURNING 1")
    assert counter.book(at(9)).status == 201
    assert counter.rows(due) == []
    counter.owner_adds(at(10), at(11))
    assert counter.book(at(10)).status == 409
    (row,) = counter.rows(due)
    (calendar,) = counter.rows("SELECT * FROM calendars WHERE tenant_id = %s")
    assert row["item_id"] == calendar["calendar_id"]
    assert row["due_at"] <= utc_now()


@pytest.mark.parametrize(
    "event",
    [
        {"transparency": "transparent"},
        {"response": "declined"},
    ],
)
def test_what_takes_no_time_is_not_in_the_way(counter: Counter, event: Json) -> None:
    counter.owner_adds(at(10), at(11), **event)
    assert counter.book(at(10)).status == 201


def test_tentative_events_count_where_their_owner_says_so(counter: Counter) -> None:
    counter.owner_adds(at(10), at(11), status="tentative")
    assert counter.book(at(10)).status == 409
    counter.change("connections", "tentative_blocks = false")
    assert counter.book(at(10)).status == 201


async def test_buffers_are_asked_about_too(counter: Counter) -> None:
    rules = {**EVERY_DAY, "buffer_after_minutes": 15}
    settings = counter.town.place.settings
    async with open_parts(settings, counter.town.server) as parts:
        await parts.tenants.set_hours(counter.shop.business.agent, rules)
    counter.owner_adds(at(11, 10), at(12))
    assert counter.book(at(10)).status == 409
    assert counter.book(at(9, 55)).status == 201


async def test_our_own_event_blocks_only_theirs(counter: Counter) -> None:
    async with open_parts(counter.town.place.settings, counter.town.server) as parts:
        tenant_id, now = counter.shop.business.tenant_id, from_datetime(utc_now())
        ben = await parts.tenants.add_agent(tenant_id, "Ben", "UTC", now)
        await parts.tenants.set_hours(ben, EVERY_DAY)
    assert counter.book_as_tenant(at(10)).body["data"]["syncStatus"] == "synced"
    assert len(counter.town.sandbox.events(counter.shop.calendar)) == 1
    booked = counter.book_as_tenant(at(10), agentId=str(ben.agent_id))
    assert booked.status == 200


@pytest.mark.parametrize("kind", ["hang", "failure", "throttle"])
def test_who_does_not_answer_is_decided_by_the_mirror(
    counter: Counter, kind: str
) -> None:
    counter.owner_adds(at(10), at(11))
    counter.town.sandbox.fault(kind)
    for answer in (counter.book(at(9)), counter.book_as_tenant(at(10))):
        assert answer.status in (200, 201), answer
        assert answer.seconds < LONGEST_ANSWER + 0.2, answer
        body = answer.body.get("data", answer.body)
        assert body["verified"] is False
        (warning,) = body["warnings"]
        text = warning if isinstance(warning, str) else warning["message"]
        assert text.startswith("The fake calendar did not answer in time; busy times")
    assert counter.holds() == []


def test_a_provider_that_is_left_alone_is_not_waited_for(counter: Counter) -> None:
    counter.town.sandbox.fault("hang")
    counter.change(
        "connections",
        "next_try_at = now() + interval '1 hour', failing_since = now()",
    )
    answer = counter.book(at(9))
    assert answer.status == 201
    assert answer.seconds < 1
    assert answer.body["verified"] is False
    assert "has not answered since" in answer.body["warnings"][0]


def test_unknown_calendars_that_close_refuse_without_asking(counter: Counter) -> None:
    counter.town.sandbox.fault("hang")
    counter.change("connections", "is_closed_when_silent = true")
    counter.change("calendars", "read_at = NULL")
    answer = counter.book(at(9))
    assert answer.status == 409
    assert answer.seconds < 1
    assert "nothing can be booked" in answer.body["warnings"][0]


def test_nobody_is_asked_where_no_owner_wants_it(counter: Counter) -> None:
    counter.change("connections", "checks_live = false")
    counter.owner_adds(at(10), at(11))
    counter.town.sandbox.fault("hang")
    answer = counter.book(at(10))
    assert answer.status == 201
    assert answer.seconds < 1
    assert "verified" not in answer.body


async def test_64_at_once_have_one_winner(counter: Counter) -> None:
    wishes = [
        Wish(counter.shop.business, DAY, 9 * 60, idempotency_key=f"{who}")
        for who in range(64)
    ]
    async with clients() as crowd:
        replies = await ask_at_once(crowd, [counter.serving.url], wishes)
    assert statuses(replies) == {201: 1, 409: 63}
    assert counter.holds() == []


async def test_retries_under_one_key_get_one_answer(counter: Counter) -> None:
    counter.town.sandbox.fault("latency", seconds=0.2, operations=["listEvents"])
    wish = Wish(counter.shop.business, DAY, 9 * 60, idempotency_key="same")
    async with clients() as crowd:
        replies = await ask_at_once(crowd, [counter.serving.url], [wish] * 16)
    assert statuses(replies) == {201: 16}
    assert len({str(reply.body) for reply in replies}) == 1
    assert len(counter.rows("SELECT * FROM appointments WHERE tenant_id = %s")) == 1
    assert counter.holds() == []


def test_retries_of_one_reference_get_one_booking(counter: Counter) -> None:
    counter.town.sandbox.fault("latency", seconds=0.2, operations=["listEvents"])
    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(
                lambda _: counter.book(at(9), external_reference_id="order-7"),
                range(4),
            )
        )
    assert {each.status for each in answers} == {201}
    assert len({each.body["booking_id"] for each in answers}) == 1


def test_an_own_hold_is_checked_alike(counter: Counter) -> None:
    def hold(hour: int) -> str:
        times = {"startTime": wire(at(hour)), "endTime": wire(at(hour + 1))}
        return str(counter.post("/holds", times)["holdId"])

    free, taken = hold(9), hold(10)
    counter.owner_adds(at(10), at(11))
    assert counter.book_as_tenant(at(10), holdId=taken).status == 409
    assert [str(each["claim_id"]) for each in counter.holds()] == sorted([free, taken])
    assert counter.book_as_tenant(at(9), holdId=free).status == 200
    assert [str(each["claim_id"]) for each in counter.holds()] == [taken]


async def test_whoever_is_really_free_is_chosen(counter: Counter) -> None:
    """The first choice has an event that nobody has read; the second has none."""
    async with open_parts(counter.town.place.settings, counter.town.server) as parts:
        tenant_id, now = counter.shop.business.tenant_id, from_datetime(utc_now())
        ben = await parts.tenants.add_agent(tenant_id, "Ben", "UTC", now)
        await parts.tenants.set_hours(ben, EVERY_DAY)
    ann = counter.shop.business.agent_id
    counter.change("connections", f"agent_id = '{ann}'")
    counter.owner_adds(at(10), at(11))
    booked = counter.book_as_tenant(at(10), agentId=None)
    assert booked.body["data"]["agentId"] == str(ben.agent_id)
    refused = counter.book_as_tenant(at(10), agentId=None)
    offered = refused.body["error"]["details"]["alternatives"]
    assert wire(at(10)) not in {each["startTime"] for each in offered}
    assert counter.holds() == []


def test_killed_while_it_asks(counter: Counter) -> None:
    """The hold gives way by itself, and to a retry of the same request at once."""
    counter.town.sandbox.fault("hang", operations=["listEvents"])

    def doomed(start: datetime, key: str) -> None:
        with ThreadPoolExecutor(1) as pool:
            dying = pool.submit(counter.book, start, key)
            wait_for("the time is held", lambda: bool(counter.holds()))
            counter.serving.crash()
            with pytest.raises(httpx2.TransportError):
                dying.result()

    doomed(at(9), "first")
    (held,) = counter.holds()
    left = held["expires_at"] - utc_now()
    assert left <= timedelta(seconds=HELD_SECONDS)
    counter.town.sandbox.clear_faults()
    assert counter.book(at(9), "another").status == 409
    assert counter.book(at(9), "first").status == 201
    counter.town.sandbox.fault("hang", operations=["listEvents"])
    doomed(at(12), "second")
    counter.town.sandbox.clear_faults()
    wait_for("the time is free again", lambda: counter.book(at(12)).status == 201, 15)
    assert counter.holds() == []
