"""What a provider is here: a manifest, and the protocols that it implements."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from universal_calendar.outgoing.http import Sender
from universal_calendar.services.ports.authorization import (
    AuthorizingProvider,
    Renewals,
)
from universal_calendar.services.ports.calendars import (
    CalendarProvider,
    CalendarReader,
    PushProvider,
)
from universal_calendar.services.ports.field_service import FieldServiceProvider
from universal_calendar.services.ports.quotas import Quota
from universal_calendar.services.ports.turns import Turns


class Capability(StrEnum):
    """What a provider can do; each is a protocol in `services.ports`."""

    WRITES_EVENTS = "writes_events"
    READS_CHANGES = "reads_changes"
    PUSHES = "pushes"
    AUTHORIZES = "authorizes"
    MANAGES_JOBS = "manages_jobs"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a provider is.

    `credentials` are what connecting takes where there is no OAuth; one that is for
    development only is refused everywhere else.
    """

    slug: str
    name: str
    capabilities: frozenset[Capability]
    credentials: tuple["Credential", ...] = ()
    is_for_development: bool = False


@dataclass(frozen=True, slots=True)
class Credential:
    """A field of the set-up page; `hint` tells its owner where to find it."""

    name: str
    label: str
    hint: str = ""
    is_secret: bool = True
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider, opened; None for what its manifest does not claim."""

    manifest: Manifest
    calendars: CalendarProvider | None
    reader: CalendarReader | None
    pushes: PushProvider | None
    authorizer: AuthorizingProvider | None = None
    field_service: FieldServiceProvider | None = None
    """Of a platform this is `calendars` and `reader` too."""


Now: TypeAlias = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class OAuthConfig:
    """Our registration with a provider, and where its servers are.

    `channel_minutes` is how long a channel by which it tells of changes may live, where
    we say so.
    """

    client_id: str
    client_secret: str = field(repr=False)
    authorize_url: str
    token_url: str
    api_url: str
    revoke_url: str | None = None
    channel_minutes: int = 4230


@dataclass(frozen=True, slots=True)
class PlatformConfig:
    """Where a field-service platform is, and how much may be asked of an account.

    `webhook_secret` signs its webhooks; None: none are received. `api_version` where
    the platform has such.
    """

    api_url: str
    requests_a_minute: int
    webhook_secret: str | None = field(default=None, repr=False)
    api_version: str | None = None


@dataclass(frozen=True, slots=True)
class Means:
    """What a provider is given to work with.

    `sender` goes to addresses of the settings, `guarded` to those that owners type, by
    http only if `allows_http`. `oauth` has the registrations that this installation
    has, and `platforms` the field-service platforms, by slug.
    """

    sender: Sender
    guarded: Sender
    now: Now
    renewals: Renewals
    quota: Quota
    turns: Turns
    oauth: Mapping[str, OAuthConfig] = field(default_factory=dict)
    platforms: Mapping[str, PlatformConfig] = field(default_factory=dict)
    allows_http: bool = False


Factory: TypeAlias = Callable[[Means], Provider | None]
"""Opens a provider; None where this installation is not registered with it.

It sends through its means' senders, which stay their giver's to close.
"""
