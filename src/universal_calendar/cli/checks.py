"""A check of the doctor's: what was looked at, how it is, and the mend."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from universal_calendar.cli.errors import cause_of, explain
from universal_calendar.core.errors import DatabaseUnavailable, UniversalCalendarError

T = TypeVar("T")


class Status(StrEnum):
    """How a check ended."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """One finding; `mend` is given for what failed."""

    name: str
    status: Status
    detail: str
    mend: str | None = None


class Ailment(UniversalCalendarError):
    """Something is not as it must be."""

    def __init__(self, detail: str, mend: str) -> None:
        """Take what is wrong, and what to do about it."""
        super().__init__(detail)
        self.mend = mend


def attempt(name: str, make: Callable[[], T], mend: str) -> T | Check:
    """Return what is made, or a failed check; `mend` is for errors that bring none."""
    try:
        return make()
    except Ailment as ailment:
        return Check(name, Status.FAILED, str(ailment), ailment.mend)
    except DatabaseUnavailable as error:
        return Check(name, Status.FAILED, cause_of(error), mend)
    except Exception as error:
        advice = explain(error)
        if advice is None:
            raise
        return Check(name, Status.FAILED, advice, mend)


def examine(name: str, look: Callable[[], str], mend: str) -> Check:
    """Look, and report what was seen."""
    seen = attempt(name, look, mend)
    return seen if isinstance(seen, Check) else Check(name, Status.OK, seen)


def skipped(name: str, reason: str) -> Check:
    """Report what could not be looked at."""
    return Check(name, Status.SKIPPED, reason)
