"""The client of the sandbox's own protocol, which `contract.json` describes."""

import asyncio
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final
from urllib.parse import quote, urlencode
from uuid import UUID

from typing_extensions import override

from universal_calendar.core.instant import from_datetime
from universal_calendar.core.interval import Interval
from universal_calendar.core.localtime import zone_named
from universal_calendar.core.provider_errors import (
    EventChanged,
    NotAuthorized,
    ProviderDown,
    Rejected,
    SyncTokenStale,
)
from universal_calendar.outgoing.http import OutgoingRequest, OutgoingResponse, Sender
from universal_calendar.providers._fingerprint import Finding
from universal_calendar.providers._http import ProviderHttp, answered_within, json_of
from universal_calendar.providers._taken_times import taken_times
from universal_calendar.providers.fake import mapping, webhook
from universal_calendar.providers.fake.manifest import MANIFEST
from universal_calendar.providers.fake.mapping import Json
from universal_calendar.providers.provider import Means, Now, Provider
from universal_calendar.services.ports.calendars import (
    Access,
    CalendarProvider,
    CalendarReader,
    ChangedEvent,
    ChangesPage,
    ChangesQuery,
    EventDraft,
    ProviderAccount,
    PushAddress,
    PushChannel,
    PushDelivery,
    PushNotification,
    PushProvider,
    TakenTime,
    WrittenEvent,
)

_MOST_TOKENS: Final = 10_000


def open_fake(means: Means) -> Provider:
    """Open the fake."""
    fake = FakeProvider(means.sender, means.now)
    return Provider(MANIFEST, fake, fake, fake)


@dataclass(frozen=True, slots=True)
class _Question:
    method: str
    path: str
    body: Json | None = None
    etag: str | None = None
    expected: Collection[int] = ()


class FakeProvider(CalendarProvider, CalendarReader, PushProvider):
    """Reads and writes the calendars of a sandbox."""

    def __init__(self, sender: Sender, now: Now) -> None:
        """Take what sends, and the clock."""
        self._http, self._now = ProviderHttp(sender, now), now
        # By connection: the access token that expired, and the one that took its place.
        self._fresh: dict[UUID, tuple[str, str]] = {}

    @override
    async def account(self, access: Access, *, seconds: float) -> ProviderAccount:
        """Return whose account this is, and its calendars."""
        async with answered_within(seconds):
            question = _Question("GET", "/v1/account")
            answer = await self._ask(access, question, seconds)
            return mapping.account_of(json_of(answer))

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
        body = mapping.body_of(draft)
        first = _write(calendar, draft.event_key, body, known)
        async with answered_within(seconds):
            answer = _found(await self._ask(access, first, seconds))
            if answer.status in first.expected:
                event_id = known.event_id if known else draft.event_key
                path = _event_path(calendar, event_id)
                return await self._reconcile(access, path, body, seconds)
            return mapping.written_event(json_of(answer))

    async def _reconcile(
        self, access: Access, path: str, body: Json, seconds: float
    ) -> WrittenEvent:
        found = json_of(await self._ask(access, _Question("GET", path), seconds))
        match mapping.finding(found, body):
            case Finding.AS_DRAFTED:
                return mapping.written_event(found)
            case Finding.CHANGED:
                raise EventChanged(str(found["id"]))
            case Finding.OURS:
                question = _Question("PUT", path, body, str(found["etag"]))
                answer = await self._ask(access, question, seconds)
                return mapping.written_event(json_of(answer))

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
        path = _event_path(calendar, event_id)
        async with answered_within(seconds):
            question = _Question("DELETE", path, expected=(404, 410))
            await self._ask(access, question, seconds)

    @override
    async def changes(
        self, access: Access, query: ChangesQuery, *, seconds: float
    ) -> ChangesPage:
        """Return one page; raise SyncTokenStale if all must be read again."""
        path = f"{_calendar_path(query.calendar)}/events?{_parameters(query)}"
        async with answered_within(seconds):
            question = _Question("GET", path, expected=(404, 410))
            answer = await self._ask(access, question, seconds)
            if answer.status == 410:
                raise SyncTokenStale
            return _page(_found(answer), access.tenant_id, query)

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
        async with answered_within(seconds):
            reading = [self._taken(access, each, window, seconds) for each in calendars]
            found = zip(calendars, await asyncio.gather(*reading), strict=True)
            return {each: times for each, times in found if times is not None}

    async def _taken(
        self, access: Access, calendar: str, window: Interval, seconds: float
    ) -> Sequence[TakenTime] | None:
        query: ChangesQuery | None = ChangesQuery(calendar, window)
        events: list[ChangedEvent] = []
        while query is not None:
            try:
                page = await self.changes(access, query, seconds=seconds)
            except Rejected:
                return None
            events += page.events
            query = page.next_page
        return taken_times(events, window)

    @override
    async def open_channel(
        self, access: Access, calendar: str, address: PushAddress, *, seconds: float
    ) -> PushChannel:
        """Have changes told; asking again for the same channel prolongs it."""
        wanted = {
            "id": address.channel_id,
            "address": address.url,
            "secret": address.secret,
        }
        path = f"{_calendar_path(calendar)}/channels"
        async with answered_within(seconds):
            question = _Question("POST", path, wanted, expected=(404, 409))
            answer = json_of(_opened(await self._ask(access, question, seconds)))
            expiry = self._now() + timedelta(seconds=float(answer["expiresIn"]))
            return PushChannel(
                address.channel_id, str(answer["id"]), from_datetime(expiry)
            )

    @override
    async def close_channel(
        self, access: Access, channel: PushChannel, *, seconds: float
    ) -> None:
        """Have it told no more; a channel that is gone already is no error."""
        path = f"/v1/channels/{quote(channel.external_id, safe='')}"
        async with answered_within(seconds):
            question = _Question("DELETE", path, expected=(404,))
            await self._ask(access, question, seconds)

    @override
    def challenge(self, delivery: PushDelivery) -> str | None:
        """Return None: the sandbox never asks."""

    @override
    def notifications(self, delivery: PushDelivery) -> Sequence[PushNotification]:
        """Read a delivery; raise InvalidField if it is no notification."""
        return (webhook.read(delivery),)

    @override
    def is_genuine(
        self, delivery: PushDelivery, notification: PushNotification, secret: str
    ) -> bool:
        """Tell whether who sent it knows the channel's secret."""
        return webhook.is_genuine(delivery.content, notification.proof, secret)

    async def _ask(
        self, access: Access, question: _Question, seconds: float
    ) -> OutgoingResponse:
        """Send; where the access token has expired, refresh it and send again."""
        token = self._token(access)
        request = _request(access, question, token)
        answer = await self._http.send(
            request, seconds=seconds, expected=(401, *question.expected)
        )
        if answer.status != 401:
            return answer
        token = await self._refreshed(access, seconds)
        request = _request(access, question, token)
        answer = await self._http.send(
            request, seconds=seconds, expected=(401, *question.expected)
        )
        if answer.status == 401:
            # Its owner still consents, or there would be no fresh token: it passes.
            raise ProviderDown
        return answer

    def _token(self, access: Access) -> str:
        given = _secret(access, "accessToken")
        expired, fresh = self._fresh.get(access.connection_id, ("", ""))
        return fresh if given == expired else given

    async def _refreshed(self, access: Access, seconds: float) -> str:
        # The sandbox never rotates refresh tokens: what is lost with this process is
        # asked for again, and two who refresh at once do no harm.
        body = {"refreshToken": _secret(access, "refreshToken")}
        request = _request(access, _Question("POST", "/v1/token", body), None)
        answer = await self._http.send(request, seconds=seconds, expected=(400,))
        if answer.status == 400:
            raise NotAuthorized
        token = str(json_of(answer)["accessToken"])
        if len(self._fresh) >= _MOST_TOKENS:
            self._fresh.clear()
        self._fresh[access.connection_id] = (_secret(access, "accessToken"), token)
        return token


