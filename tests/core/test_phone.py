"""Phone numbers are normalised as well as can be, and never refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from universal_calendar.core.phone import normalized_phone


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+1 (415) 555-2671", "+14155552671"),
        ("+1-555-0123", "+15550123"),  # the guide's own, which no network has
        ("+49 30 123456", "+4930123456"),
        ("tel:+14155552671", "+14155552671"),
        (
            "+\u0661\u0664\u0661\u0665\u0665\u0665\u0665\u0662\u0666\u0667\u0661",
            "+14155552671",
        ),
        ("(415) 555-2671", "4155552671"),
        ("ask at reception", ""),
        ("", ""),
        ("+", ""),
        ("12", "12"),
    ],
)
def test_international_numbers_become_e164_and_others_their_digits(
    text: str, expected: str
) -> None:
    assert normalized_phone(text) == expected


@given(st.one_of(st.text(max_size=50), st.from_regex(r"\+?[0-9 ().\-x]{0,50}")))
def test_no_text_is_refused(text: str) -> None:
    normal = normalized_phone(text)
    assert normal.removeprefix("+").isascii()
    assert not normal or normal.removeprefix("+").isdigit()


@given(st.from_regex(r"\A\+1[2-9][0-9]{9}\Z"))
def test_a_normal_number_stays_as_it_is(text: str) -> None:
    assert normalized_phone(text) == text
