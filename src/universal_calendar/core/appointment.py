"""An appointment's life: its statuses and the steps between them."""

from enum import StrEnum
from typing import Final

from universal_calendar.core.agenda import Authority
from universal_calendar.core.errors import FinalStatus

NORMAL: Final = "normal"
EMERGENCY: Final = "emergency"


class AppointmentStatus(StrEnum):
    """Where an appointment stands; the clock alone changes none."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"

    @property
    def holds_time(self) -> bool:
        """Tell whether the appointment keeps its claim on the agent's time."""
        return self not in (AppointmentStatus.CANCELLED, AppointmentStatus.NO_SHOW)

    @property
    def is_final(self) -> bool:
        """Tell whether no step leads on from here, nor any other change."""
        return not _STEPS[self]


_STEPS: Final[dict[AppointmentStatus, frozenset[AppointmentStatus]]] = {
    AppointmentStatus.PENDING: frozenset(
        {AppointmentStatus.CONFIRMED, AppointmentStatus.CANCELLED}
    ),
    AppointmentStatus.CONFIRMED: frozenset(
        {
            AppointmentStatus.IN_PROGRESS,
            AppointmentStatus.COMPLETED,
            AppointmentStatus.CANCELLED,
            AppointmentStatus.NO_SHOW,
        }
    ),
    AppointmentStatus.IN_PROGRESS: frozenset(
        {AppointmentStatus.COMPLETED, AppointmentStatus.CANCELLED}
    ),
    AppointmentStatus.COMPLETED: frozenset(),
    AppointmentStatus.CANCELLED: frozenset(),
    AppointmentStatus.NO_SHOW: frozenset(),
}


def check_open(status: AppointmentStatus) -> None:
    """Raise FinalStatus for what can be changed no more."""
    if status.is_final:
        raise FinalStatus(f"An appointment that is {status} cannot be changed")


def check_step(current: AppointmentStatus, wanted: AppointmentStatus) -> None:
    """Raise FinalStatus where no step leads from one status to the other."""
    if wanted not in _STEPS[current]:
        raise FinalStatus(f"An appointment that is {current} cannot become {wanted}")


def authority_of(urgency: str, *, is_forced: bool = False) -> Authority:
    """Return what a booking of this urgency may pass; any text but "emergency": little.

    Who may force a booking has been judged before.
    """
    if is_forced:
        return Authority.FORCED
    return Authority.EMERGENCY if urgency == EMERGENCY else Authority.ORDINARY