def _secret(access: Access, name: str) -> str:
    secret = access.secrets.get(name)
    if not secret:
        raise NotAuthorized
    return secret


def _request(access: Access, question: _Question, token: str | None) -> OutgoingRequest:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    if question.etag is not None:
        headers["if-match"] = question.etag
    if question.body is not None:
        headers["content-type"] = "application/json"
    return OutgoingRequest(
        question.method,
        _secret(access, "baseUrl").rstrip("/") + question.path,
        headers,
        b"" if question.body is None else json.dumps(question.body).encode(),
    )


def _calendar_path(calendar: str) -> str:
    return f"/v1/calendars/{quote(calendar, safe='')}"


def _event_path(calendar: str, event_id: str) -> str:
    return f"{_calendar_path(calendar)}/events/{quote(event_id, safe='')}"


def _write(
    calendar: str, event_key: str, body: Json, known: WrittenEvent | None
) -> _Question:
    if known is None:
        path = f"{_calendar_path(calendar)}/events"
        return _Question("POST", path, {"id": event_key, **body}, expected=(404, 409))
    path = _event_path(calendar, known.event_id)
    return _Question("PUT", path, body, known.etag, expected=(412,))


def _found(answer: OutgoingResponse) -> OutgoingResponse:
    """Return the answer; raise Rejected where the calendar itself is not there."""
    if answer.status == 404:
        raise Rejected
    return answer


def _opened(answer: OutgoingResponse) -> OutgoingResponse:
    if answer.status == 409:
        raise Rejected  # the id is another channel's
    return _found(answer)


def _parameters(query: ChangesQuery) -> str:
    if query.page_token is not None:
        return urlencode({"pageToken": query.page_token})
    if query.sync_token is not None:
        return urlencode({"syncToken": query.sync_token})
    start, end = query.window.start, query.window.end
    return urlencode(
        {"from": mapping.instant_text(start), "until": mapping.instant_text(end)}
    )


def _page(
    answer: OutgoingResponse, tenant_id: UUID, query: ChangesQuery
) -> ChangesPage:
    page = json_of(answer)
    zone = zone_named(page["timeZone"])
    events = tuple(
        mapping.changed_event(each, zone, query.window, tenant_id)
        for each in page["events"]
    )
    if "nextPageToken" in page:
        following = replace(query, page_token=str(page["nextPageToken"]))
        return ChangesPage(events, following, None)
    return ChangesPage(events, None, str(page["nextSyncToken"]))
