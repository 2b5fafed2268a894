"""Connected calendars in odd orders, over HTTP and with a worker."""

from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from tests.harness.outside.owners import Owner
from tests.harness.running import RunningService
from tests.harness.scenes.business import EVERY_DAY
from tests.harness.scenes.story_fixtures import (
    Accounts,
    given_accounts,
    given_connected,
    given_office,
    given_owner,
    given_place,
    given_service,
)
from tests.harness.scenes.whole_story import (
    OTHER_DAY,
    SECONDS,
    Office,
    Place,
    hour_at,
)
from tests.web.api import day_after, wait_for
from tests.web.conftest import superuser_of
from tests.web.tenant_api.connecting import CONFIRM, hidden
from tests.web.tenant_api.wishes import data, problem
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import from_datetime, instant_text

__all__ = [
    "given_accounts",
    "given_connected",
    "given_office",
    "given_owner",
    "given_place",
    "given_service",
]

TEN = hour_at(10)
Opens = Callable[[Owner], Awaitable[Office]]


@pytest.fixture
async def opens(place: Place, service: RunningService) -> AsyncIterator[Opens]:
    """Give what opens businesses at one service, with owners at one Google."""
    opened: list[Office] = []

    async def opens(owner: Owner) -> Office:
        opened.append(await place.open_office(service.url, owner))
        return opened[-1]

    yield opens
    for each in opened:
        each.disconnects()


def rows_of(office: Office, place: Place, table: str) -> int:
    """Count a business's rows."""
    with superuser_of(place.server) as superuser:
        statement = f"SELECT FROM {table} WHERE tenant_id = %s"
        return superuser.execute(statement.encode(), [office.tenant_id]).rowcount


def test_three_hundred_events_at_once(connected: Office, place: Place) -> None:
    hours = [
        hour_at(hour, day_after(3 + day)) for day in range(38) for hour in range(9, 17)
    ][:300]
    with ThreadPoolExecutor(4) as pool:
        added = list(pool.map(connected.owner.adds, hours))
    connected.hears()
    connected.waits_until_busy(hours[0], hours[150], hours[-1])

    def mirrored() -> int:
        return rows_of(connected, place, "mirrored_times")

    wait_for("all are mirrored", lambda: mirrored() == len(hours), SECONDS)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(connected.owner.deletes, added))
    connected.hears()
    connected.waits_until_free(hours[0], hours[150], hours[-1])
    wait_for("none is mirrored", lambda: mirrored() == 0, SECONDS)
    assert connected.connection()["status"] == "active"


def test_a_calendar_that_is_deleted_cancels_nothing(connected: Office) -> None:
    connected.owner.adds(TEN)
    connected.hears()
    connected.waits_until_busy(TEN)
    booked = connected.booked(hour_at(9, OTHER_DAY))["appointmentId"]
    connected.waits_until_written(hour_at(9, OTHER_DAY))
    connected.owner.calendar_is_deleted()
    ended = connected.syncs("full")
    assert ended["status"] == "failed"
    assert ended["errors"] != []
    assert connected.connection()["syncStatus"] == "error"
    assert connected.appointment(booked)["status"] == "confirmed"
    connected.waits_until_busy(TEN)
    wait_for("it is told", lambda: connected.warns(day_after(9)), SECONDS)
    later = connected.booked(hour_at(11, OTHER_DAY))
    assert later["syncStatus"] in ("pending", "failed")
    connected.disconnects()
    connected.waits_until_free(TEN)


def test_disconnected_while_it_is_read(connected: Office, place: Place) -> None:
    connected.owner.adds(TEN)
    connected.owner.is_slow(3)
    connected.asks_for_a_sync("full")
    connected.disconnects()
    assert connected.connections() == []
    connected.waits_until_free(TEN)
    for table in ("mirrored_times", "sync_tokens", "calendars", "push_channels"):
        assert rows_of(connected, place, table) == 0, table
    assert connected.owner.channels() == 0
    connected.connects()
    connected.waits_until_busy(TEN)


def test_a_switch_of_direction_forgets_and_reads_anew(
    connected: Office, place: Place
) -> None:
    connected.owner.adds(TEN)
    connected.hears()
    connected.waits_until_busy(TEN)
    connected.sets(direction="to_provider")
    connected.waits_until_free(TEN)
    assert rows_of(connected, place, "mirrored_times") == 0
    connected.owner.adds(hour_at(12))
    connected.sets(direction="bidirectional")
    connected.waits_until_busy(TEN, hour_at(12))
    connected.sets(direction="from_provider")
    assert connected.booked(hour_at(14))["syncStatus"] is None


