"""The statuses of an appointment and the steps between them, as decided."""

from itertools import product

import pytest

from universal_calendar.core.agenda import Authority
from universal_calendar.core.appointment import (
    AppointmentStatus,
    authority_of,
    check_open,
    check_step,
)
from universal_calendar.core.errors import FinalStatus

HOLDING = {"pending", "confirmed", "in_progress", "completed"}
STEPS = {
    ("pending", "confirmed"),
    ("pending", "cancelled"),
    ("confirmed", "in_progress"),
    ("confirmed", "completed"),
    ("confirmed", "cancelled"),
    ("confirmed", "no_show"),
    ("in_progress", "completed"),
    ("in_progress", "cancelled"),
}


def test_there_are_six_statuses() -> None:
    assert {str(status) for status in AppointmentStatus} == HOLDING | {
        "cancelled",
        "no_show",
    }


@pytest.mark.parametrize("status", list(AppointmentStatus))
def test_cancelled_and_no_show_free_the_time(status: AppointmentStatus) -> None:
    assert status.holds_time is (status in HOLDING)


@pytest.mark.parametrize(
    ("current", "wanted"), list(product(AppointmentStatus, repeat=2))
)
def test_no_other_step_leads_anywhere(
    current: AppointmentStatus, wanted: AppointmentStatus
) -> None:
    if (current, wanted) in STEPS:
        check_step(current, wanted)
        return
    sentence = f"^An appointment that is {current} cannot become {wanted}$"
    with pytest.raises(FinalStatus, match=sentence):
        check_step(current, wanted)


@pytest.mark.parametrize("status", list(AppointmentStatus))
def test_what_no_step_leads_on_from_cannot_be_changed(
    status: AppointmentStatus,
) -> None:
    if status in {current for current, _ in STEPS}:
        check_open(status)
        return
    with pytest.raises(FinalStatus, match=f"^An appointment that is {status} cannot"):
        check_open(status)


def test_what_an_urgency_may_pass() -> None:
    assert authority_of("emergency") is Authority.EMERGENCY
    assert authority_of("urgent") is Authority.ORDINARY
    assert authority_of("emergency", is_forced=True) is Authority.FORCED
