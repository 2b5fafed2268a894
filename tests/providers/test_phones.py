"""Phone numbers as they are compared, and as they are searched for."""

import pytest

from universal_calendar.providers._phones import international, searched


@pytest.mark.parametrize(
    ("text", "compared", "sought"),
    [
        ("(212) 555-1234", "+12125551234", "2125551234"),
        ("+1 212 555 1234", "+12125551234", "2125551234"),
        ("+49 30 123456", "+4930123456", "30123456"),
        ("ask at reception", None, ""),
        ("room 7", "7", "7"),
        ("", None, ""),
    ],
)
def test_number(text: str, compared: str | None, sought: str) -> None:
    assert international(text) == compared
    assert searched(text) == sought


def test_no_number_is_none() -> None:
    assert international(None) is None
