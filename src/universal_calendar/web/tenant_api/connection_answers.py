"""Connections as the tenant API writes them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from universal_calendar.core.instant import Instant, instant_text
from universal_calendar.services.connections.connecting import LIFETIME_SECONDS, Begun
from universal_calendar.services.ports.answers import Answer
from universal_calendar.services.ports.connections import (
    ConnectedCalendar,
    Connection,
    ConnectionStatus,
)
from universal_calendar.web.tenant_api.envelope import success
from universal_calendar.web.tenant_api.fields import Answered

Json = dict[str, Any]

SyncStatus = Literal["active", "error", "disabled"]
WhenSilent = Literal["open", "closed"]
DirectionName = Literal["bidirectional", "from_provider", "to_provider"]
OPEN: Final = "open"
CLOSED: Final = "closed"


class BegunAnswer(Answered):
    """Where the owner's browser is to go, within `expiresIn` seconds."""

    auth_url: str
    state: str
    expires_in: int


class FinishedAnswer(Answered):
    """A connected account; `calendarId` is its primary calendar's id there."""

    connected: Literal[True]
    connection_id: UUID
    provider: str
    calendar_id: str | None
    user_email: str
    sync_enabled: bool


class CalendarAnswer(Answered):
    """A calendar: `id` is the provider's, `calendarId` ours.

    `error` is what came of the last sync, if nothing good.
    """

    id: str
    calendar_id: UUID
    name: str
    primary: bool
    sync_enabled: bool
    writable: bool
    written_by_default: bool
    written_by_agent_ids: list[UUID]
    last_sync_at: datetime | None
    error: str | None


class ConnectionAnswer(Answered):
    """A connected account, and how it is used; without an agent it is everybody's."""

    connection_id: UUID
    provider: str
    account: str
    agent_id: UUID | None
    timezone: str | None
    status: Literal["active", "failing", "needs_reauthorization"]
    sync_status: SyncStatus
    direction: DirectionName
    when_silent: WhenSilent
    tentative_blocks: bool
    checks_live: bool
    last_sync_at: datetime | None
    failing_since: datetime | None
    next_retry_at: datetime | None
    calendars: list[CalendarAnswer]


class OneConnection(Answered):
    """A connection."""

    connection: ConnectionAnswer


class StatusAnswer(Answered):
    """The primary connection, and all of them."""

    connected: bool
    provider: str | None
    last_sync_at: datetime | None
    sync_status: SyncStatus
    calendar_count: int
    calendars: list[CalendarAnswer]
    connections: list[ConnectionAnswer]


class RemovedConnection(Answered):
    """The account is forgotten."""

    removed: Literal[True]


def begun(begin: Begun) -> Json:
    """Write a BegunAnswer."""
    return {
        "authUrl": begin.url,
        "state": begin.state,
        "expiresIn": LIFETIME_SECONDS,
    }


def finished(connection: Connection) -> Answer:
    """Write a FinishedAnswer."""
    main = connection.primary_calendar
    return success(
        {
            "connected": True,
            "connectionId": connection.connection_id,
            "provider": connection.provider,
            "calendarId": None if main is None else main.external_id,
            "userEmail": connection.account,
            "syncEnabled": bool(connection.read_calendars),
        }
    )


def status(connections: Sequence[Connection]) -> Json:
    """Write a StatusAnswer."""
    primary = _primary(connections)
    calendars = [] if primary is None else primary.calendars
    return {
        "connected": primary is not None,
        "provider": None if primary is None else primary.provider,
        "lastSyncAt": None if primary is None else _moment(_last_sync(primary)),
        "syncStatus": "disabled" if primary is None else _sync_status(primary),
        "calendarCount": len(calendars),
        "calendars": [_calendar(each) for each in calendars],
        "connections": [connection_data(each) for each in connections],
    }


def _primary(connections: Sequence[Connection]) -> Connection | None:
    """Return where appointments are written by default, else the oldest that works."""
    for each in connections:
        if any(None in calendar.written_by for calendar in each.calendars):
            return each
    for each in connections:
        if each.status is not ConnectionStatus.NEEDS_REAUTHORIZATION:
            return each
    return None


def connection_data(connection: Connection) -> Json:
    """Write a ConnectionAnswer."""
    usage = connection.usage
    return {
        "connectionId": connection.connection_id,
        "provider": connection.provider,
        "account": connection.account,
        "agentId": usage.agent_id,
        "timezone": usage.timezone,
        "status": connection.status,
        "syncStatus": _sync_status(connection),
        "direction": usage.direction,
        "whenSilent": CLOSED if usage.is_closed_when_silent else OPEN,
        "tentativeBlocks": usage.tentative_blocks,
        "checksLive": usage.checks_live,
        "lastSyncAt": _moment(_last_sync(connection)),
        "failingSince": _moment(connection.failing_since),
        "nextRetryAt": _moment(connection.next_try_at),
        "calendars": [_calendar(each) for each in connection.calendars],
    }


def _sync_status(connection: Connection) -> SyncStatus:
    read = set(connection.read_calendars)
    broken = any(
        each.sync_error for each in connection.calendars if each.calendar_id in read
    )
    is_well = connection.status is ConnectionStatus.ACTIVE
    if broken or not is_well or connection.failing_since is not None:
        return "error"
    is_written_to = any(each.written_by for each in connection.calendars)
    return "active" if read or is_written_to else "disabled"


def _last_sync(connection: Connection) -> Instant | None:
    """Return when the last good sync began; of what is not read, the last write."""
    read = set(connection.read_calendars)
    if not read:
        return connection.last_success_at
    moments = [
        each.read_at for each in connection.calendars if each.calendar_id in read
    ]
    return max((each for each in moments if each is not None), default=None)


def _calendar(calendar: ConnectedCalendar) -> Json:
    return {
        "id": calendar.external_id,
        "calendarId": calendar.calendar_id,
        "name": calendar.name,
        "primary": calendar.is_primary,
        "syncEnabled": calendar.is_read,
        "writable": calendar.is_writable,
        "writtenByDefault": None in calendar.written_by,
        "writtenByAgentIds": [each for each in calendar.written_by if each],
        "lastSyncAt": _moment(calendar.read_at),
        "error": calendar.sync_error,
    }


def _moment(instant: Instant | None) -> str | None:
    return None if instant is None else instant_text(instant)
