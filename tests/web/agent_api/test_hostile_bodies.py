"""Bodies that nobody writes by accident: a 4xx in JSON that repeats nothing of them."""

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.web.api import BOOKING, Api, day_after

LARGEST_BODY = 256 * 1024
MARK = "e7b1c0"  # in every body here; in no answer
NAME = "participant_name"


def whole(**fields: str) -> str:
    """Write a booking in JSON; the fields are JSON themselves."""
    booking = {
        "agent_id": '"47addfec-f4cd-41e2-b6ec-6a5e949fe754"',
        "participant_name": f'"{MARK}"',
        "booking_date": f'"{day_after(1)}"',
        "booking_time": '"10:00"',
    }
    return "{" + ",".join(f'"{k}":{v}' for k, v in (booking | fields).items()) + "}"


HOSTILE = {
    "nothing": b"",
    "blanks": b"  \n",
    "null": b"null",
    "number": b"5",
    "true": b"true",
    "string": f'"{MARK}"'.encode(),
    "array": f'["{MARK}"]'.encode(),
    "array of pairs": f'[["agent_id", "{MARK}"]]'.encode(),
    "half an object": f'{{"agent_id": "{MARK}'.encode(),
    "two objects": f'{{"a":"{MARK}"}}{{"b":"{MARK}"}}'.encode(),
    "form": f"agent_id={MARK}".encode(),
    "single quotes": f"{{'agent_id': '{MARK}'}}".encode(),
    "comment": f'{{"agent_id": "{MARK}" /* {MARK} */}}'.encode(),
    "NaN": whole(duration_minutes="NaN").encode(),
    "NaN where nobody looks": whole(other="NaN").encode(),
    "Infinity": whole(duration_minutes="-Infinity").encode(),
    "NUL in JSON": whole(participant_name=f'"{MARK}\\u0000"').encode(),
    "bare NUL": whole(participant_name=f'"{MARK}\0"').encode(),
    "bare newline in a string": whole(participant_name=f'"{MARK}\n"').encode(),
    "lone surrogate": whole(participant_name=f'"{MARK}\\ud800"').encode(),
    "lone surrogate as a name": whole(**{"\\udfff": "1"}).encode(),
    "lone surrogate in a key": whole(api_key='"\\ud800"').encode(),
    "surrogate in UTF-8": whole(participant_name=f'"{MARK}?"')
    .encode()
    .replace(b"?", b"\xed\xa0\x80"),
    "5,000 digits": whole(duration_minutes="9" * 5000).encode(),
    "5,000 digits as a date": whole(booking_date="9" * 5000).encode(),
    "5,000 digits of a fraction": whole(duration_minutes="45." + "0" * 5000).encode(),
    "enormous exponent": whole(duration_minutes="1e5000").encode(),
    "deep arrays": ("[" * 100_000).encode(),
    "deep arrays, closed": ("[" * 50_000 + "]" * 50_000).encode(),
    "deep objects": ('{"a":' * 20_000).encode(),
    "deep name": whole(participant_name="[" * 900 + "]" * 900).encode(),
    "invalid UTF-8": whole(participant_name=f'"{MARK}?"')
    .encode()
    .replace(b"?", b"\xff"),
    "Latin-1": whole(participant_name=f'"{MARK}ü"').encode("latin-1"),
    "UTF-16": whole().encode("utf-16"),
    "UTF-8 with a mark": b"\xef\xbb\xbf" + whole().encode(),
    "compressed": b"\x1f\x8b\x08\x00" + MARK.encode(),
}


def assert_dialect(answer: httpx2.Response) -> None:
    assert answer.headers["content-type"] == "application/json"
    assert "detail" in answer.json()
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_body_with_a_key(case: str, shared: Api) -> None:
    answer = shared.send(HOSTILE[case])
    assert answer.status_code == 422, answer.text
    assert_dialect(answer)
    for problem in answer.json()["detail"]:
        assert problem.keys() == {"loc", "msg", "type"}
    assert MARK not in answer.text
    assert str(shared.api_key) not in answer.text


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_body_without_a_key(case: str, shared: Api) -> None:
    answer = shared.with_key(None).send(HOSTILE[case])
    assert answer.status_code == 401, answer.text
    assert answer.json() == {"detail": "Invalid API key"}


