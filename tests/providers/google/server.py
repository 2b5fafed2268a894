"""A Google that remembers: its API, its OAuth, its pushes.

Requests and answers alike are held against the discovery document; `breaches` has what
does not fit, and whoever runs the server wants it empty.
"""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

from tests.providers.google import discovery
from tests.providers.google.calendars import Calendar, moment, overlaps
from tests.providers.google.channels import Channels
from tests.providers.google.consents import CLIENT_ID, CLIENT_SECRET, Consents
from tests.providers.google.discovery import PREFIX, Breach, Method
from tests.providers.google.editing import checked, merged, new_event
from tests.providers.google.fields import masked
from tests.providers.google.listing import listed
from tests.providers.google.refusals import Refusal, refusal
from tests.providers.google.wire import Answer, Json, Request, Wire
from universal_calendar.providers.provider import OAuthConfig

_WRITERS = {"owner", "writer"}


@dataclass
class Asked:
    """A request that may be answered: by whom, of what."""

    request: Request
    method: Method
    account: str

    @property
    def parameters(self) -> dict[str, str]:
        return dict(self.request.query)


@dataclass
class FakeGoogle:
    """Accounts with their calendars; calendars are told apart by id alone."""

    accounts: dict[str, list[Calendar]] = field(default_factory=dict)
    consents: Consents = field(default_factory=Consents)
    breaches: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    """The methods that were called."""
    answered: list[Answer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._numbers = count(1)
        self.wire = Wire(self.answer)
        self.channels = Channels(self.wire)

    @property
    def registration(self) -> OAuthConfig:
        """Return how our service is registered with it."""
        url = self.wire.url
        return OAuthConfig(
            CLIENT_ID,
            CLIENT_SECRET,
            f"{url}/o/oauth2/v2/auth",
            f"{url}/token",
            f"{url}{PREFIX}".rstrip("/"),
            f"{url}/revoke",
        )

    def open(self, account: str, *calendars: Calendar) -> None:
        """Open an account with these calendars."""
        self.accounts[account] = list(calendars)
        for each in calendars:
            each.told.append(self.channels.teller(each.id))

    def calendar(self, calendar_id: str) -> Calendar:
        """Return a calendar of whichever account."""
        calendars = (each for some in self.accounts.values() for each in some)
        return next(each for each in calendars if each.id == calendar_id)

    def add(self, calendar: str, **event: object) -> Json:
        """Insert an event as its owner would."""
        body: Json = {"id": f"event{next(self._numbers):08d}", **event}
        return self.calendar(calendar).write(body)

    def answer(self, request: Request) -> Answer:
        """Answer any request."""
        try:
            return self._answer(request)
        except Exception as error:
            # A fault of the fake must not pass for one of the provider.
            self.breaches.append(repr(error))
            return refusal(500, "breach")

    def _answer(self, request: Request) -> Answer:
        match request.method, request.path:
            case "POST", "/o/oauth2/v2/auth":
                return self.consents.authorize(request)
            case "POST", "/token":
                return self.consents.tokens(request)
            case "POST", "/revoke":
                return self.consents.revoke(request)
        return self._answer_checked(request)

    def _answer_checked(self, request: Request) -> Answer:
        method = discovery.method_of(request.method, request.path)
        discovery.check_request(method, request)
        self.asked.append(method.name)
        try:
            answer = self._answer_allowed(request, method)
        except Refusal as refused:
            answer = refused.answer
        fields = dict(request.query).get("fields")
        if fields and answer.status == 200:
            body = masked(answer.body, fields)
            assert isinstance(body, dict)
            answer = Answer(200, body)
        discovery.check_answer(method, answer, is_partial=bool(fields))
        self.answered.append(answer)
        return answer

    def _answer_allowed(self, request: Request, method: Method) -> Answer:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        consent = self.consents.passing.get(token)
        if consent is None:
            raise Refusal(401, "authError")
        if not consent.scopes & method.scopes:
            raise Refusal(403, "insufficientPermissions")
        handlers: dict[str, Callable[[Asked], Answer]] = {
            "calendar.calendarList.list": self._list_calendars,
            "calendar.events.list": self._list_events,
            "calendar.events.get": self._get,
            "calendar.events.insert": self._insert,
            "calendar.events.patch": self._patch,
            "calendar.events.delete": self._delete,
            "calendar.events.watch": self._watch,
            "calendar.channels.stop": self._stop,
            "calendar.freebusy.query": self._free_busy,
        }
        return handlers[method.name](Asked(request, method, consent.account))

    def _list_calendars(self, asked: Asked) -> Answer:
        is_all = asked.parameters.get("showHidden") == "true"
        calendars = self.accounts[asked.account]
        entries = [each.entry for each in calendars if is_all or not each.is_hidden]
        start = int(asked.parameters.get("pageToken", "0"))
        # Few at a time, as Google may.
        following = (
            {"nextPageToken": str(start + 2)} if start + 2 < len(entries) else {}
        )
        body = {"kind": "calendar#calendarList", "etag": '"1"', **following}
        return Answer(200, {**body, "items": entries[start : start + 2]})

    def _calendar(self, asked: Asked, *, is_write: bool = False) -> Calendar:
        wanted = asked.method.places["calendarId"]
        for each in self.accounts[asked.account]:
            if each.id == wanted or (wanted == "primary" and each.is_primary):
                if each.role == "freeBusyReader":
                    raise Refusal(403, "forbidden")
                if is_write and each.role not in _WRITERS:
                    raise Refusal(403, "requiredAccessLevel")
                self._check_mails(asked, is_write)
                return each
        raise Refusal(404, "notFound")

    def _check_mails(self, asked: Asked, is_write: bool) -> None:
        if is_write and asked.parameters.get("sendUpdates") != "none":
            raise Breach("guests would get e-mails")

    def _list_events(self, asked: Asked) -> Answer:
        return Answer(200, listed(self._calendar(asked), asked.parameters))

    def _found(self, calendar: Calendar, asked: Asked) -> Json:
        event = calendar.find(asked.method.places["eventId"])
        if event is None:
            raise Refusal(404, "notFound")
        return event

    def _get(self, asked: Asked) -> Answer:
        return Answer(200, self._found(self._calendar(asked), asked))

    def _insert(self, asked: Asked) -> Answer:
        calendar = self._calendar(asked, is_write=True)
        event = new_event(asked.request.json, next(self._numbers))
        if event["id"] in calendar.at():
            raise Refusal(409, "duplicate")
        return Answer(200, calendar.write(event))

    def _patch(self, asked: Asked) -> Answer:
        calendar = self._calendar(asked, is_write=True)
        event = self._found(calendar, asked)
        if asked.request.headers.get("if-match", event["etag"]) != event["etag"]:
            raise Refusal(412, "conditionNotMet")
        return Answer(200, calendar.write(checked(merged(event, asked.request.json))))

    def _delete(self, asked: Asked) -> Answer:
        calendar = self._calendar(asked, is_write=True)
        event = self._found(calendar, asked)
        if event["status"] == "cancelled":
            raise Refusal(410, "deleted")
        calendar.delete(event)
        return Answer(204)

    def _watch(self, asked: Asked) -> Answer:
        calendar = self._calendar(asked)
        body = asked.request.json
        return Answer(200, self.channels.open(calendar.id, body))

    def _stop(self, asked: Asked) -> Answer:
        self.channels.stop(asked.request.json)
        return Answer(204)

    def _free_busy(self, asked: Asked) -> Answer:
        body = asked.request.json
        names = [each["id"] for each in body["items"]]
        if len(names) > 50:
            raise Refusal(400, "tooManyCalendarsRequested")
        told = {name: self._busy(asked.account, name, body) for name in names}
        bounds = {edge: body[edge] for edge in ("timeMin", "timeMax")}
        return Answer(200, {"kind": "calendar#freeBusy", **bounds, "calendars": told})

    def _busy(self, account: str, name: str, body: Json) -> Json:
        known = {each.id: each for each in self.accounts[account]}
        if name not in known:
            return {
                "errors": [{"domain": "global", "reason": "notFound"}],
                "busy": [],
            }
        bounds = tuple(datetime.fromisoformat(body[e]) for e in ("timeMin", "timeMax"))
        return {"busy": list(_busy_periods(known[name], (bounds[0], bounds[1])))}


def _busy_periods(
    calendar: Calendar, bounds: tuple[datetime, datetime]
) -> list[dict[str, str]]:
    events = calendar.snapshot(None, bounds).values()
    times = sorted(
        tuple(moment(each[edge], calendar.zone) for edge in ("start", "end"))
        for each in events
        if _takes_time(each) and overlaps(each, calendar.zone, bounds)
    )
    joined: list[list[datetime]] = []
    for start, end in times:
        if joined and start <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], end)
        else:
            joined.append([start, end])
    return [
        {"start": start.isoformat(), "end": end.isoformat()} for start, end in joined
    ]


def _takes_time(event: Json) -> bool:
    answers = [
        each["responseStatus"]
        for each in event.get("attendees", ())
        if each.get("self")
    ]
    return (
        event["status"] != "cancelled"
        and event.get("transparency") != "transparent"
        and event["eventType"] not in ("workingLocation", "birthday")
        and answers != ["declined"]
    )


@asynccontextmanager
async def running_google() -> AsyncIterator[FakeGoogle]:
    """Run a Google for a block; nothing that breaks its contract passes."""
    google = FakeGoogle()
    try:
        yield google
    finally:
        await google.channels.close()
        await google.wire.close()
    assert google.breaches == [], json.dumps(google.breaches, indent=1)
