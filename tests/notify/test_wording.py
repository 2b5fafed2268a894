"""What customers read."""

from dataclasses import replace

import pytest

from tests.notify.building import SNAPSHOT
from universal_calendar.notify.wording import letter, one_line, sentence, subject
from universal_calendar.services.ports.notices import NoticeKind

APPOINTMENT_KINDS = [kind for kind in NoticeKind if kind is not NoticeKind.TEST]


def test_a_letter_has_the_facts_in_the_clocks_of_the_place() -> None:
    assert letter(NoticeKind.CREATED, SNAPSHOT) == (
        "Hello Qwynneth Canaryfield,\n"
        "\n"
        "your appointment with Acme Plumbing is booked for Tuesday, 5 January 2027,"
        " 06:00 (America/Los_Angeles).\n"
        "\n"
        "What:  Kitchen sink\n"
        "When:  Tuesday, 5 January 2027, 06:00 (America/Los_Angeles) to 08:00\n"
        "With:  Ann, Acme Plumbing\n"
        "Where: 7 Peppercorn Way, Los Angeles\n"
    )


def test_an_end_on_another_day_says_which() -> None:
    late = replace(SNAPSHOT, end="2027-01-06T09:00:00Z", customer_name="", address=None)
    assert "to Wednesday, 6 January 2027, 01:00" in letter(NoticeKind.CREATED, late)
    assert letter(NoticeKind.CREATED, late).startswith("Hello,\n")
    assert "Where" not in letter(NoticeKind.CREATED, late)


@pytest.mark.parametrize("kind", APPOINTMENT_KINDS)
def test_every_kind_has_words_of_its_own(kind: NoticeKind) -> None:
    for text in (subject(kind, SNAPSHOT), sentence(kind, SNAPSHOT)):
        assert "Acme Plumbing" in text
        assert "5 January 2027, 06:00" in text
    others = {sentence(other, SNAPSHOT) for other in APPOINTMENT_KINDS}
    assert len(others) == len(APPOINTMENT_KINDS)


def test_what_is_not_confirmed_is_not_called_booked() -> None:
    pending = replace(SNAPSHOT, status="pending")
    assert "waits to be confirmed" in sentence(NoticeKind.CREATED, pending)


def test_one_line_is_one_line() -> None:
    assert one_line("a\r\nBcc: b\x00\u2028c\x85d\te  f ") == "a Bcc: b c d e f"
