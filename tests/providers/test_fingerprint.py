"""What our mark on an event tells of who wrote to it last."""

from dataclasses import replace
from uuid import UUID

import pytest

from tests.contracts.drafts import TENANT, a_draft, later
from universal_calendar.providers._fingerprint import (
    NAMES,
    Finding,
    appointment_of,
    compare,
    mark_of,
)

SEEN = ["A title", None, ["FREQ=DAILY"], "2026-06-01T09:00:00Z"]


def test_as_drafted() -> None:
    mark = mark_of(a_draft(), SEEN)
    assert set(mark) == set(NAMES)
    assert compare(mark, SEEN, mark) is Finding.AS_DRAFTED
    assert compare({**mark, "more": "x"}, SEEN, mark) is Finding.AS_DRAFTED


def test_later_draft_won() -> None:
    found = mark_of(replace(a_draft(), sequence=10), SEEN)
    wanted = mark_of(replace(a_draft(), sequence=9), ["Another title"])
    assert compare(found, SEEN, wanted) is Finding.AS_DRAFTED
    assert compare(wanted, ["Another title"], found) is Finding.OURS


def test_left_as_it_was() -> None:
    found, wanted = mark_of(a_draft(), SEEN), mark_of(later(a_draft()), SEEN)
    assert compare(found, SEEN, wanted) is Finding.OURS


@pytest.mark.parametrize("place", range(len(SEEN)))
def test_whatever_is_seen_is_noticed(place: int) -> None:
    found, wanted = mark_of(a_draft(), SEEN), mark_of(later(a_draft()), SEEN)
    edited = [*SEEN[:place], "edited", *SEEN[place + 1 :]]
    assert compare(found, edited, wanted) is Finding.CHANGED


@pytest.mark.parametrize("name", ["appointmentId", "fingerprint"])
@pytest.mark.parametrize("value", [None, "", "x", 7])
def test_mark_that_others_wrote_to(name: str, value: object) -> None:
    wanted = mark_of(a_draft(), SEEN)
    assert compare({**wanted, name: value}, SEEN, wanted) is Finding.CHANGED


@pytest.mark.parametrize("value", [None, "", "many", []])
def test_sequence_that_others_wrote_to(value: object) -> None:
    wanted = mark_of(a_draft(), SEEN)
    assert compare({**wanted, "sequence": value}, SEEN, wanted) is Finding.OURS


def test_appointment() -> None:
    mark = mark_of(a_draft(), SEEN)
    assert appointment_of(mark, TENANT) == a_draft().appointment_id
    assert appointment_of(mark, UUID(int=1)) is None
    assert appointment_of({}, TENANT) is None
    assert appointment_of({**mark, "appointmentId": "x"}, TENANT) is None
