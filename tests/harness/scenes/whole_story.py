"""A business at a running service, and the owner of its calendar outside.

Everything goes through HTTP: what the business's software sends, what a browser opens.
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx2

from conftest import settings_for
from tests.harness.foreign_server import free_port
from tests.harness.outside.owners import Owner
from tests.harness.running import SERVICE_KEY, RunningService, start_service
from tests.harness.scenes.business import EVERY_DAY, Business, open_business
from tests.web.api import Api, day_after, wait_for
from tests.web.conftest import superuser_of
from tests.web.tenant_api.conftest import Desk
from tests.web.tenant_api.connecting import CONFIRM, SETUP, hidden
from tests.web.tenant_api.wishes import data
from universal_calendar.bootstrap.parts import Parts, Server, open_parts
from universal_calendar.core.instant import from_datetime, instant_text
from universal_calendar.core.interval import Interval
from universal_calendar.core.retry import SECOND
from universal_calendar.core.sync import FRESH
from universal_calendar.services.ports.identity import Role

SECONDS = 90.0
"""An owner's change of what we wrote a moment ago is believed after 20 seconds.

Most stories have the rows say that these are over: see `lets_what_is_written_count`.
"""
HOURS: dict[str, Any] = {**EVERY_DAY, "max_advance_booking_days": 365}
NEW_YORK = ZoneInfo("America/New_York")
DAY, ALL_DAY, OTHER_DAY = day_after(3), day_after(4), day_after(5)
Json = dict[str, Any]
_UNWRITTEN: Final = b"""
SELECT FROM links
WHERE tenant_id = %(tenant)s AND (status = 'pending' OR leased_until IS NOT NULL)
"""
_AGE: Final = b"""
UPDATE links SET updated_at = updated_at - %(age)s WHERE tenant_id = %(tenant)s
"""


def hour_at(hour: int, day: date = DAY, zone: ZoneInfo | None = None) -> Interval:
    """Return an hour of the day, by the clocks of a zone or of UTC."""
    start = datetime(day.year, day.month, day.day, hour, tzinfo=zone or UTC)
    begin = start.astimezone(UTC)
    return Interval(from_datetime(begin), from_datetime(begin + timedelta(hours=1)))


def day_before_clocks_change() -> date:
    """Return the last day before New York's clocks change next, after some days."""
    day = day_after(6)
    while _offset(day) == _offset(day + timedelta(days=1)):
        day += timedelta(days=1)
    return day


def _offset(day: date) -> timedelta | None:
    return datetime(day.year, day.month, day.day, 10, tzinfo=NEW_YORK).utcoffset()


@contextmanager
def working_service(
    home: Path, *owners: Owner, **settings: str
) -> Iterator[RunningService]:
    """Run a service with a worker that reaches these owners' providers."""
    port = free_port()
    reached = {name: each.settings[name] for each in owners for name in each.settings}
    usual = {
        "RUN_WORKER": "true",
        "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}",
        "ENVIRONMENT": "development",
        "POLL_SECONDS": "3600",
    }
    service = start_service(home, port, **(usual | reached | settings))
    try:
        yield service
    finally:
        assert service.stop() == 0, "".join(service.lines)


@dataclass(frozen=True)
class Place:
    """Where services run: their home, its database, and a client to ask them."""

    home: Path
    server: Server
    http: httpx2.Client

    @asynccontextmanager
    async def parts(self) -> AsyncIterator[Parts]:
        """Open the product's parts there."""
        async with open_parts(settings_for(self.home), self.server) as parts:
            yield parts

    async def open_office(self, url: str, owner: Owner) -> "Office":
        """Open a business whose owner that is; nothing is connected yet."""
        async with self.parts() as parts:
            business = await open_business(parts, hours=HOURS)
        return office_of(business, self, url, owner)

    def ages_what_is_written(self, tenant_id: UUID) -> bool:
        """Make a business's events older than FRESH; tell whether all are written."""
        with superuser_of(self.server) as superuser:
            values = {"tenant": tenant_id, "age": timedelta(seconds=FRESH / SECOND)}
            if superuser.execute(_UNWRITTEN, values).fetchone() is not None:
                return False
            superuser.execute(_AGE, values)
        return True


