"""What a provider is here: a manifest, and the protocols that it implements."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from universal_calendar.outgoing.http import Sender
from universal_calendar.services.ports.calendars import (
    CalendarProvider,
    CalendarReader,
    PushProvider,
)


class Capability(StrEnum):
    """What a provider can do; each is a protocol in `services.ports.calendars`."""

    WRITES_EVENTS = "writes_events"
    READS_CHANGES = "reads_changes"
    PUSHES = "pushes"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a provider is.

    `credentials` are the names that connecting takes; one that is for development only
    is refused everywhere else.
    """

    slug: str
    name: str
    capabilities: frozenset[Capability]
    credentials: tuple[str, ...]
    is_for_development: bool = False


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider, opened; None for what its manifest does not claim."""

    manifest: Manifest
    calendars: CalendarProvider | None
    reader: CalendarReader | None
    pushes: PushProvider | None


Now: TypeAlias = Callable[[], datetime]
Factory: TypeAlias = Callable[[Sender, Now], Provider]
"""Opens a provider. It sends through the sender, which stays its giver's to close."""