async def test_the_owner_of_one_account_consents_with_another(
    opens: Opens, accounts: Accounts
) -> None:
    first, second = accounts("one@example.com"), accounts("two@example.com")
    office = await opens(first)
    office.connects()
    office.waits_until_read()
    other = office.at(second)
    other.connects()
    wait_for("it is read", lambda: second.channels() > 0, SECONDS)
    first.adds(TEN)
    second.adds(hour_at(12))
    office.waits_until_busy(TEN, hour_at(12))
    office.booked(hour_at(9, OTHER_DAY))
    office.waits_until_written(hour_at(9, OTHER_DAY))
    assert second.event_at(hour_at(9, OTHER_DAY)) is None
    one, two = office.connections()
    data(office.desk.delete(f"/calendar/connections/{one['connectionId']}"))
    office.waits_until_free(TEN)
    office.waits_until_busy(hour_at(12))
    assert not first.has_tokens()
    assert second.has_tokens()
    assert two["status"] == "active"
    path = f"/calendar/connections/{one['connectionId']}"
    problem(office.desk.delete(path), 404, "NOT_FOUND")


async def test_two_businesses_with_one_account(
    opens: Opens, accounts: Accounts
) -> None:
    """Appointments of the one are the other's busy time; nobody takes them over."""
    owner = accounts("shared@example.com")
    here, there = await opens(owner), await opens(owner)
    for each in (here, there):
        each.connects()
        each.waits_until_read()
    wait_for("both are told", lambda: owner.channels() == 2, SECONDS)
    booked = here.booked(TEN)["appointmentId"]
    there.waits_until_busy(TEN)
    moved, event_id = hour_at(15), here.waits_until_written(TEN)
    here.lets_what_is_written_count()
    owner.moves(event_id, moved)
    here.waits_until(booked, startTime=instant_text(moved.start))
    there.waits_until_busy(moved)
    there.waits_until_free(TEN)
    # Google ends consent for the account as a whole: whoever else has it is told.
    there.disconnects()
    owner.adds(hour_at(12))
    here.asks_for_a_sync()
    here.waits_for_status("needs_reauthorization")
    assert here.warns(day_after(8))
    here.connects()
    here.waits_for_status("active")
    here.waits_until_busy(hour_at(12))
    assert here.appointment(booked)["status"] == "confirmed"
    here.waits_until_free(hour_at(9))


async def test_calendars_of_an_agent_and_of_all(
    opens: Opens, accounts: Accounts, place: Place
) -> None:
    own, common = accounts("ann@example.com"), accounts("all@example.com")
    office = await opens(own)
    office.at(common).connects()
    office.connects(agentId=office.desk.agent_id)
    wait_for("own is told", lambda: own.channels() > 0, SECONDS)
    wait_for("common is told", lambda: common.channels() > 0, SECONDS)
    async with place.parts() as parts:
        now = from_datetime(utc_now())
        agent = await parts.tenants.add_agent(office.tenant_id, "Ben", "UTC", now)
        await parts.tenants.set_hours(agent, EVERY_DAY)
    ben = office.of_agent(str(agent.agent_id))
    own.adds(TEN)
    common.adds(hour_at(12))
    office.waits_until_busy(TEN, hour_at(12))
    ben.waits_until_busy(hour_at(12))
    ben.waits_until_free(TEN)
    office.booked(hour_at(14))
    ben.booked(hour_at(14))
    office.waits_until_written(hour_at(14))
    ben.at(common).waits_until_written(hour_at(14))
    # Ann's event is in her own calendar, Ben's in everybody's: each blocks whom it is.
    ben.waits_until_busy(hour_at(14))
    ben.waits_until_free(hour_at(15))
    office.waits_until_free(hour_at(15))


async def test_what_was_begun_ends_as_its_owner_ends_it(
    opens: Opens, accounts: Accounts
) -> None:
    """Two pages are open; the second is confirmed first, and in between it ends."""
    owner = accounts("twice@example.com")
    office = await opens(owner)
    problem(office.desk.post("/sync/trigger", {"syncType": "full"}), 404, "NOT_FOUND")
    early, late = office.question(), office.question()
    assert press(office, late) == 200
    office.waits_until_read()
    office.disconnects()
    # Disconnecting gave back what the early page has: it connects what opens nothing.
    assert press(office, early) == 200
    office.waits_for_status("needs_reauthorization")
    office.connects()
    office.waits_for_status("active")
    owner.adds(TEN)
    office.waits_until_busy(TEN)


def press(office: Office, page: httpx2.Response) -> int:
    form = {"token": hidden(page, "token"), "answer": "connect"}
    return office.desk.http.post(office.desk.url + CONFIRM, data=form).status_code
