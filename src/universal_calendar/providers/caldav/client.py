"""Calendars of a CalDAV server, whichever: an account's preset says what is special."""

from collections.abc import Mapping, Sequence
from typing import Final

from typing_extensions import override

from universal_calendar.core.interval import Interval
from universal_calendar.providers._http import ProviderHttp, answered_within
from universal_calendar.providers.caldav import manifest
from universal_calendar.providers.caldav.dav import (
    Account,
    Dav,
    Preset,
    account_of,
    calendar_url,
)
from universal_calendar.providers.caldav.discovery import Discovery, Found, Principal
from universal_calendar.providers.caldav.reading import Asked, Reading
from universal_calendar.providers.caldav.writing import Place
from universal_calendar.providers.caldav.zones import NamedZone, zone_of_calendar
from universal_calendar.providers.provider import Means, Provider
from universal_calendar.services.ports.calendars import (
    Access,
    CalendarProvider,
    CalendarReader,
    ChangesPage,
    ChangesQuery,
    EventDraft,
    ProviderAccount,
    TakenTime,
    WrittenEvent,
)

_ANY_TIME: Final = Interval(0, 1)
_ICLOUD: Final = Preset("appPassword", "https://caldav.icloud.com/", "icloud.com")


def open_caldav(means: Means) -> Provider:
    """Open CalDAV, on whichever server its owner names."""
    caldav = CaldavProvider(means, Preset("password"))
    return Provider(manifest.CALDAV, caldav, caldav, None)


def open_apple(means: Means) -> Provider:
    """Open iCloud."""
    icloud = CaldavProvider(means, _ICLOUD)
    return Provider(manifest.APPLE, icloud, icloud, None)


class CaldavProvider(CalendarProvider, CalendarReader):
    """Reads and writes the calendars of accounts on CalDAV servers."""

    def __init__(self, means: Means, preset: Preset) -> None:
        """Take what sends, and how accounts are made of secrets."""
        http = ProviderHttp(means.guarded, means.now)
        self._dav = Dav(http, allows_http=means.allows_http)
        self._now, self._preset = means.now, preset
        self._discovery, self._reading = Discovery(self._dav), Reading(self._dav)

    @override
    async def account(self, access: Access, *, seconds: float) -> ProviderAccount:
        """Return whose account this is, and its calendars."""
        account = account_of(access, self._preset)
        async with answered_within(seconds):
            principal = await self._discovery.principal(account, seconds)
            found = await self._discovery.calendars(account, principal, seconds)
            return ProviderAccount(
                _account_name(account, principal),
                tuple(each.calendar for each in found),
                _timezone(found),
            )

    @override
    async def put_event(
        self,
        access: Access,
        calendar: str,
        draft: EventDraft,
        known: WrittenEvent | None,
        *,
        seconds: float,
    ) -> WrittenEvent:
        """Write the event; where it is not as known, find out who wrote to it.

        CalDAV keeps nothing of what was deleted: an event that is not known, and that
        its owner deleted before, is written anew.
        """
        name = known.event_id if known else f"{draft.event_key}.ics"
        async with answered_within(seconds):
            place = self._place(access, calendar, name)
            if known is None:
                return await place.create(draft, self._now, seconds)
            return await place.replace(draft, known.etag, self._now, seconds)

    @override
    async def delete_event(
        self,
        access: Access,
        calendar: str,
        event_id: str,
        *,
        seconds: float,
        reason: str | None = None,
    ) -> None:
        """Delete the event; one that is gone already is no error."""
        async with answered_within(seconds):
            await self._place(access, calendar, event_id).delete(seconds)

    @override
    async def changes(
        self, access: Access, query: ChangesQuery, *, seconds: float
    ) -> ChangesPage:
        """Return one page; raise SyncTokenStale if all must be read again."""
        account = account_of(access, self._preset)
        async with answered_within(seconds):
            return await self._reading.changes(access, account, query, seconds)

    @override
    async def taken(
        self,
        access: Access,
        calendars: Sequence[str],
        window: Interval,
        *,
        seconds: float,
    ) -> Mapping[str, Sequence[TakenTime]]:
        """Return what is taken in each calendar that is there."""
        account = account_of(access, self._preset)
        asked = Asked(window, seconds)
        async with answered_within(seconds):
            return await self._reading.taken(access, account, calendars, asked)

    def _place(self, access: Access, calendar: str, name: str) -> Place:
        account = account_of(access, self._preset)
        return Place(self._dav, account, calendar_url(account, calendar), name)


def _account_name(account: Account, principal: Principal) -> str:
    # Some servers name the principal's own path among the addresses.
    mails = sorted(
        each for each in principal.addresses if "@" in each and "/" not in each
    )
    name = mails[0] if mails else account.username
    if "@" not in name:
        return f"{name}@{account.host}"
    # Elsewhere the same address is another account, with calendars of its own.
    return name if account.domain else f"{name} ({account.host})"


def _timezone(found: Sequence[Found]) -> str | None:
    """Return the primary calendar's zone, where it is one of IANA's."""
    for each in found:
        if each.calendar.is_primary:
            zone = zone_of_calendar(each.timezone, _ANY_TIME)
            return zone.zone.key if isinstance(zone, NamedZone) else None
    return None
