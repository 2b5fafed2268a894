"""The discovery document refuses what is wrong: else it would prove nothing."""

import json
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.providers.google import discovery
from tests.providers.google.discovery import PREFIX, Breach
from tests.providers.google.wire import Answer, Json, Request

EVENT: Json = {
    "summary": "A title",
    "start": {"dateTime": "2026-06-01T09:00:00Z", "timeZone": "UTC"},
    "end": {"dateTime": "2026-06-01T10:00:00Z"},
}


def check(verb: str, target: str, body: Json | None = None) -> None:
    url = urlsplit(PREFIX + target)
    content = b"" if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json"} if content else {}
    request = Request(verb, url.path, parse_qsl(url.query), headers, content)
    method = discovery.method_of(verb, request.path)
    discovery.check_request(method, request)


def test_what_is_right() -> None:
    check("GET", "calendars/a/events?maxResults=250&singleEvents=true")
    check("POST", "calendars/a/events?sendUpdates=none", EVENT)
    check(
        "PATCH", "calendars/a/events/b", {"description": None, "start": {"date": None}}
    )


@pytest.mark.parametrize(
    ("verb", "target", "body"),
    [
        ("GET", "calendars/a/event", None),
        ("PUT", "calendars/a/events", None),
        ("GET", "calendars/a/events?maxResult=250", None),
        ("GET", "calendars/a/events?maxResults=0", None),
        ("GET", "calendars/a/events?maxResults=many", None),
        ("GET", "calendars/a/events?maxResults=1&maxResults=2", None),
        ("GET", "calendars/a/events?singleEvents=yes", None),
        ("GET", "calendars/a/events?timeMin=2026-06-01", None),
        ("GET", "calendars/a/events", EVENT),
        ("POST", "calendars/a/events?sendUpdates=nobody", EVENT),
        ("POST", "calendars/a/events", None),
        ("POST", "calendars/a/events", {"summary": "No start and no end"}),
        ("POST", "calendars/a/events", {**EVENT, "title": "A title"}),
        ("POST", "calendars/a/events", {**EVENT, "summary": None}),
        ("POST", "calendars/a/events", {**EVENT, "end": {"dateTime": "at ten"}}),
        ("POST", "calendars/a/events", {**EVENT, "end": {"time": "10:00"}}),
        ("POST", "freeBusy", {"items": [{"calendar": "a"}]}),
        ("POST", "channels/stop", {"id": "a", "resource": "b"}),
        ("POST", "calendars/a/events/watch", {"expiration": "soon"}),
    ],
)
def test_what_is_wrong(verb: str, target: str, body: Json | None) -> None:
    with pytest.raises(Breach):
        check(verb, target, body)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200),
        Answer(200, {}),
        Answer(200, {"kind": "calendar#events", "events": []}),
        Answer(200, {"kind": "calendar#events", "items": [{"etag": 7}]}),
        Answer(404, {}),
        Answer(404, {"error": {"code": "404", "message": "", "errors": []}}),
    ],
)
def test_answer_that_is_wrong(answer: Answer) -> None:
    method = discovery.method_of("GET", f"{PREFIX}calendars/a/events")
    with pytest.raises(Breach):
        discovery.check_answer(method, answer, is_partial=False)
