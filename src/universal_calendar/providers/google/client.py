"""Google's accounts: naming their calendars, writing events."""

from typing import Final
from urllib.parse import quote

from typing_extensions import override

from universal_calendar.core.provider_errors import (
    EventChanged,
    EventGone,
    Rejected,
)
from universal_calendar.outgoing.http import OutgoingResponse
from universal_calendar.providers._authorizer import OAuthAuthorizer
from universal_calendar.providers._fingerprint import Finding
from universal_calendar.providers._http import answered_within, json_of
from universal_calendar.providers._oauth import OAuth, Scopes
from universal_calendar.providers.google import mapping
from universal_calendar.providers.google.api import (
    Ask,
    GoogleApi,
    Question,
    event_path,
    events_path,
)
from universal_calendar.providers.google.channels import GoogleChannels
from universal_calendar.providers.google.manifest import MANIFEST
from universal_calendar.providers.google.mapping import Json
from universal_calendar.providers.google.reader import GoogleReader
from universal_calendar.providers.provider import Means, Provider
from universal_calendar.services.ports.calendars import (
    Access,
    CalendarProvider,
    EventDraft,
    ProviderAccount,
    WrittenEvent,
)

_SCOPE: Final = "https://www.googleapis.com/auth/calendar"
# Not `events.owned`: people are booked in calendars that their business shares.
_NEEDED: Final = (
    f"{_SCOPE}.calendarlist.readonly",
    f"{_SCOPE}.events",
    f"{_SCOPE}.freebusy",
)
_SCOPES: Final = Scopes(
    asked=("openid", "email", *_NEEDED),
    needed=frozenset(_NEEDED),
    parameters={
        "access_type": "offline",
        "include_granted_scopes": "true",
        # Without it, who connects again gets no refresh token.
        "prompt": "consent",
    },
)
# Our service tells customers itself; nobody gets Google's e-mails beside.
_SILENT: Final = {"sendUpdates": "none"}


def open_google(means: Means) -> Provider | None:
    """Open Google Calendar; None where we are not registered there."""
    config = means.oauth.get("google")
    if config is None:
        return None
    oauth = OAuth(means, config, _SCOPES)
    api = GoogleApi(oauth, config.api_url, means.now)
    return Provider(
        MANIFEST,
        GoogleCalendars(api),
        GoogleReader(api),
        GoogleChannels(api, means.now),
        OAuthAuthorizer(oauth),
    )


class GoogleCalendars(CalendarProvider):
    """Names the calendars of an account and writes events there."""

    def __init__(self, api: GoogleApi) -> None:
        """Take what asks Google."""
        self._api = api

    @override
    async def account(self, access: Access, *, seconds: float) -> ProviderAccount:
        """Return whose account this is, and the calendars of its list."""
        ask = self._api.asking(access, seconds)
        calendars: list[Json] = []
        # Hidden ones too: the account's own may be one of them.
        query = "maxResults=250&showHidden=true"
        path = following = f"/users/me/calendarList?{query}"
        async with answered_within(seconds):
            while following:
                page = json_of(await ask(Question("GET", following)))
                calendars += page.get("items", ())
                token = page.get("nextPageToken")
                following = f"{path}&pageToken={quote(token, safe='')}" if token else ""
            return mapping.account_of(calendars)

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
        """Write the event; where it is not as known, find out who wrote to it."""
        ask = self._api.asking(access, seconds)
        async with answered_within(seconds):
            if known is None:
                return await _insert(ask, calendar, draft)
            return await _change(ask, calendar, draft, known)

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
        path = event_path(calendar, event_id, _SILENT)
        async with answered_within(seconds):
            ask = self._api.asking(access, seconds)
            await ask(Question("DELETE", path, expected=(404, 410)))


async def _insert(ask: Ask, calendar: str, draft: EventDraft) -> WrittenEvent:
    body = mapping.body_of(draft, draft.event_key)
    path = events_path(calendar, _SILENT)
    answer = await ask(Question("POST", path, body, expected=(404, 409)))
    if answer.status == 404:
        raise Rejected  # the calendar itself is not there
    if answer.status == 409:
        return await _reconcile(ask, calendar, draft.event_key, body)
    return mapping.written_event(json_of(answer))


async def _change(
    ask: Ask, calendar: str, draft: EventDraft, known: WrittenEvent
) -> WrittenEvent:
    event_id, etag = known.event_id, known.etag
    if etag is None:
        # What was deleted would come back to life, were it changed unseen.
        etag = str((await _present(ask, calendar, event_id))["etag"])
    body = mapping.body_of(draft, event_id)
    answer = await ask(_patch(calendar, event_id, body, etag))
    if answer.status == 412:
        return await _reconcile(ask, calendar, event_id, body)
    return _written(answer, event_id)


async def _reconcile(
    ask: Ask, calendar: str, event_id: str, body: Json
) -> WrittenEvent:
    found = await _present(ask, calendar, event_id)
    match mapping.finding(found, body):
        case Finding.AS_DRAFTED:
            return mapping.written_event(found)
        case Finding.CHANGED:
            raise EventChanged(event_id)
        case Finding.OURS:
            answer = await ask(_patch(calendar, event_id, body, str(found["etag"])))
            return _written(answer, event_id)


async def _present(ask: Ask, calendar: str, event_id: str) -> Json:
    path = event_path(calendar, event_id)
    answer = await ask(Question("GET", path, expected=(404, 410)))
    found = json_of(answer)
    if answer.status != 200 or mapping.is_deleted(found):
        raise EventGone(event_id)
    return found


def _patch(calendar: str, event_id: str, body: Json, etag: str) -> Question:
    path = event_path(calendar, event_id, _SILENT)
    patch = mapping.patch_of(body)
    return Question("PATCH", path, patch, etag, expected=(404, 410, 412))


def _written(answer: OutgoingResponse, event_id: str) -> WrittenEvent:
    if answer.status in (404, 410):
        raise EventGone(event_id)
    if answer.status == 412:
        raise EventChanged(event_id)
    return mapping.written_event(json_of(answer))
