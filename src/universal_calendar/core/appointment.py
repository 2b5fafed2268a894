"""An appointment's life: its statuses and the steps between them."""

from enum import StrEnum
from typing import Final

from universal_calendar.core.errors import FinalStatus


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


def check_step(current: AppointmentStatus, wanted: AppointmentStatus) -> None:
    """Raise FinalStatus where no step leads from one status to the other."""
    if wanted not in _STEPS[current]:
        raise FinalStatus(f"An appointment that is {current} cannot become {wanted}")
