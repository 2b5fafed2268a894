"""What follows from a provider's answer."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from tests.outgoing.raw_server import answer, raw_server
from universal_calendar.clock import utc_now
from universal_calendar.core.provider_errors import (
    EventChanged,
    EventGone,
    NotAuthorized,
    ProviderDown,
    ProviderError,
    Rejected,
    Throttled,
)
from universal_calendar.outgoing.http import (
    OutgoingRequest,
    OutgoingResponse,
    Sender,
)
from universal_calendar.providers._http import ProviderHttp, error_of, json_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
async def http() -> AsyncIterator[ProviderHttp]:
    sender = Sender(is_guarded=False, largest_answer=1000)
    yield ProviderHttp(sender, utc_now)
    await sender.close()


def error_for(status: int, **headers: str) -> ProviderError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return error_of(OutgoingResponse(status, named, b"a secret"), NOW)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, Rejected),
        (400, Rejected),
        (401, NotAuthorized),
        (403, Rejected),
        (404, EventGone),
        (405, Rejected),
        (408, ProviderDown),
        (409, EventChanged),
        (410, EventGone),
        (412, EventChanged),
        (422, Rejected),
        (425, ProviderDown),
        (429, Throttled),
        (500, ProviderDown),
        (501, ProviderDown),
        (503, ProviderDown),
        (599, ProviderDown),
    ],
)
def test_error_of_a_status(status: int, error: type[ProviderError]) -> None:
    assert type(error_for(status)) is error


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("7", 7),
        (" 120 ", 120),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30),
        ("Sunday, 01-Mar-26 12:00:30 GMT", 30),
        ("Sun Mar  1 12:00:30 2026", 30),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
    ],
)
def test_retry_after(status: int, text: str, seconds: float) -> None:
    error = error_for(status, retry_after=text)
    assert isinstance(error, Throttled)
    assert error.retry_after == seconds


def test_date_is_read_by_the_clock_of_who_wrote_it() -> None:
    error = error_for(
        429,
        retry_after="Sun, 01 Mar 2026 15:00:30 GMT",
        date="Sun, 01 Mar 2026 15:00:00 GMT",
    )
    assert isinstance(error, Throttled)
    assert error.retry_after == 30


@pytest.mark.parametrize(
    "text", ["", "soon", "-1", "1.5", "1e9", "\u0661", "9" * 5000, "Sun, 99 Foo"]
)
def test_retry_after_that_says_nothing(text: str) -> None:
    error = error_for(429, retry_after=text)
    assert isinstance(error, Throttled)
    assert error.retry_after is None
    assert type(error_for(503, retry_after=text)) is ProviderDown


@pytest.mark.parametrize("status", [301, 400, 401, 404, 409, 429, 500])
def test_error_keeps_nothing_of_the_body(status: int) -> None:
    error = error_for(status)
    assert "secret" not in repr(error) + str(error) + repr(vars(error))


async def test_expected_status_is_no_error(http: ProviderHttp) -> None:
    async with raw_server(answer(b"", "409 Conflict")) as server:
        request = OutgoingRequest("GET", server.url)
        assert (await http.send(request, seconds=5, expected=(409,))).status == 409
        with pytest.raises(EventChanged):
            await http.send(request, seconds=5)


async def test_redirect_is_an_error(http: ProviderHttp) -> None:
    found = answer(b"", "302 Found", "Location: http://127.0.0.1:9/")
    async with raw_server(found) as server:
        with pytest.raises(Rejected):
            await http.send(OutgoingRequest("GET", server.url), seconds=5)


async def test_answer_beyond_all_bounds(http: ProviderHttp) -> None:
    async with raw_server(answer(b"a" * 2000)) as server:
        with pytest.raises(Rejected):
            await http.send(OutgoingRequest("GET", server.url), seconds=5)


@pytest.mark.parametrize("url", ["ftp://example.com", "http://", "nonsense"])
async def test_address_that_is_none(http: ProviderHttp, url: str) -> None:
    with pytest.raises(Rejected):
        await http.send(OutgoingRequest("GET", url), seconds=5)


@pytest.mark.parametrize("content", [b"", b"<html>Hi</html>", b"[]", b"\xff", b"7"])
def test_what_is_no_json_object(content: bytes) -> None:
    with pytest.raises(ProviderDown) as caught:
        json_of(OutgoingResponse(200, {}, content))
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("escaped", "expected"),
    [
        (rb"cut \ud83d", "cut \ufffd"),
        (rb"\uDE00\uD83D\n", "\ufffd\ufffd\n"),
        (rb"\ud83d\ud83d\ude00", "\ufffd\U0001f600"),
        (rb"\\ud83d \ud83d", "\\ud83d \ufffd"),
    ],
)
def test_half_a_character_hides_nothing_else(escaped: bytes, expected: str) -> None:
    content = b'{"title": "%s", "id": "1"}' % escaped
    found = json_of(OutgoingResponse(200, {}, content))
    assert found == {"title": expected, "id": "1"}
