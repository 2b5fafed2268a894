"""What each field takes, and that anything else is a 422 that names the field."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from _pytest.mark import ParameterSet

from tests.web.api import BOOKING, FREE_SLOTS, Api, day_after

ARABIC_ONE = "\N{ARABIC-INDIC DIGIT ONE}"
FULLWIDTH_ONE = "\N{FULLWIDTH DIGIT ONE}"


def cases(table: Mapping[str, Sequence[object]]) -> list[ParameterSet]:
    """Name each field and value in the test's id."""
    return [
        pytest.param(field, value, id=f"{field}={value!a:.60}")
        for field, values in table.items()
        for value in values
    ]


def assert_refused(answer: httpx2.Response, where: str, field: str) -> None:
    assert answer.status_code == 422, answer.text
    (problem,) = answer.json()["detail"]
    assert problem.keys() == {"loc", "msg", "type"}
    assert problem["loc"] == [where, field]


WRONG: dict[str, list[Any]] = {
    "agent_id": [
        "",
        "47addfec",
        "47addfecf4cd41e2b6ec6a5e949fe754",
        "{47addfec-f4cd-41e2-b6ec-6a5e949fe754}",
        "urn:uuid:47addfec-f4cd-41e2-b6ec-6a5e949fe754",
        "47addfec-f4cd-41e2-b6ec-6a5e949fe75g",
        "47addfec-f4cd-41e2-b6ec-6a5e949fe754\n",
        f"47addfec-f4cd-41e2-b6ec-6a5e949fe75{ARABIC_ONE}",
        0,
        None,
        ["47addfec-f4cd-41e2-b6ec-6a5e949fe754"],
    ],
    "participant_name": ["", " ", "\t\n", "\u00a0", "a" * 256, "a\0b", 5, None, ["a"]],
    "participant_email": [
        "",
        "john",
        "@example.com",
        "john@",
        "john@@example.com",
        "john@example..com",
        "john@.com",
        "john smith@example.com",
        "john@example.com\n",
        "a" * 65 + "@example.com",
        "john@" + "a" * 251,
        "jo\0hn@example.com",
        5,
        {"address": "john@example.com"},
    ],
    "participant_phone": ["1" * 51, "1\0", 15550123, True, ["1"]],
    "booking_date": [
        "",
        "12/05/2025",
        "2026-12-5",
        "20261205",
        "2026-12-05T00:00:00",
        "2026-12-05\n",
        " 2026-12-05",
        "2027-02-29",
        "2026-13-01",
        "2026-00-10",
        "1969-12-31",
        "3000-01-01",
        "0001-01-01",
        "9999-12-31",
        f"202{ARABIC_ONE}-12-05",
        f"202{FULLWIDTH_ONE}-12-05",
        0,
        20261205,
        0.0,
        True,
        None,
        ["2026-12-05"],
    ],
    "booking_time": [
        "",
        "2:30 PM",
        "9:00",
        "0900",
        "24:00",
        "14:60",
        "14:30:01",
        "14:30:60",
        "14:30:00.5",
        "14:30Z",
        "14:30+00:00",
        "14:30\n",
        "14:30:00\n",
        " 14:30",
        "-1:30",
        f"{ARABIC_ONE}4:30",
        0,
        870,
        14.5,
        True,
        None,
        ["14:30"],
    ],
    "duration_minutes": [
        "45",
        "",
        45.5,
        45.0,
        True,
        False,
        0,
        -30,
        481,
        10**18,
        10**30,
        None,
        [45],
        {"minutes": 45},
    ],
    "description": ["a\0b", 5, True, ["text"], {"text": "text"}],
    "external_reference_id": ["a" * 256, "a\0b", 5, True, ["EXT"]],
}


@pytest.mark.parametrize(("field", "value"), cases(WRONG))
def test_refused_in_a_booking(field: str, value: Any, shared: Api) -> None:
    answer = shared.book(day_after(1), "03:00", **{field: value})
    assert_refused(answer, "body", field)


@pytest.mark.parametrize(
    "field", ["agent_id", "participant_name", "booking_date", "booking_time"]
)
def test_missing_in_a_booking(field: str, shared: Api) -> None:
    wish = shared.wish(day_after(1), "03:00")
    del wish[field]
    assert_refused(shared.request("POST", BOOKING, json=wish), "body", field)