def office_of(business: Business, place: Place, url: str, owner: Owner) -> "Office":
    """Return a business at a service."""
    http = place.http
    desk = Desk(
        http,
        url,
        str(business.tenant_id),
        business.agent_id,
        business.api_key,
        {"X-Service-Key": SERVICE_KEY},
    )
    api = Api(http, url, business.api_key, business.agent_id)
    return Office(owner, desk.as_user(Role.OWNER), api, place)


@dataclass(frozen=True)
class Office:
    """A business, asked as its owner by either dialect."""

    owner: Owner
    desk: Desk
    api: Api
    place: Place

    # Connecting

    def connects(self, **more: object) -> None:
        """Connect the owner's account as a browser would."""
        page = self.question(**more)
        assert self.owner.account in page.text, page.text
        form = {"token": hidden(page, "token"), "answer": "connect"}
        done = self.desk.http.post(self.desk.url + CONFIRM, data=form)
        assert "Connected." in done.text, done.text

    def question(self, **more: object) -> httpx2.Response:
        """Begin to connect; return the page that asks whether to."""
        body = {"provider": self.owner.provider, **more}
        url = str(data(self.desk.post("/calendar/connect", body))["authUrl"])
        http, given = self.desk.http, self.owner.credentials()
        if not given:
            return http.get(self.owner.consents(http, url))
        form = {f"credential.{name}": value for name, value in given.items()}
        form["state"] = hidden(http.get(url), "state")
        return http.post(self.desk.url + SETUP, data=form)

    def connections(self) -> list[Json]:
        """Return the status of every connection."""
        path = f"/calendar/status/{self.desk.tenant_id}"
        return list(data(self.desk.ask("GET", path))["connections"])

    def connection(self) -> Json:
        """Return the status of the only connection."""
        (connection,) = self.connections()
        return connection

    def waits_until_read(self) -> None:
        """Wait until the calendar was read, and its provider tells of changes."""

        def is_read() -> bool:
            has_channel = self.owner.channels() > 0 or not self.owner.pushes
            return self.connection()["lastSyncAt"] is not None and has_channel

        wait_for("the calendar is read", is_read, SECONDS)

    def waits_for_status(self, status: str) -> None:
        """Wait until the connection has this status."""
        what = f"the connection is {status}"
        wait_for(what, lambda: self.connection()["status"] == status, SECONDS)

    def sets(self, **fields: object) -> None:
        """Change what the only connection is used for."""
        path = f"/calendar/connections/{self.connection()['connectionId']}"
        data(self.desk.put(path, fields))

    def disconnects(self) -> None:
        """Disconnect everything."""
        for each in self.connections():
            path = f"/calendar/connections/{each['connectionId']}"
            data(self.desk.delete(path))

    def asks_for_a_sync(self, kind: str = "incremental", **more: object) -> str:
        """Have calendars read; return the sync's id."""
        answer = self.desk.post("/sync/trigger", {"syncType": kind, **more})
        return str(data(answer)["syncId"])

    def syncs(self, kind: str = "incremental", **more: object) -> Json:
        """Have calendars read, and wait until that ended."""
        path = f"/sync/status/{self.asks_for_a_sync(kind, **more)}"

        def state() -> Json:
            return data(self.desk.ask("GET", path))

        ended = ("completed", "failed")
        wait_for("the sync ends", lambda: state()["status"] in ended, SECONDS)
        return state()

    def hears(self) -> None:
        """Come to know what the owner did, where nobody tells of it."""
        if not self.owner.pushes:
            self.syncs()

    # Asking

    def free(self, interval: Interval) -> set[bool]:
        """Return whether an hour is free, by both dialects."""
        start = instant_text(interval.start)
        day, hour = start[:10], start[11:16]
        by_agent = hour in self.api.starts(day, duration_minutes=60)
        return {by_agent, self._is_in_periods(interval, day)}

    def _is_in_periods(self, interval: Interval, day: str) -> bool:
        query = {"startDate": day, "endDate": day, "duration": 60}
        days = data(self.desk.get("/availability/check", **query))["availability"]
        wanted = (instant_text(interval.start), instant_text(interval.end))
        return any(
            slot["startTime"] <= wanted[0]
            and wanted[1] <= slot["endTime"]
            and self.desk.agent_id in slot["agentIds"]
            for day in days
            for slot in day["slots"]
        )

    def waits_until_busy(self, *intervals: Interval) -> None:
        """Wait until hours are taken in both dialects."""
        self._waits(intervals, is_free=False)

    def waits_until_free(self, *intervals: Interval) -> None:
        """Wait until hours are free in both dialects."""
        self._waits(intervals, is_free=True)

    def _waits(self, intervals: Iterable[Interval], *, is_free: bool) -> None:
        for each in intervals:
            start = instant_text(each.start)
            what = f"{start} is {'free' if is_free else 'busy'}"
            wait_for(what, partial(self._is, each, is_free), SECONDS)

    def _is(self, interval: Interval, is_free: bool) -> bool:
        return self.free(interval) == {is_free}

    def warns(self, day: date) -> bool:
        """Tell whether both dialects warn of a calendar that does not answer."""
        query = {"startDate": str(day), "endDate": str(day), "duration": 60}
        checked = data(self.desk.get("/availability/check", **query))
        return "warnings" in checked and "warnings" in self.api.free_slots(day).json()

    # Booking

    def books_by_agent(self, interval: Interval) -> httpx2.Response:
        """Book by the agent API."""
        start = instant_text(interval.start)
        return self.api.book(start[:10], start[11:16], duration_minutes=60)

    def books_by_tenant(self, interval: Interval) -> httpx2.Response:
        """Book by the tenant API."""
        times = {
            "startTime": instant_text(interval.start),
            "endTime": instant_text(interval.end),
        }
        appointment = {**times, "title": "Leak", "customerInfo": {"name": "John"}}
        body = {"agentId": self.desk.agent_id, "appointmentData": appointment}
        return self.desk.post("/appointments", body)

    def booked_by_agent(self, interval: Interval) -> str:
        """Book by the agent API; return the appointment's id."""
        answer = self.books_by_agent(interval)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["booking_id"])

    def booked(self, interval: Interval) -> Json:
        """Book by the tenant API; return what was answered."""
        return data(self.books_by_tenant(interval))

    def appointment(self, appointment_id: str) -> Json:
        """Return an appointment."""
        return dict(
            data(self.desk.get(f"/appointments/{appointment_id}"))["appointment"]
        )

    def waits_until_written(self, interval: Interval) -> str:
        """Wait until an event of this time is at the provider; return its id."""
        what = f"an event is at {instant_text(interval.start)}"
        find = partial(self.owner.event_at, interval)
        wait_for(what, lambda: find() is not None, SECONDS)
        return str(find())

    def lets_what_is_written_count(self) -> None:
        """Wait until all is written, and have it be older than what may be old news.

        Otherwise the service waits until it is: what an owner did to an event a moment
        after we wrote it may be how the event was before.
        """
        ages = partial(self.place.ages_what_is_written, self.tenant_id)
        wait_for("all is written", ages, SECONDS)

    def waits_until(self, appointment_id: str, **fields: object) -> None:
        """Wait until an appointment has these values."""

        def has() -> bool:
            found = self.appointment(appointment_id)
            return {name: found[name] for name in fields} == fields

        wait_for(f"{fields}", has, SECONDS)

    def at(self, owner: Owner) -> "Office":
        """Return the same business with another account."""
        return replace(self, owner=owner)

    def of_agent(self, agent_id: str) -> "Office":
        """Return the same business, asked about another agent."""
        desk, api = replace(self.desk, agent_id=agent_id), self.api.with_agent(agent_id)
        return replace(self, desk=desk, api=api)

    @property
    def tenant_id(self) -> UUID:
        """Return whose it is."""
        return UUID(self.desk.tenant_id)
