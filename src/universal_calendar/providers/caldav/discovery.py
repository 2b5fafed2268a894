"""From an address to the account's calendars (RFC 6764, RFC 4791 §6.2)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import unquote, urlsplit

from universal_calendar.core.provider_errors import EventChanged, Rejected
from universal_calendar.providers.caldav import bodies
from universal_calendar.providers.caldav.bodies import CALDAV, DAV, Response
from universal_calendar.providers.caldav.dav import (
    XML,
    Account,
    Dav,
    Question,
    calendar_id,
    joined,
)
from universal_calendar.providers.caldav.series import address
from universal_calendar.services.ports.calendars import ProviderCalendar

PRINCIPAL: Final = f"{DAV}current-user-principal"
_HOME_SET: Final = f"{CALDAV}calendar-home-set"
_ADDRESSES: Final = f"{CALDAV}calendar-user-address-set"
_INBOX: Final = f"{CALDAV}schedule-inbox-URL"
_DEFAULT: Final = f"{CALDAV}schedule-default-calendar-URL"
_TYPE: Final = f"{DAV}resourcetype"
_KINDS: Final = f"{CALDAV}supported-calendar-component-set"
_PRIVILEGES: Final = f"{DAV}current-user-privilege-set"
_NAME: Final = f"{DAV}displayname"
TIMEZONE: Final = f"{CALDAV}calendar-timezone"
TIMEZONE_ID: Final = f"{CALDAV}calendar-timezone-id"
_LISTED: Final = (_TYPE, _NAME, _KINDS, _PRIVILEGES, TIMEZONE, TIMEZONE_ID)
_WRITES: Final = (f"{DAV}all", f"{DAV}write", f"{DAV}write-content")
_MOST_HOMES: Final = 5


@dataclass(frozen=True, slots=True)
class Principal:
    """Who the account's owner is to the server; hrefs are absolute."""

    homes: Sequence[str]
    inbox: str | None
    addresses: frozenset[str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Found:
    """A calendar, and what it says of its zone."""

    calendar: ProviderCalendar
    url: str
    timezone: str | None


class Discovery:
    """Finds an account's calendars."""

    def __init__(self, dav: Dav) -> None:
        """Take what asks."""
        self._dav = dav

    async def calendars(
        self, account: Account, principal: Principal, seconds: float
    ) -> list[Found]:
        """Return the calendars that hold events; one of those to write is primary."""
        found: dict[str, Found] = {}
        for home in principal.homes[:_MOST_HOMES]:
            for each in await self._listed(account, home, seconds):
                found.setdefault(each.calendar.external_id, each)
        default = await self._default(account, principal, seconds)
        return list(_with_primary(list(found.values()), default))

    async def principal(self, account: Account, seconds: float) -> Principal:
        """Find out who the account's owner is; raise Rejected if nobody is named."""
        for start in _starts(account.url):
            try:
                url, found = await self.properties(account, start, [PRINCIPAL], seconds)
            except (EventChanged, Rejected):
                continue  # nothing is there, or nothing of this kind
            for href in found.hrefs(PRINCIPAL):
                return await self.principal_at(account, joined(url, href), seconds)
        raise Rejected

    async def principal_at(
        self, account: Account, url: str, seconds: float
    ) -> Principal:
        """Read what the server says of a principal."""
        wanted = [_HOME_SET, _ADDRESSES, _INBOX]
        url, found = await self.properties(account, url, wanted, seconds)
        inboxes = found.hrefs(_INBOX)
        return Principal(
            [joined(url, each) for each in found.hrefs(_HOME_SET)],
            joined(url, inboxes[0]) if inboxes else None,
            frozenset(address(each) for each in found.hrefs(_ADDRESSES)),
        )

    async def properties(
        self, account: Account, url: str, names: Iterable[str], seconds: float
    ) -> tuple[str, Response]:
        """Return properties of what is there, and where it was found."""
        url, responses = await self._propfind(account, url, names, "0", seconds)
        if not responses or responses[0].status not in {None, 200}:
            raise Rejected
        return url, responses[0]

    async def _propfind(
        self,
        account: Account,
        url: str,
        names: Iterable[str],
        depth: str,
        seconds: float,
    ) -> tuple[str, Sequence[Response]]:
        question = Question(
            "PROPFIND", url, bodies.propfind(names), {**XML, "depth": depth}
        )
        url, answer = await self._dav.follow(account, question, seconds)
        if answer.status != 207:
            raise Rejected
        return url, (await bodies.read_multistatus(answer.content)).responses

    async def _listed(self, account: Account, home: str, seconds: float) -> list[Found]:
        home, responses = await self._propfind(account, home, _LISTED, "1", seconds)
        found = []
        for each in responses:
            url = joined(home, each.href)
            if _holds_events(each) and self._dav.is_allowed(account, url):
                found.append(_found(account, url, each))
        return found

    async def _default(
        self, account: Account, principal: Principal, seconds: float
    ) -> str | None:
        """Return the path of the calendar that invitations go to, where it is told."""
        if principal.inbox is None:
            return None
        try:
            url, found = await self.properties(
                account, principal.inbox, [_DEFAULT], seconds
            )
        except (EventChanged, Rejected):
            return None
        for href in found.hrefs(_DEFAULT):
            return bodies.path_of(joined(url, href))
        return None


def _starts(url: str) -> Iterator[str]:
    """Yield where to ask: at the address itself first if it has a path."""
    well_known = joined(url, "/.well-known/caldav")
    has_path = urlsplit(url).path.strip("/") != ""
    yield from (url, well_known) if has_path else (well_known, joined(url, "/"))


def _holds_events(response: Response) -> bool:
    if not response.has(_TYPE, f"{CALDAV}calendar"):
        return False
    kinds = response.properties.get(_KINDS)
    if kinds is None:
        return True  # every kind, where nothing is said
    names = {each.get("name", "").upper() for each in kinds.iter(f"{CALDAV}comp")}
    return "VEVENT" in names


def _found(account: Account, url: str, response: Response) -> Found:
    last = unquote(bodies.path_of(url).strip("/").rpartition("/")[2])
    return Found(
        ProviderCalendar(
            calendar_id(account, url),
            response.text(_NAME) or last,
            is_primary=False,
            is_writable=_is_writable(response),
        ),
        url,
        timezone_text(response),
    )


def timezone_text(response: Response) -> str | None:
    """Return what a calendar says of its zone: a name, or an object that defines it."""
    return response.text(TIMEZONE_ID) or response.text(TIMEZONE)


def _is_writable(response: Response) -> bool:
    if _PRIVILEGES not in response.properties:
        return True  # the server does not tell: writing will show
    return any(response.has(_PRIVILEGES, each) for each in _WRITES)


def _with_primary(found: Sequence[Found], default: str | None) -> Iterator[Found]:
    writable = [each for each in found if each.calendar.is_writable]
    named = [each for each in writable if bodies.path_of(each.url) == default]
    primary = next(iter(named or writable or found), None)
    for each in found:
        calendar = replace(each.calendar, is_primary=each is primary)
        yield replace(each, calendar=calendar)
