"""A platform that fails for long, in every way: nothing is lost, nothing done twice."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from tests.providers.google.wire import Answer, Trouble
from tests.providers.housecallpro.server import Fault
from tests.web.api import wait_for
from tests.web.tenant_api.jobs.conftest import JOHN, Office
from tests.web.tenant_api.jobs.crew import appointment, interval
from tests.web.tenant_api.jobs.platforms import HousecallProHand, JobberHand
from tests.web.tenant_api.wishes import data, problem
from universal_calendar.core.interval import Interval

Json = dict[str, Any]
MANY = 300
FAILURE, SILENCE = "500", "silence"


@pytest.fixture
def connected(office: Office) -> Office:
    office.connect()
    office.sync()
    return office


@contextmanager
def failing(office: Office, how: str) -> Iterator[None]:
    """Have every request fail, or never be answered, for a block."""
    hand = office.hand
    if isinstance(hand, HousecallProHand):
        fault = Fault("failure", 500) if how == FAILURE else Fault("hang")
        hand.house.strikes(*[fault] * MANY)
    elif isinstance(hand, JobberHand):
        failed = Trouble(answer=Answer(500, {}))
        hung = Trouble(600, is_done=False, is_answered=False)
        trouble = failed if how == FAILURE else hung
        troubles = hand.server.jobber.wire.troubles
        hand.server.do(partial(troubles.extend, [trouble] * MANY))
    try:
        yield
    finally:
        healed(office)


def healed(office: Office) -> None:
    hand = office.hand
    if isinstance(hand, HousecallProHand):
        with hand.house.lock:
            hand.house.faults.clear()
    elif isinstance(hand, JobberHand):
        hand.server.do(hand.server.jobber.wire.troubles.clear)


def warned(office: Office) -> bool:
    answer = office.agents.free_slots(office.at(0)[:10])
    assert answer.status_code == 200
    return bool(answer.json().get("warnings"))


def settled(office: Office, *made: Json) -> bool:
    """Tell whether the platform has what was booked, moved and cancelled."""
    found = [appointment(office, each["appointmentId"])["syncStatus"] for each in made]
    return set(found) == {"synced"}


def there(office: Office) -> list[Interval]:
    """Return what is on the platform's schedule on the test's day."""
    day = interval(office, 0, 23)
    jobs = office.hand.schedule()
    return sorted(at for job in jobs for at in job.times if at.overlaps(day))


def test_what_was_done_meanwhile_is_written_once(connected: Office) -> None:
    office = connected
    moved, gone = (office.create(hour, hour + 1) for hour in (9, 11))
    with failing(office, FAILURE):
        late = office.create(13, 14)
        assert (late["created"], late["syncStatus"]) == (False, "pending")
        body: Json = {"jobData": {"startTime": office.at(10)}}
        answer = office.desk.put(f"{office.jobs}/{moved['jobId']}", body)
        assert data(answer)["syncStatus"] == "pending"
        wait_for("a warning", lambda: warned(office))
    with failing(office, SILENCE):
        began = time.monotonic()
        body = {"tenantId": office.desk.tenant_id, "reason": "No water"}
        path = f"{office.jobs}/{gone['jobId']}"
        assert data(office.desk.ask("DELETE", path, json=body))["cancelled"]
        assert time.monotonic() - began < 3.5
    wait_for("all of it", lambda: settled(office, moved, gone, late), 60)
    wait_for("no warning", lambda: not warned(office))
    assert there(office) == [interval(office, 10, 11), interval(office, 13, 14)]


def test_who_must_be_asked_is_said_not_to_answer(connected: Office) -> None:
    """And whatever need not be asked is answered as ever."""
    office = connected
    with failing(office, FAILURE):
        body: Json = {"customerData": {"phone": "+12125550000"}}
        customer = office.desk.post(f"{office.integrations}/sync/customers", body)
        again = office.desk.post(f"{office.integrations}/connect", office.hand.keys)
        assert office.listed() == []
    for answer in (customer, again):
        problem(answer, 502, "EXTERNAL_SERVICE_ERROR")


@pytest.mark.parametrize("hand", ["jobber"], indirect=True)
def test_the_answer_to_any_step_is_lost(connected: Office) -> None:
    office, hand = connected, connected.hand
    assert isinstance(hand, JobberHand)
    made = []
    for hour, (step, customer) in enumerate(
        {
            "clientCreate": {"phone": "+14155550001"},
            "propertyCreate": {"phone": "+14155550001", "address": "9 Oak St"},
            "jobCreate": {"phone": "+14155550002"},
            "visitCreate": {"phone": "+14155550003"},
        }.items(),
        start=9,
    ):
        hand.server.do(partial(hand.server.jobber.lost.append, step))
        wish = {"customer": JOHN | {"email": None} | customer}
        made.append(office.create(hour, hour + 1, data=wish))
        wait_for("the job", partial(settled, office, made[-1]))
        assert hand.server.jobber.lost == []
    clients, jobs = hand.owner.clients, hand.owner.jobs
    assert [len(each.properties) for each in clients] == [2, 1, 1]
    assert [len(each.visits) for each in jobs] == [1, 1, 1, 1]
    assert there(office) == [interval(office, hour, hour + 1) for hour in range(9, 13)]