def test_every_wrong_field_is_named_at_once(shared: Api) -> None:
    answer = shared.book("12/05/2025", "2:30 PM", duration_minutes="45")
    named = [problem["loc"] for problem in answer.json()["detail"]]
    assert named == [
        ["body", "booking_date"],
        ["body", "booking_time"],
        ["body", "duration_minutes"],
    ]


WRONG_IN_QUERY: dict[str, list[Any]] = {
    "start_date": WRONG["booking_date"],
    "end_date": ["12/05/2025", "2026-12-05\n", "", "0", "3000-01-01"],
    "duration_minutes": [
        "",
        "0",
        "481",
        "45.0",
        "45.5",
        "true",
        "+45",
        "-45",
        " 45",
        "45\n",
        "4_5",
        "1e2",
        "0x1e",
        "00045",
        f"{ARABIC_ONE}5",
        "9" * 5000,
    ],
}


@pytest.mark.parametrize(("field", "value"), cases(WRONG_IN_QUERY))
def test_refused_in_a_question(field: str, value: Any, shared: Api) -> None:
    day = day_after(1)
    asked = {"start_date": day, "end_date": day} | {field: value}
    answer = shared.free_slots(asked.pop("start_date"), asked.pop("end_date"), **asked)
    assert_refused(answer, "query", field)


@pytest.mark.parametrize("field", ["start_date", "end_date"])
def test_missing_in_a_question(field: str, shared: Api) -> None:
    asked = {"start_date": "2026-12-01", "end_date": "2026-12-01"}
    del asked[field]
    path = f"{FREE_SLOTS}/{shared.agent_id}"
    assert_refused(shared.request("GET", path, params=asked), "query", field)


@pytest.mark.parametrize(
    "agent", [wrong for wrong in WRONG["agent_id"] if isinstance(wrong, str) and wrong]
)
def test_refused_in_the_path(agent: str, shared: Api) -> None:
    asked = {"start_date": "2026-12-01", "end_date": "2026-12-01"}
    answer = shared.request("GET", f"{FREE_SLOTS}/{quote(agent)}", params=asked)
    assert_refused(answer, "path", "agent_id")


# None of these agents opens at 03:00: what is accepted as a field is refused as a time.
ACCEPTED: dict[str, list[Any]] = {
    "participant_name": [
        "O'Brien; DROP TABLE agents",
        "李小龍",
        "👩‍🚒",
        "a" * 255,
        " a",
    ],
    "participant_email": [
        None,
        "john@example.com",
        "john@example.test",
        "john@printer.local",
        "john@localhost",
        "o'brien+calls@sub.example.co.uk",
        "jörg@exämple.de",
        "a" * 64 + "@example.com",
        "j@" + "a" * 253,
    ],
    "participant_phone": [None, "", "+1-555-0123", "ask at reception", "☎", "1" * 50],
    "booking_time": ["03:00", "03:00:00", "00:00", "23:59"],
    "duration_minutes": [1, 45, 480],
    "description": [None, "", "text\nwith\tlines", "a" * 100_000],
    "external_reference_id": [None, "", "EXT-BOOKING-12345", "a" * 255, "參考"],
    "api_key": ["another", None, 5],
    "unknown_field": ["ignored", None, {"deep": [1, 2.5, {}]}],
}


@pytest.mark.parametrize(("field", "value"), cases(ACCEPTED))
def test_accepted_in_a_booking(field: str, value: Any, shared: Api) -> None:
    answer = shared.book(day_after(2), "03:00", **{field: value})
    assert answer.status_code == 409, answer.text


def test_agent_id_in_capitals_is_echoed_in_small_letters(api: Api) -> None:
    shouted, day = api.with_agent(api.agent_id.upper()), day_after(1)
    assert shouted.free_slots(day).json()["agent_id"] == api.agent_id
    assert shouted.book(day, "10:00").json()["details"]["agent_id"] == api.agent_id


@pytest.mark.parametrize(
    "agent",
    [
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        "AAAAAAAA-AAAA-7AAA-0AAA-AAAAAAAAAAAA",
    ],
)
def test_uuids_of_any_version_are_read(agent: str, shared: Api) -> None:
    answer = shared.with_agent(agent).free_slots(day_after(1))
    assert answer.status_code == 404
    assert answer.json()["detail"].endswith(agent.lower())


@pytest.mark.parametrize("day", ["1970-01-01", "2096-02-29", "2999-12-31"])
def test_first_and_last_days_are_read(day: str, shared: Api) -> None:
    assert shared.free_slots(day).json()["available_slots"] == []
    assert shared.book(day, "10:00").status_code == 400