def test_422_repeats_neither_key_nor_fields(shared: Api) -> None:
    secret = str(shared.api_key)
    answer = shared.with_key(None).book(
        MARK, MARK, api_key=secret, participant_email=MARK, duration_minutes=MARK
    )
    assert answer.status_code == 422
    assert MARK not in answer.text
    assert secret not in answer.text


def test_the_last_of_two_equal_names_counts(shared: Api) -> None:
    twice = whole(duration_minutes='"45"').replace("}", ',"duration_minutes":45.5}')
    assert shared.send(twice.encode()).status_code == 422
    good_last = whole(duration_minutes='"45"').replace("}", ',"duration_minutes":45}')
    assert shared.send(good_last.encode()).status_code == 404


def test_deep_nesting_that_nobody_looks_at_is_ignored(shared: Api) -> None:
    deep = whole(other="[" * 900 + "]" * 900)
    assert shared.send(deep.encode()).status_code == 404


def padded(size: int) -> bytes:
    """Return a booking of exactly so many bytes."""
    empty = whole(description='""')
    return whole(description='"' + "a" * (size - len(empty)) + '"').encode()


def test_largest_body(shared: Api) -> None:
    assert len(padded(LARGEST_BODY)) == LARGEST_BODY
    assert shared.send(padded(LARGEST_BODY)).status_code == 404


TOO_LARGE = {
    "detail": "The body is larger than 256 KiB.",
    "code": "payload_too_large",
}


@pytest.mark.parametrize("size", [LARGEST_BODY + 1, 3_000_000])
def test_body_that_is_too_large(size: int, shared: Api) -> None:
    answer = shared.send(padded(size))
    assert (answer.status_code, answer.json()) == (413, TOO_LARGE)
    assert_dialect(answer)


def test_body_that_is_too_large_in_chunks(shared: Api) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(30):
            yield b"a" * 10_000

    answer = shared.send(chunks())  # type: ignore[arg-type]  # any iterable of bytes
    assert (answer.status_code, answer.json()) == (413, TOO_LARGE)
    assert_dialect(answer)


def test_announced_size_is_enough_to_refuse(shared: Api) -> None:
    address = urlsplit(shared.url).netloc
    with closing(http.client.HTTPConnection(address, timeout=3)) as connection:
        connection.putrequest("POST", BOOKING)
        connection.putheader("X-API-Key", str(shared.api_key))
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", "1000000000")
        connection.endheaders(b"{")
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())) == (413, TOO_LARGE)


@pytest.mark.parametrize(
    "media_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "json",
    ],
)
def test_other_media_types(media_type: str, shared: Api) -> None:
    answer = shared.send(whole().encode(), media_type)
    assert answer.status_code == 415
    assert answer.json() == {
        "detail": "Send the body as Content-Type: application/json.",
        "code": "unsupported_media_type",
    }
    assert_dialect(answer)


@pytest.mark.parametrize(
    "media_type",
    ["application/json", "Application/JSON; charset=utf-8", "application/x.y+json"],
)
def test_media_types_that_are_json(media_type: str, shared: Api) -> None:
    assert shared.send(whole().encode(), media_type).status_code == 404


@pytest.mark.parametrize(
    ("path", "allowed"),
    [(BOOKING, "POST"), ("/api/calendar/free-slots/x", "GET")],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"])
def test_other_methods(method: str, path: str, allowed: str, shared: Api) -> None:
    if method == allowed:
        return
    answer = shared.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == allowed
    assert answer.headers["x-request-id"]
    if method != "HEAD":
        text = {"detail": "Method Not Allowed", "code": "method_not_allowed"}
        assert answer.json() == text
