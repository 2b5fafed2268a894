"""What can go wrong at a provider, by what follows from it.

    ProviderError
    ├── Throttled        too many requests; knows when to come back
    ├── ProviderDown     unreachable, too slow, or its own fault
    ├── NotAuthorized    the owner must connect again
    ├── EventChanged     the event is not as we knew it
    │   └── EventGone    it was deleted; its id cannot be used again
    ├── SyncTokenStale   everything must be read again
    ├── LooksEmpty       so much is gone that its owner is asked first
    └── Rejected         the same request will be refused again

No message of a provider is kept: it may quote what was sent.
"""

from universal_calendar.core.errors import UniversalCalendarError


class ProviderError(UniversalCalendarError):
    """A provider did not do what it was asked."""


class Throttled(ProviderError):
    """The provider asks to come back later."""

    def __init__(self, retry_after: float | None = None) -> None:
        """Take the seconds to wait, None where the provider did not say."""
        self.retry_after = retry_after
        super().__init__()


class ProviderDown(ProviderError):
    """The provider cannot be reached or failed."""


class NotAuthorized(ProviderError):
    """The provider no longer accepts the connection's credentials."""


class EventChanged(ProviderError):
    """The event was changed at the provider since it was last seen."""

    def __init__(self, event_id: str | None = None) -> None:
        """Take the event's id there, where it was found out."""
        self.event_id = event_id
        super().__init__()


class EventGone(EventChanged):
    """The event was deleted at the provider, and its key is burnt."""


class SyncTokenStale(ProviderError):
    """The provider no longer knows what changed since then; read everything again."""


class LooksEmpty(ProviderError):
    """A calendar suddenly has so little in it that this is not believed."""


class Rejected(ProviderError):
    """The provider refused the request for good."""
