"""Whose claim may give way to whose: only the caller's own hold, never more."""

import pytest

from tests.harness.crowd import OPENING, day_after
from tests.harness.machines.ledger import Ledger
from tests.harness.scenes.business import EVERY_DAY, Business
from tests.harness.scenes.front_desk import FrontDesk, Place
from universal_calendar.bootstrap.parts import Parts, new_id
from universal_calendar.clock import utc_now
from universal_calendar.core.errors import SlotUnavailable
from universal_calendar.core.instant import MINUTE, from_datetime

NOW = from_datetime(utc_now())


@pytest.fixture
def place(business: Business) -> Place:
    return Place(business.agent, day_after(3), OPENING)


@pytest.fixture
def desk(parts: Parts) -> FrontDesk:
    return FrontDesk(parts)


async def test_hold_becomes_a_booking_once(
    desk: FrontDesk, place: Place, ledger: Ledger
) -> None:
    hold = await desk.hold(place, NOW)
    with pytest.raises(SlotUnavailable):
        await desk.book(place, NOW)
    await desk.book(place, NOW, hold_id=hold.hold_id)
    with pytest.raises(SlotUnavailable):
        await desk.book(place, NOW, hold_id=hold.hold_id)
    ledger.check()


async def test_expired_hold_is_absent(
    desk: FrontDesk, place: Place, ledger: Ledger
) -> None:
    hold = await desk.hold(place, NOW, ttl=1)
    later = hold.expires_at
    with pytest.raises(SlotUnavailable):
        await desk.book(place, later - 1)
    await desk.book(place, later)
    with pytest.raises(SlotUnavailable):
        await desk.book(place, later, hold_id=hold.hold_id)
    ledger.check()


async def test_appointment_is_no_hold(
    desk: FrontDesk, place: Place, ledger: Ledger
) -> None:
    """Naming an appointment as the hold must not let its time be booked again."""
    first = await desk.book(place, NOW)
    with pytest.raises(SlotUnavailable):
        await desk.book(place, NOW, hold_id=first.appointment_id)
    ledger.check()


async def test_appointment_named_as_hold_keeps_its_claim(
    desk: FrontDesk, place: Place, ledger: Ledger
) -> None:
    first = await desk.book(place, NOW)
    await desk.book(place.later(60), NOW, hold_id=first.appointment_id)
    ledger.check()
    with pytest.raises(SlotUnavailable):
        await desk.book(place, NOW)


async def test_hold_of_another_agent_stays(
    parts: Parts, business: Business, desk: FrontDesk, place: Place
) -> None:
    other = await parts.tenants.add_agent(business.tenant_id, "Bob", "UTC", NOW)
    await parts.tenants.set_hours(other, EVERY_DAY)
    elsewhere = Place(other, place.day, place.minute)
    hold = await desk.hold(elsewhere, NOW)
    await desk.book(place, NOW, hold_id=hold.hold_id)
    with pytest.raises(SlotUnavailable):
        await desk.book(elsewhere, NOW)


async def test_unknown_hold_changes_nothing(desk: FrontDesk, place: Place) -> None:
    await desk.book(place, NOW, hold_id=new_id(NOW))
    await desk.release(place.agent, new_id(NOW))


async def test_appointment_is_not_released_like_a_hold(
    desk: FrontDesk, place: Place, ledger: Ledger
) -> None:
    first = await desk.book(place, NOW)
    assert first.appointment_id is not None
    await desk.release(place.agent, first.appointment_id)
    with pytest.raises(SlotUnavailable):
        await desk.book(place, NOW)
    ledger.check()


async def test_booking_spans_expired_holds(
    desk: FrontDesk, place: Place, ledger: Ledger
) -> None:
    for step in range(8):
        short = Place(place.agent, place.day, OPENING + step * 30)
        await desk.hold(short, NOW, ttl=60)
    long = Place(place.agent, place.day, OPENING, minutes=240)
    with pytest.raises(SlotUnavailable):
        await desk.book(long, NOW + MINUTE - 1)
    await desk.book(long, NOW + MINUTE)
    ledger.check()
