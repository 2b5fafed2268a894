"""What dates, times, ids and addresses look like, and what only looks like one."""

from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from universal_calendar.core.errors import InvalidField
from universal_calendar.core.wire import (
    LONGEST_EMAIL,
    clock_label,
    parse_date,
    parse_email,
    parse_time,
    parse_uuid,
)

CANONICAL = "47addfec-f4cd-41e2-b6ec-6a5e949fe754"


@given(st.dates(date(1970, 1, 1), date(2999, 12, 31)))
def test_a_date_is_read_as_it_is_written(day: date) -> None:
    assert parse_date(day.isoformat()) == day


@pytest.mark.parametrize(
    "text",
    [
        "1969-12-31",
        "3000-01-01",
        "0000-00-00",
        "9999-12-31",
        "2026-13-01",
        "2026-00-10",
        "2026-02-30",
        "2026-02-29",
        "2100-02-29",
        "2026-04-31",
        "2026-06-00",
        "12/05/2025",
        "2026-6-1",
        "20260601",
        "2026-W23-1",
        "2026-152",
        "26-06-01",
        "2026-06-01T00:00",
        "2026-06-01\n",
        "\n2026-06-01",
        " 2026-06-01",
        "2026-06-01\0",
        "\u0662\u0660\u0662\u0666-\u0660\u0666-\u0660\u0661",
        "2026-06-0\uff11",
        "2026\u201006\u201001",
        "",
        "0",
        "\ud800",
        "2" * 5000,
    ],
)
def test_no_other_text_is_a_date(text: str) -> None:
    with pytest.raises(InvalidField, match=r"^start: use a date such as"):
        parse_date(text, "start")


@given(st.integers(0, 1439), st.sampled_from(["", ":00"]))
def test_a_time_is_read_as_it_is_written(minute: int, seconds: str) -> None:
    assert parse_time(clock_label(minute) + seconds) == minute


@pytest.mark.parametrize(
    "text",
    [
        "24:00",
        "23:60",
        "9:00",
        "09:0",
        "0900",
        "2:30 PM",
        "14:30:01",
        "14:30:0",
        "14:30:00.0",
        "14:30:00Z",
        "14:30Z",
        "14:30\n",
        "14:30:00\n",
        " 14:30",
        "14:30\0",
        "\u0661\u0664:\u0663\u0660",
        "1\uff14:30",
        "14\uff1a30",
        "-1:30",
        "+1:30",
        "",
        "14",
        "\ud800",
    ],
)
def test_no_other_text_is_a_time(text: str) -> None:
    with pytest.raises(InvalidField, match=r"^time: use a 24-hour time"):
        parse_time(text)


@given(st.uuids())
def test_an_id_is_read_in_either_case(identifier: UUID) -> None:
    text = str(identifier)
    assert parse_uuid(text) == parse_uuid(text.upper()) == identifier


@pytest.mark.parametrize(
    "text",
    [
        CANONICAL.replace("-", ""),
        f"{{{CANONICAL}}}",
        f"urn:uuid:{CANONICAL}",
        f"{CANONICAL}\n",
        f" {CANONICAL}",
        f"{CANONICAL}\0",
        CANONICAL[:-1],
        f"{CANONICAL}0",
        CANONICAL.replace("4", "\u0664", 1),
        CANONICAL.replace("a", "g", 1),
        "47addfecf4cd-41e2-b6ec-6a5e949fe754-",
        "",
        "default",
        "\ud800",
    ],
)
def test_no_other_text_is_an_id(text: str) -> None:
    with pytest.raises(InvalidField, match=r"^agent_id: use a UUID such as"):
        parse_uuid(text, "agent_id")


@pytest.mark.parametrize("text", [str(UUID(int=0)), str(UUID(int=2**128 - 1))])
def test_an_id_may_be_of_any_version(text: str) -> None:
    assert str(parse_uuid(text.upper())) == text


@pytest.mark.parametrize(
    "text",
    [
        "john@example.com",
        "a@b",
        "o'neil+tag@mail.example.test",
        "x@host.local",
        "ünï@çödé.example",
        "john.@example.com",
        "a" * 64 + "@example.com",
        "a@" + "b." * 126 + "b",
    ],
)
def test_an_address_is_judged_by_its_syntax_alone(text: str) -> None:
    assert parse_email(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "john",
        "@example.com",
        "john@",
        "a@b@c",
        "john@.com",
        "john@example.",
        "john@ex..com",
        "jo hn@example.com",
        "john@example.com\n",
        " john@example.com",
        "john\0@example.com",
        "john@exam\0ple.com",
        "john@exa\u2028mple.com",
        "a" * 65 + "@example.com",
        "a@" + "b" * LONGEST_EMAIL,
        "john@example.com\0",
    ],
)
def test_no_other_text_is_an_address(text: str) -> None:
    with pytest.raises(InvalidField, match=r"^customer: use an address such as"):
        parse_email(text, "customer")


def test_an_address_may_be_255_long() -> None:
    longest = "a@" + "b" * (LONGEST_EMAIL - 2)
    assert len(parse_email(longest)) == 255


@pytest.mark.parametrize(
    ("minute", "label"),
    [(0, "00:00"), (9, "00:09"), (570, "09:30"), (1439, "23:59"), (1440, "00:00")],
)
def test_midnight_at_the_end_reads_as_zero(minute: int, label: str) -> None:
    assert clock_label(minute) == label
