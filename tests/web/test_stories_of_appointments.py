"""What owners do to appointments' events, and what outages do in between."""

import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pytest

from tests.harness.outside.owners import Owner
from tests.harness.running import RunningService
from tests.harness.scenes.story_fixtures import (
    Accounts,
    given_accounts,
    given_connected,
    given_place,
    given_service,
)
from tests.harness.scenes.whole_story import OTHER_DAY, SECONDS, Office, Place, hour_at
from tests.web.api import day_after, wait_for
from tests.web.tenant_api.wishes import data
from universal_calendar.core.instant import instant_text
from universal_calendar.core.interval import Interval

__all__ = ["given_accounts", "given_connected", "given_place", "given_service"]

NINE, TEN, TWELVE = (hour_at(hour, OTHER_DAY) for hour in (9, 10, 12))
LONGEST_DISCONNECTION = 12.0


@pytest.fixture(name="office")
async def office_at_google(
    request: pytest.FixtureRequest,
    place: Place,
    service: RunningService,
    accounts: Accounts,
) -> AsyncIterator[Office]:
    """Open a business: what follows from what was read is no provider's affair."""
    owner = accounts(f"{request.node.name}@example.com")
    office = await place.open_office(service.url, owner)
    yield office
    office.disconnects()


def written(office: Office, *intervals: Interval) -> list[tuple[str, str]]:
    """Book hours; return appointments and their events, long after these are there."""
    found = just_written(office, *intervals)
    office.lets_what_is_written_count()
    return found


def just_written(office: Office, *intervals: Interval) -> list[tuple[str, str]]:
    """Book hours; return appointments and their events, once these are there."""
    booked = [str(office.booked(each)["appointmentId"]) for each in intervals]
    events = [office.waits_until_written(each) for each in intervals]
    return list(zip(booked, events, strict=True))


def starts(office: Office, appointment_id: str) -> str:
    return str(office.appointment(appointment_id)["startTime"])


def test_a_move_that_cannot_be_had_and_is_taken_back(connected: Office) -> None:
    """Onto the owner's own event no appointment goes, whoever moved it there."""
    owner = connected.owner
    owner.adds(TWELVE)
    ((booked, event_id),) = written(connected, NINE)
    connected.hears()
    connected.waits_until_busy(TWELVE)
    owner.moves(event_id, TWELVE)
    connected.hears()
    connected.waits_until(booked, syncStatus="failed")
    assert starts(connected, booked) == instant_text(NINE.start)
    connected.waits_until_busy(NINE)
    owner.moves(event_id, NINE)
    connected.hears()
    connected.waits_until(booked, syncStatus="synced")


def test_the_last_of_several_moves_counts(connected: Office) -> None:
    """Moved as soon as it is there, it is believed once it can be no old news."""
    ((booked, event_id), (_, back)) = just_written(connected, NINE, TEN)
    for interval in (hour_at(13, OTHER_DAY), hour_at(14, OTHER_DAY), TWELVE):
        connected.owner.moves(event_id, interval)
    for interval in (hour_at(15, OTHER_DAY), TEN):
        connected.owner.moves(back, interval)
    connected.hears()
    connected.waits_until(booked, startTime=instant_text(TWELVE.start))
    connected.waits_until_free(NINE, hour_at(13, OTHER_DAY), hour_at(14, OTHER_DAY))
    connected.waits_until_busy(TEN, TWELVE)


def test_a_move_that_makes_room_for_another(connected: Office) -> None:
    (one, first), (two, second) = written(connected, NINE, TEN)
    connected.owner.moves(second, NINE)
    connected.owner.moves(first, TWELVE)
    connected.hears()
    connected.waits_until(one, startTime=instant_text(TWELVE.start))
    connected.waits_until(two, startTime=instant_text(NINE.start))
    connected.waits_until_free(TEN)


def test_what_was_booked_here_holds(connected: Office) -> None:
    """Moved on both sides while nobody could tell: the local change wins."""
    ((booked, event_id),) = written(connected, NINE)
    connected.owner.dies()
    body = {"appointmentData": {"startTime": instant_text(TWELVE.start)}}
    data(connected.desk.put(f"/appointments/{booked}", body))
    connected.owner.rises()
    connected.owner.moves(event_id, TEN)
    connected.hears()
    connected.waits_until(booked, syncStatus="synced")
    connected.waits_until_written(TWELVE)
    assert starts(connected, booked) == instant_text(TWELVE.start)
    connected.waits_until_free(NINE, TEN)


def test_an_emptied_calendar_is_not_believed_until_somebody_says_so(
    connected: Office,
) -> None:
    hours = [hour_at(hour, OTHER_DAY) for hour in range(9, 15)]
    made = written(connected, *hours)
    connected.sets(direction="to_provider")
    for _, event_id in made:
        connected.owner.deletes(event_id)
    connected.sets(direction="bidirectional")
    assert connected.syncs()["status"] == "failed"
    assert connected.connection()["syncStatus"] == "error"
    assert connected.connection()["calendars"][0]["error"] == "LooksEmpty"
    states = {connected.appointment(each)["status"] for each, _ in made}
    assert states == {"confirmed"}
    assert connected.syncs("full", force=True)["status"] == "completed"
    for booked, _ in made:
        connected.waits_until(booked, status="cancelled")
    connected.waits_until_free(*hours)
    assert connected.connection()["syncStatus"] == "active"


def test_many_bookings_at_once(connected: Office) -> None:
    """Providers bear few requests at once: each event is there in the end, once."""
    places = product(range(5, 15), range(9, 17))
    hours = [hour_at(hour, day_after(day)) for day, hour in places]
    with ThreadPoolExecutor(8) as pool:
        booked = list(pool.map(connected.booked, hours))
    for each in booked:
        connected.waits_until(each["appointmentId"], syncStatus="synced")
    found = [connected.owner.event_at(each) for each in hours]
    assert None not in found
    assert connected.connection()["status"] == "active"
    connected.syncs("full")
    connected.waits_until_busy(hours[0], hours[-1])


def test_disconnected_from_a_provider_that_is_down(connected: Office) -> None:
    owner: Owner = connected.owner
    owner.adds(TEN)
    connected.hears()
    connected.waits_until_busy(TEN)
    owner.dies()
    connected.booked(NINE)
    wait_for("it is told", lambda: connected.warns(day_after(9)), SECONDS)
    began = time.monotonic()
    connected.disconnects()
    assert time.monotonic() - began < LONGEST_DISCONNECTION
    assert not connected.warns(day_after(9))
    connected.waits_until_free(TEN)
    owner.rises()
    connected.connects()
    connected.waits_until_busy(TEN, NINE)


def test_beyond_what_is_read_and_back(connected: Office) -> None:
    """No window that is read ends an owner's hold of an appointment."""
    far = hour_at(9, day_after(500))
    ((booked, event_id),) = written(connected, NINE)
    connected.owner.moves(event_id, far)
    connected.hears()
    wait_for("it is told", lambda: _is_settled(connected, booked, far), SECONDS)
    connected.lets_what_is_written_count()
    connected.owner.moves(event_id, TEN)
    connected.hears()
    connected.waits_until(booked, startTime=instant_text(TEN.start))
    connected.waits_until(booked, syncStatus="synced", status="confirmed")
    connected.waits_until_free(NINE)


def _is_settled(office: Office, booked: str, far: Interval) -> bool:
    """Tell whether the move is followed; where it cannot be read, that is said."""
    found = office.appointment(booked)
    is_followed: bool = found["startTime"] == instant_text(far.start)
    return is_followed or bool(found["syncStatus"] == "failed")
