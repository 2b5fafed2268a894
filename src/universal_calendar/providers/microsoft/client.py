"""Writing events by Microsoft Graph, and opening the provider."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from typing_extensions import override

from universal_calendar.core.provider_errors import (
    EventChanged,
    EventGone,
    ProviderDown,
    Rejected,
)
from universal_calendar.outgoing.http import OutgoingResponse
from universal_calendar.providers._authorizer import OAuthAuthorizer
from universal_calendar.providers._fingerprint import Finding, compare
from universal_calendar.providers._http import answered_within, json_of
from universal_calendar.providers._oauth import OAuth, Scopes
from universal_calendar.providers.microsoft import mapping
from universal_calendar.providers.microsoft.graph import (
    Graph,
    Json,
    Question,
    calendar_path,
    code_of,
    event_path,
    found,
)
from universal_calendar.providers.microsoft.manifest import MANIFEST
from universal_calendar.providers.microsoft.pushes import MicrosoftPushes
from universal_calendar.providers.microsoft.reader import MicrosoftReader
from universal_calendar.providers.provider import Means, Provider
from universal_calendar.services.ports.calendars import (
    Access,
    CalendarProvider,
    EventDraft,
    ProviderAccount,
    WrittenEvent,
)

_SCOPES: Final = Scopes(
    asked=("offline_access", "openid", "email", "User.Read", "Calendars.ReadWrite"),
    # That offline_access was granted shows in the refresh token alone.
    needed=frozenset({"User.Read", "Calendars.ReadWrite"}),
    parameters={"prompt": "select_account", "response_mode": "query"},
    prefix="https://graph.microsoft.com/",
)
_DUPLICATE: Final = "ErrorDuplicateTransactionId"
_MALFORMED: Final = "ErrorInvalidIdMalformed"
_CALENDARS_A_PAGE: Final = 100
_MARKED: Final[Mapping[str, str]] = {"$expand": mapping.WITH_MARK}


def open_microsoft(means: Means) -> Provider | None:
    """Open Microsoft; None without a registration there."""
    config = means.oauth.get(MANIFEST.slug)
    if config is None:
        return None
    oauth = OAuth(means, config, _SCOPES)
    graph = Graph(oauth, config.api_url, means.now)
    return Provider(
        MANIFEST,
        MicrosoftCalendars(graph),
        MicrosoftReader(graph),
        MicrosoftPushes(graph, means.now, timedelta(minutes=config.channel_minutes)),
        OAuthAuthorizer(oauth),
    )


class MicrosoftCalendars(CalendarProvider):
    """Writes events of a mailbox."""

    def __init__(self, graph: Graph) -> None:
        """Take Graph."""
        self._graph = graph

    @override
    async def account(self, access: Access, *, seconds: float) -> ProviderAccount:
        """Return whose mailbox this is, and its calendars."""
        listing = Question("GET", "/me/calendars", page_size=_CALENDARS_A_PAGE)
        async with answered_within(seconds):
            person = await self._graph.ask(access, Question("GET", "/me"), seconds)
            calendars = [
                each async for each in self._graph.pages(access, listing, seconds)
            ]
            settings = await self._settings(access, seconds)
            return mapping.account_of(json_of(person), calendars, settings)

    async def _settings(self, access: Access, seconds: float) -> Json | None:
        # For a scope of its own, which is not asked for but may have been granted.
        question = Question("GET", "/me/mailboxSettings", expected=(403, 404))
        answer = await self._graph.ask(access, question, seconds)
        return json_of(answer) if answer.status == 200 else None

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
        writing = _Writing(self._graph, access, calendar, draft, seconds)
        async with answered_within(seconds):
            if known is None:
                return await writing.create()
            return await writing.change(known)

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
        path = event_path(calendar, event_id)
        async with answered_within(seconds):
            question = Question("DELETE", path, expected=(400, 404, 410))
            answer = await self._graph.ask(access, question, seconds)
            # No event has an id that Graph cannot even read.
            if answer.status == 400 and code_of(answer) != _MALFORMED:
                raise Rejected


class _Writing:
    """One draft on its way into one calendar."""

    def __init__(
        self,
        graph: Graph,
        access: Access,
        calendar: str,
        draft: EventDraft,
        seconds: float,
    ) -> None:
        self._graph, self._access, self._seconds = graph, access, seconds
        self._calendar = calendar
        self._transaction = mapping.transaction_of(draft)
        self._body = mapping.body_of(draft)

    async def create(self) -> WrittenEvent:
        """Make the event; where its transaction has made one, compare with that."""
        path = f"{calendar_path(self._calendar)}/events"
        body = self._body | {"transactionId": self._transaction}
        question = Question("POST", path, body=body, expected=(400, 404, 409))
        answer = found(await self._ask(question))
        if answer.status < 300:
            return await self._checked(json_of(answer))
        if code_of(answer) != _DUPLICATE:
            raise self._graph.error(answer)
        event = await self._find()
        if event is None:
            # Its transaction made an event, and it is not here: somebody removed it.
            raise EventGone
        return await self._reconcile(event)

    async def _checked(self, event: Json) -> WrittenEvent:
        """Return an event that was made, unless it was made before and changed since.

        The same body again is answered with whatever became of its event.
        """
        if mapping.seen_of(event) == mapping.seen_of(self._body):
            return mapping.written_event(event)
        return await self._reconcile(await self._read(str(event["id"])))

    async def change(self, known: WrittenEvent) -> WrittenEvent:
        """Change the event, if it is as known."""
        answer = await self._patch(known.event_id, known.etag)
        if answer.status == 412:
            return await self._reconcile(await self._read(known.event_id))
        return await self._written(answer, known.event_id)

    async def _reconcile(self, event: Json) -> WrittenEvent:
        wanted = mapping.mark_in(self._body)
        match compare(mapping.mark_in(event), mapping.seen_of(event), wanted):
            case Finding.AS_DRAFTED:
                return mapping.written_event(event)
            case Finding.CHANGED:
                raise EventChanged(str(event["id"]))
            case Finding.OURS:
                return await self._try_again(event)

    async def _try_again(self, event: Json) -> WrittenEvent:
        event_id = str(event["id"])
        answer = await self._patch(event_id, str(event["@odata.etag"]))
        if answer.status == 412:
            # Graph itself writes to events for a while after they were made.
            raise ProviderDown
        return await self._written(answer, event_id)

    async def _patch(self, event_id: str, etag: str | None) -> OutgoingResponse:
        path = event_path(self._calendar, event_id)
        question = Question("PATCH", path, body=self._body, etag=etag, expected=(412,))
        return await self._ask(question)

    async def _written(self, answer: OutgoingResponse, event_id: str) -> WrittenEvent:
        # Microsoft's description says 204, its service answers 200 with the event.
        if answer.content:
            return mapping.written_event(json_of(answer))
        return mapping.written_event(await self._read(event_id))

    async def _read(self, event_id: str) -> Json:
        path = event_path(self._calendar, event_id)
        return json_of(await self._ask(Question("GET", path, _MARKED)))

    async def _find(self) -> Json | None:
        """Find the event of this transaction; a copy of it has another, or none."""
        key = (
            f"singleValueExtendedProperties/any(ep: ep/id eq '{mapping.KEY_PROPERTY}'"
            f" and ep/value eq '{self._transaction}')"
        )
        path = f"{calendar_path(self._calendar)}/events"
        question = Question("GET", path, {**_MARKED, "$filter": key})
        async for each in self._graph.pages(self._access, question, self._seconds):
            if each.get("transactionId") == self._transaction:
                return each
        return None

    async def _ask(self, question: Question) -> OutgoingResponse:
        return await self._graph.ask(self._access, question, self._seconds)
