"""From a browser that connects an account to the moment it is forgotten, over HTTP.

One story, told of a stand-in for Google, of one for Microsoft behind Microsoft's own
description, and of a real CalDAV server. Nothing is polled within the hour: what is
found was told, or asked for.
"""

from datetime import timedelta

from tests.harness.scenes.story_fixtures import given_office, given_owner, given_place
from tests.harness.scenes.whole_story import (
    ALL_DAY,
    NEW_YORK,
    OTHER_DAY,
    SECONDS,
    Office,
    Place,
    day_before_clocks_change,
    hour_at,
)
from tests.web.api import day_after, wait_for
from tests.web.conftest import superuser_of
from universal_calendar.core import instant
from universal_calendar.core.instant import instant_text
from universal_calendar.core.interval import Interval

__all__ = ["given_office", "given_owner", "given_place"]

NINE, TEN = hour_at(9), hour_at(10)


def test_the_whole_story(office: Office, place: Place) -> None:
    office.connects()
    office.waits_until_read()
    connection = office.connection()
    assert connection["status"] == "active"
    assert connection["account"] == office.owner.account
    assert connection["provider"] == office.owner.provider
    events_take_time(office)
    appointments_are_written_and_follow(office)
    an_added_event_is_busy(office)
    an_outage_is_told_and_made_up_for(office)
    consent_is_withdrawn_and_given_anew(office)
    a_live_check_finds_a_clash(office)
    disconnecting_leaves_nothing(office, place)


def events_take_time(office: Office) -> None:
    owner, before = office.owner, day_before_clocks_change()
    owner.adds(TEN)
    for hour, busy in ((12, "free"), (13, "declined"), (14, "tentative")):
        owner.adds(hour_at(hour), busy=busy)
    owner.adds(TEN, days=f"{ALL_DAY} {day_after(5)}")
    after = before + timedelta(days=1)
    series = [hour_at(10, each, NEW_YORK) for each in (before, after)]
    owner.adds(series[0], repeat="day 2", zone=NEW_YORK.key)
    office.hears()
    office.waits_until_busy(TEN, hour_at(14), *series)
    office.waits_until_busy(*(hour_at(hour, ALL_DAY) for hour in (9, 16)))
    office.waits_until_free(NINE, hour_at(12), hour_at(13), hour_at(9, OTHER_DAY))
    first = series[0]
    a_day_later = Interval(first.start + instant.DAY, first.end + instant.DAY)
    office.waits_until_free(a_day_later)


def appointments_are_written_and_follow(office: Office) -> None:
    there, other, moved = (hour_at(hour, OTHER_DAY) for hour in (9, 11, 15))
    by_agent = office.booked_by_agent(there)
    by_tenant = office.booked(other)["appointmentId"]
    events = [office.waits_until_written(each) for each in (there, other)]
    office.lets_what_is_written_count()
    office.owner.moves(events[0], moved)
    office.owner.deletes(events[1])
    office.hears()
    office.waits_until(by_agent, startTime=instant_text(moved.start))
    office.waits_until(by_tenant, status="cancelled")
    office.waits_until_free(there, other)
    office.waits_until_busy(moved)


def an_added_event_is_busy(office: Office) -> None:
    fifteen = hour_at(15)
    office.waits_until_free(fifteen)
    event_id = office.owner.adds(fifteen)
    office.hears()
    office.waits_until_busy(fifteen)
    office.owner.deletes(event_id)
    office.hears()
    office.waits_until_free(fifteen)


def an_outage_is_told_and_made_up_for(office: Office) -> None:
    day = day_after(6)
    office.owner.dies()
    booked = office.booked(hour_at(9, day))
    assert booked["syncStatus"] == "pending"
    by_agent = office.booked_by_agent(hour_at(11, day))
    wait_for("it is told", lambda: office.warns(day), SECONDS)
    assert office.connection()["syncStatus"] == "error"
    office.owner.rises()
    for appointment_id in (booked["appointmentId"], by_agent):
        office.waits_until(appointment_id, syncStatus="synced")
    for hour in (9, 11):
        office.waits_until_written(hour_at(hour, day))
    office.waits_for_status("active")
    wait_for("nothing is told", lambda: not office.warns(day), SECONDS)


def consent_is_withdrawn_and_given_anew(office: Office) -> None:
    sixteen = hour_at(16)
    office.owner.withdraws_consent()
    office.owner.adds(sixteen)
    office.asks_for_a_sync()
    office.waits_for_status("needs_reauthorization")
    booked = office.booked(hour_at(11))
    assert booked["syncStatus"] == "pending"
    office.owner.renews_consent()
    known = office.connection()["connectionId"]
    office.connects()
    assert office.connection()["connectionId"] == known
    office.waits_for_status("active")
    office.waits_until_busy(sixteen)
    office.waits_until(booked["appointmentId"], syncStatus="synced")


def a_live_check_finds_a_clash(office: Office) -> None:
    day = day_after(7)
    office.sets(checksLive=True)
    office.booked(hour_at(9, day))
    for hour, book in ((10, office.books_by_agent), (12, office.books_by_tenant)):
        office.owner.adds_quietly(hour_at(hour, day))
        refused = book(hour_at(hour, day))
        assert refused.status_code == 409, refused.text
        assert "slot_taken" in refused.text


def disconnecting_leaves_nothing(office: Office, place: Place) -> None:
    assert office.owner.channels() == int(office.owner.pushes)
    office.disconnects()
    assert office.connections() == []
    assert office.owner.channels() == 0
    if office.owner.provider == "google":
        assert not office.owner.has_tokens()
    with superuser_of(place.server) as superuser:
        for table in ("mirrored_times", "sync_tokens", "push_channels", "links"):
            cursor = superuser.execute(
                f"SELECT FROM {table} WHERE tenant_id = %s".encode(),
                [office.tenant_id],
            )
            assert cursor.rowcount == 0, table
    office.waits_until_free(TEN, hour_at(9, ALL_DAY))
