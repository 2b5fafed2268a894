"""What Graph does with calendars and events."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from tests.providers.microsoft.delta import (
    SyncStateNotFound,
    first_state,
    in_view,
    moment_of,
    page_of,
    state_of,
)
from tests.providers.microsoft.loopback import Answer, Ask
from tests.providers.microsoft.mailbox import Calendar, Event, Mailbox, new_id
from tests.providers.microsoft.shown import shown, shown_event

Json = dict[str, Any]

MOST_A_PAGE = 20
LONGEST_SUBJECT = 255
_EXPAND = re.compile(r"singleValueExtendedProperties\(\$filter=id eq '([^']+)'\)")
_FILTER = re.compile(
    r"singleValueExtendedProperties/any\("
    r"ep: ep/id eq '([^']+)' and ep/value eq '([^']+)'\)"
)
_SIZE = re.compile(r"odata\.maxpagesize=(\d+)")


class Refusal(Exception):
    """Graph's answer is an error."""

    def __init__(self, status: int, code: str, **headers: str) -> None:
        super().__init__(status, code)
        self.answer = Answer.of(
            status, {"error": {"code": code, "message": "It is refused."}}, **headers
        )


class Calendars:
    """The operations on one mailbox, each from a request to its answer."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox
        self.told: list[tuple[str, str, str]] = []
        """Changes to be told: calendar, kind, event."""
        self.links_to: str | None = None
        """Where links lead instead of to where they were asked for."""
        self.tells_settings = False
        self.stale = (410, "SyncStateNotFound")

    # Reading

    def me(self, ask: Ask) -> Answer:
        return Answer.of(200, {"id": "1", "userPrincipalName": self.mailbox.address})

    def settings(self, ask: Ask) -> Answer:
        if not self.tells_settings:
            raise Refusal(403, "ErrorAccessDenied")
        return Answer.of(200, {"timeZone": self.mailbox.zone})

    def listed(self, ask: Ask) -> Answer:
        each = [_calendar(it) for it in self.mailbox.calendars.values()]
        return self._paged(ask, each)

    def view(self, ask: Ask, calendar_id: str) -> Answer:
        calendar = self._calendar(calendar_id)
        span = tuple(moment_of(ask.query[e]) for e in ("startDateTime", "endDateTime"))
        items = [
            self._event(ask, shown(each))
            for event in self.mailbox.there(calendar.calendar_id)
            for each in in_view(event, (span[0], span[1]))
        ]
        return self._paged(ask, items)

    def instances(self, ask: Ask, event_id: str) -> Answer:
        event = self._there(event_id, None)
        span = tuple(moment_of(ask.query[e]) for e in ("startDateTime", "endDateTime"))
        inside = in_view(event, (span[0], span[1]))
        return self._paged(ask, [self._event(ask, shown(each)) for each in inside])

    def delta(self, ask: Ask, calendar_id: str) -> Answer:
        if any(name in ask.query for name in ("$select", "$filter", "$orderby")):
            raise Refusal(400, "BadRequest")
        calendar = self._calendar(calendar_id).calendar_id
        try:
            if "$skiptoken" in ask.query:
                token = ask.query["$skiptoken"]
                state = state_of(self.mailbox, token, is_next_page=True)
            elif "$deltatoken" in ask.query:
                token = ask.query["$deltatoken"]
                state = state_of(self.mailbox, token, is_next_page=False)
            else:
                span = ask.query["startDateTime"], ask.query["endDateTime"]
                state = first_state(self.mailbox, calendar, *span)
        except SyncStateNotFound:
            raise Refusal(*self.stale) from None
        page = page_of(self.mailbox, state, _size(ask), self._base(ask))
        return Answer.of(200, page)

    def _base(self, ask: Ask) -> str:
        return (self.links_to or f"http://{ask.headers['host']}") + ask.path

    def event(self, ask: Ask, calendar_id: str, event_id: str) -> Answer:
        self._calendar(calendar_id)
        event = self._there(event_id, calendar_id)
        return Answer.of(200, self._event(ask, shown_event(event), event))

    def found(self, ask: Ask, calendar_id: str) -> Answer:
        """List events by an extended property; a filter that is none is refused."""
        wanted = _FILTER.fullmatch(ask.query.get("$filter", ""))
        if wanted is None:
            raise Refusal(400, "ErrorInvalidUrlQueryFilter")
        calendar = self._calendar(calendar_id)
        items = [
            self._event(ask, shown_event(each), each)
            for each in self.mailbox.there(calendar.calendar_id)
            if each.properties.get(wanted[1]) == wanted[2]
        ]
        return self._paged(ask, items)

    # Writing

    def create(self, ask: Ask, calendar_id: str) -> Answer:
        calendar = self._calendar(calendar_id)
        if not calendar.can_edit:
            raise Refusal(403, "ErrorAccessDenied")
        body = ask.body
        if len(body["subject"]) > LONGEST_SUBJECT:
            raise Refusal(400, "ErrorInvalidRequest")
        made = self.mailbox.made_by(body.get("transactionId"))
        if made is not None and (made.is_deleted or made.made_by != body):
            raise Refusal(409, "ErrorDuplicateTransactionId")
        if made is None:
            made = Event(new_id(), calendar.calendar_id, *_NOON)
            made.made_by, made.transaction = body, body.get("transactionId")
            _write(made, body)
            self.mailbox.add(made)
            self._tell(made, "created")
        return Answer.of(201, shown_event(made, is_text=_is_text(ask)))

    def change(self, ask: Ask, calendar_id: str, event_id: str) -> Answer:
        event = self._there(event_id, calendar_id)
        etag = ask.headers.get("if-match")
        if etag not in (None, event.etag):
            raise Refusal(412, "ErrorIrresolvableConflict")
        _write(event, ask.body)
        self.mailbox.touch(event)
        self._tell(event, "updated")
        return Answer.of(200, shown_event(event, is_text=_is_text(ask)))

    def delete(self, ask: Ask, calendar_id: str, event_id: str) -> Answer:
        event = self._there(event_id, calendar_id)
        self.mailbox.delete(event)
        self._tell(event, "deleted")
        return Answer(204)

    def _tell(self, event: Event, change: str) -> None:
        self.told.append((event.calendar_id, change, event.event_id))

    # What all of them need

    def _calendar(self, quoted: str) -> Calendar:
        calendar = self.mailbox.calendars.get(unquote(quoted))
        if calendar is not None:
            return calendar
        if unquote(quoted).startswith("AAMk"):
            raise Refusal(404, "ErrorItemNotFound")
        raise Refusal(400, "ErrorInvalidIdMalformed")

    def _there(self, quoted: str, calendar: str | None) -> Event:
        event_id = unquote(quoted)
        calendar_id = None if calendar is None else unquote(calendar)
        event = self.mailbox.event(event_id, calendar_id)
        if event is not None:
            return event
        if event_id.startswith("AAMk"):
            raise Refusal(404, "ErrorItemNotFound")
        raise Refusal(400, "ErrorInvalidIdMalformed")

    def _event(self, ask: Ask, told: Json, event: Event | None = None) -> Json:
        """Return what was selected and expanded of an event."""
        query = ask.query
        if not _is_text(ask) and event is not None:
            told = told | {"body": shown_event(event, is_text=False)["body"]}
        if "$select" in query:
            names = {"@odata.etag", "id", *query["$select"].split(",")}
            told = {name: it for name, it in told.items() if name in names}
        if "$expand" in query and event is not None:
            told = told | _expanded(event, query["$expand"])
        return told

    def _paged(self, ask: Ask, items: list[Json]) -> Answer:
        skip, size = int(ask.query.get("$skip", "0")), _size(ask)
        page: Json = {"value": items[skip : skip + size]}
        if skip + size < len(items):
            rest = [
                *_without_skip(ask.target.partition("?")[2]),
                f"$skip={skip + size}",
            ]
            link = f"{self._base(ask)}?{'&'.join(rest)}"
            page["@odata.nextLink"] = link
        return Answer.of(200, page)


_NOON = (datetime(2026, 1, 1, 12, tzinfo=UTC),) * 2


def _without_skip(query: str) -> Iterable[str]:
    return (e for e in query.split("&") if e and not e.startswith("$skip="))


def _size(ask: Ask) -> int:
    """Return how many there are on a page: as many as are wanted, up to a bound."""
    wanted = _SIZE.search(ask.headers.get("prefer", ""))
    return min(int(wanted[1]) if wanted else 10, MOST_A_PAGE)


def _is_text(ask: Ask) -> bool:
    return 'outlook.body-content-type="text"' in ask.headers.get("prefer", "")


def _expanded(event: Event, expand: str) -> Json:
    wanted = _EXPAND.fullmatch(expand)
    if wanted is None:
        raise Refusal(400, "BadRequest")
    value = event.properties.get(wanted[1])
    if value is None:
        return {}
    return {"singleValueExtendedProperties": [{"id": wanted[1], "value": value}]}


def _calendar(calendar: Calendar) -> Json:
    return {
        "id": calendar.calendar_id,
        "name": calendar.name,
        "color": "auto",
        "hexColor": "",
        "isDefaultCalendar": calendar.is_default,
        "changeKey": "nfZyf7VcrEKLNoU37KWlkQAAA0x0+w==",
        "canShare": calendar.can_edit,
        "canViewPrivateItems": True,
        "canEdit": calendar.can_edit,
        "allowedOnlineMeetingProviders": ["teamsForBusiness"],
        "defaultOnlineMeetingProvider": "teamsForBusiness",
        "isTallyingResponses": True,
        "isRemovable": not calendar.is_default,
        "owner": {"name": "Ann", "address": "ann@example.test"},
    }


def _write(event: Event, body: Json) -> None:
    """Take over what a body has; what it lacks stays as it was."""
    event.subject = body.get("subject", event.subject)
    event.text = body.get("body", {}).get("content", event.text)
    event.place = body.get("location", {}).get("displayName", event.place)
    event.is_all_day = body.get("isAllDay", event.is_all_day)
    event.show_as = body.get("showAs", event.show_as)
    if "start" in body:
        event.start, event.end = (_moment(body[edge]) for edge in ("start", "end"))
        event.zone = body["start"]["timeZone"]
    for each in body.get("singleValueExtendedProperties", ()):
        event.properties[each["id"]] = each["value"]


def _moment(written: Json) -> datetime:
    assert written["timeZone"] == "UTC"
    return datetime.fromisoformat(written["dateTime"]).replace(tzinfo=UTC)
