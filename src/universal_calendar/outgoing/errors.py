"""What can go wrong on the way to another server and back.

    OutgoingError
    ├── AddressRefused   nothing was sent: the URL leads where it must not
    ├── Unreachable      no connection, or it broke before the whole answer came
    ├── TimedOut         the answer was not there in time
    └── AnswerTooLarge   more was sent than may be kept

Messages name the host only: path and query may hold a secret.
"""

from universal_calendar.core.errors import UniversalCalendarError


class OutgoingError(UniversalCalendarError):
    """The other server could not be asked."""

    def __init__(self, host: str) -> None:
        """Take the host that was asked."""
        self.host = host
        super().__init__(f"{host}: {(self.__doc__ or '').rstrip('.')}")


class AddressRefused(OutgoingError):
    """The URL cannot be used, or does not lead to a public address."""


class Unreachable(OutgoingError):
    """The server cannot be reached, or broke off."""


class TimedOut(OutgoingError):
    """The server did not answer in time."""


class AnswerTooLarge(OutgoingError):
    """The server's answer is too large."""
