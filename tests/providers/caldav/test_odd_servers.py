"""Servers that do less, or other, than the standards say."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import count
from urllib.parse import urlsplit

import pytest

from tests.contracts.drafts import (
    NINE,
    SECONDS,
    WINDOW,
    a_draft,
    as_seen,
    at,
    later,
    utc,
)
from tests.contracts.reading import ReadingExam
from tests.contracts.world import Examined
from tests.contracts.writing import WritingExam
from tests.providers.caldav.accounts import (
    examined_account,
    open_account,
    running_server,
)
from tests.providers.caldav.objects import event_text
from tests.providers.caldav.proxy import Answer, Heard
from tests.providers.caldav.servers import DavServer
from tests.providers.caldav.world import DavWorld
from universal_calendar.core.busy import BusyType
from universal_calendar.core.instant import DAY, HOUR
from universal_calendar.core.provider_errors import (
    EventGone,
    NotAuthorized,
    ProviderDown,
    Rejected,
    SyncTokenStale,
)
from universal_calendar.outgoing.http import Sender
from universal_calendar.services.ports.calendars import (
    CalendarProvider,
    ChangesQuery,
    WrittenEvent,
)

put, read = WritingExam.put, ReadingExam().read
XML = [("Content-Type", "application/xml")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DavServer]:
    with running_server("radicale", tmp_path_factory.mktemp("odd")) as server:
        yield server


@pytest.fixture
def world(server: DavServer) -> Iterator[DavWorld]:
    with open_account(server) as world:
        yield world


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    sender = Sender(is_guarded=False, largest_answer=200_000)
    yield sender
    await sender.close()


@pytest.fixture
def examined(world: DavWorld, sender: Sender) -> Examined:
    return examined_account(world, sender)


@pytest.fixture
def calendars(examined: Examined) -> CalendarProvider:
    assert examined.provider.calendars is not None
    return examined.provider.calendars


def translating(world: DavWorld, old: bytes, new: bytes) -> None:
    """Let what the server answers be other than it was."""

    def translates(answer: Answer) -> Answer:
        content = re.sub(old, new, answer.content, flags=re.DOTALL)
        return Answer(answer.status, answer.headers, content)

    world.proxy.translates = translates


def answering(world: DavWorld, answers: Callable[[Heard], Answer | None]) -> None:
    world.proxy.answers = answers


# Reading


@pytest.mark.parametrize("has_ctag", [True, False])
async def test_server_without_sync(
    examined: Examined, world: DavWorld, has_ctag: bool
) -> None:
    """What there is, is listed, and compared with what was."""
    hidden = rb"<sync-collection ?/>"
    if not has_ctag:
        hidden += rb"|<(\w+:)?getctag>.*?getctag>"
    translating(world, hidden, b"")
    calendar = examined.calendar
    ids = [world.owner_adds(calendar, at(NINE + n * DAY)) for n in range(3)]
    found, token = await read(examined)
    assert set(found) == set(ids)
    assert (await read(examined, token))[0] == {}
    world.owner_moves(calendar, ids[0], at(NINE + 20 * DAY))
    world.owner_deletes(calendar, ids[1])
    new = world.owner_adds(calendar, at(NINE + 9 * DAY))
    changed, after = await read(examined, token)
    assert set(changed) == {ids[0], ids[1], new}
    assert changed[ids[1]].is_deleted
    assert changed[ids[0]].intervals == (at(NINE + 20 * DAY),)
    assert (await read(examined, after))[0] == {}
    assert all(b"sync-collection" not in each.content for each in world.proxy.heard)


@pytest.mark.parametrize("status", [400, 403, 409, 410, 412])
async def test_stale_token_is_known_by_its_precondition(
    examined: Examined, world: DavWorld, status: int
) -> None:
    _, token = await read(examined)
    content = b'<error xmlns="DAV:"><valid-sync-token/></error>'

    def answers(heard: Heard) -> Answer | None:
        if b"sync-collection" in heard.content:
            return Answer(status, XML, content)
        return None

    answering(world, answers)
    with pytest.raises(SyncTokenStale):
        await read(examined, token)
    content = b'<error xmlns="DAV:"><need-privileges/></error>'
    with pytest.raises(Rejected):
        await read(examined, token)


async def test_server_that_cuts_what_changed(
    examined: Examined, world: DavWorld
) -> None:
    """It tells one thing at a time, and that there is more."""
    _, token = await read(examined)
    ids = {world.owner_adds(examined.calendar, at(NINE + n * HOUR)) for n in range(4)}
    numbers = count(1)

    def translates(answer: Answer) -> Answer:
        if b"<sync-token>" not in answer.content or b"propfind" in answer.content:
            return answer
        names = re.findall(rb"<response>.*?</response>", answer.content, re.DOTALL)
        if len(names) < 4:
            return answer
        number = next(numbers)
        cut = b"<response><href>%b</href><status>HTTP/1.1 507 Full</status></response>"
        told = names[number - 1 : number]
        if number < 4:
            told.append(cut % examined.calendar.encode())
        text = b'<multistatus xmlns="DAV:"><sync-token>part-%d</sync-token>%b'
        content = text % (number, b"".join(told)) + b"</multistatus>"
        return Answer(answer.status, answer.headers, content)

    def answers(heard: Heard) -> Answer | None:
        if b"part-" in heard.content:
            object.__setattr__(
                heard, "content", re.sub(rb"part-\d", token[1:].encode(), heard.content)
            )
        return None

    world.proxy.translates = translates
    answering(world, answers)
    changed, after = await read(examined, token)
    assert set(changed) == ids
    assert after == "spart-4"


async def test_query_that_is_cut_is_never_free(
    examined: Examined, world: DavWorld
) -> None:
    added = world.owner_adds(examined.calendar, at(NINE))
    full = (
        f'<multistatus xmlns="DAV:"><response><href>{examined.calendar}</href>'
        "<status>HTTP/1.1 507 Full</status></response></multistatus>"
    )

    def answers(heard: Heard) -> Answer | None:
        if b"calendar-query" in heard.content:
            return Answer(207, XML, full.encode())
        return None

    answering(world, answers)
    reader = examined.provider.reader
    assert reader is not None
    assert set((await read(examined))[0]) == {added}
    taken = await reader.taken(
        examined.access, [examined.calendar], WINDOW, seconds=SECONDS
    )
    assert taken == {}


async def test_object_that_is_too_large_is_left_out(
    examined: Examined, world: DavWorld
) -> None:
    """Others that are asked for with it are told all the same."""
    calendar = examined.calendar
    ids = {world.owner_adds(calendar, at(NINE + n * HOUR)) for n in range(5)}
    picture = "\r\n ".join(["ATTACH;ENCODING=BASE64;VALUE=BINARY:", *["A" * 70] * 4000])
    lines = ("DTSTART:20260601T090000Z", "DTEND:20260601T100000Z", picture)
    world.owner_puts(calendar, "large.ics", event_text("large", *lines))
    assert set((await read(examined))[0]) == ids


async def test_object_that_cannot_be_read_breaks_nothing(
    examined: Examined, world: DavWorld
) -> None:
    ids = {world.owner_adds(examined.calendar, at(NINE + n * HOUR)) for n in range(3)}
    translating(world, rb"DTSTART:20260601T100000Z", b"DTSTART:tomorrow")
    found, token = await read(examined)
    assert len(found) == 2
    assert set(found) < ids
    assert (await read(examined, token))[0] == {}


@pytest.mark.parametrize(
    "odd",
    [
        *(b"\x0b", b"\x00", b"\xef\xbf\xbf", b"\xff", b"\xed\xa0\x80"),
        *(b"&#11;", b"&#031;", b"&#x1F;", b"&#xD800;", b"&#xffff;"),
    ],
)
async def test_character_that_xml_has_no_place_for(
    examined: Examined, world: DavWorld, odd: bytes
) -> None:
    """Some servers pass it on: it costs nobody the calendar."""
    ids = {world.owner_adds(examined.calendar, at(NINE + n * HOUR)) for n in range(2)}
    translating(world, rb"SUMMARY:Private", b"SUMMARY:Pri" + odd + b"vate")
    found, _ = await read(examined)
    assert set(found) == ids
    assert all(each.busy is BusyType.BUSY for each in found.values())


async def test_our_text_does_not_hide_the_calendar(
    examined: Examined, world: DavWorld
) -> None:
    """A customer may have written anything."""
    draft = replace(a_draft(), description="See\uffff\ufffe\x0b\u2028STATUS of it")
    written = await put(examined, draft)
    # By a library of others, whose reader refuses what is no XML.
    (seen,) = world.events(examined.calendar)
    assert seen.description == "See\u2028STATUS of it"
    found, _ = await read(examined)
    assert found[written.event_id].intervals == (draft.interval,)
    assert await put(examined, draft) == written


async def test_days_of_a_calendar_that_has_no_zone_are_the_connections(
    examined: Examined, world: DavWorld
) -> None:
    calendar = world.server.add_calendar(world.user, "anywhere", zone=None)
    text = event_text("day", "DTSTART;VALUE=DATE:20260605")
    name = world.owner_puts(calendar, "day.ics", text)
    access = replace(examined.access, timezone="Asia/Tokyo")
    tokyo = replace(examined, access=access, calendar=calendar)
    found, _ = await read(tokyo)
    day = at(utc(2026, 6, 4, 15), DAY)
    assert found[name].intervals == (day,)
    reader = ReadingExam().reader(tokyo)
    taken = await reader.taken(access, [calendar], WINDOW, seconds=SECONDS)
    assert [each.interval for each in taken[calendar]] == [day]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"{}",
        b"<multistatus/>",
        b'<multistatus xmlns="DAV:"/>',
        b'<multistatus xmlns="DAV:"><response/></multistatus>',
        b'<!DOCTYPE a [<!ENTITY b "c">]><multistatus xmlns="DAV:">&b;</multistatus>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><multistatus xmlns="DAV:"/>',
        b'<multistatus xmlns="DAV:"><response><href>/</href><status>no</status>'
        b"</response></multistatus>",
        b"\xff\xfe<\x00",
    ],
)
async def test_answer_that_is_none(
    examined: Examined, world: DavWorld, calendars: CalendarProvider, content: bytes
) -> None:
    answering(world, lambda _heard: Answer(207, XML, content))
    with pytest.raises((ProviderDown, Rejected)):
        await read(examined)
    with pytest.raises((ProviderDown, Rejected)):
        await read(examined, "stoken")
    with pytest.raises((ProviderDown, Rejected)):
        await calendars.account(examined.access, seconds=SECONDS)


@pytest.mark.parametrize(
    "told",
    [
        b"<!DOCTYPE multistatus>",
        b'<!DOCTYPE multistatus SYSTEM "http://127.0.0.1:9/">',
        b'<!DOCTYPE multistatus [<!ENTITY a "b">]>',
    ],
)
async def test_good_answer_with_a_document_type(
    examined: Examined, world: DavWorld, told: bytes
) -> None:
    world.owner_adds(examined.calendar, at(NINE))
    assert await read(examined)
    translating(world, rb"(?=<multistatus)", told)
    with pytest.raises(ProviderDown):
        await read(examined)


@pytest.mark.parametrize("token", ["", "p", "pAAAA", "p" + "A" * 99, "nonsense"])
async def test_page_that_was_never_given(examined: Examined, token: str) -> None:
    reader = examined.provider.reader
    assert reader is not None
    query = ChangesQuery(examined.calendar, WINDOW, page_token=token)
    with pytest.raises(SyncTokenStale):
        await reader.changes(examined.access, query, seconds=SECONDS)


async def test_owner_is_known_by_an_address_of_the_server(
    examined: Examined, world: DavWorld
) -> None:
    other = "ann.other@example.org"
    text = event_text(
        "a",
        *("DTSTART:20260601T090000Z", "DTEND:20260601T100000Z"),
        f"ATTENDEE;PARTSTAT=DECLINED:mailto:{other}",
    )
    world.owner_puts(examined.calendar, "a.ics", text)
    ((_, event),) = (await read(examined))[0].items()
    assert event.busy is BusyType.BUSY
    address = rb"\1<href>mailto:%b</href>" % other.encode()
    translating(world, rb"(<\w+:calendar-user-address-set>)", address)
    fresh = replace(examined.access, connection_id=examined.access.tenant_id)
    found, _ = await read(replace(examined, access=fresh))
    assert found["a.ics"].busy is None


# Writing


async def test_etag_that_is_not_told_is_asked_for(
    examined: Examined, world: DavWorld
) -> None:
    def translates(answer: Answer) -> Answer:
        if answer.status not in {201, 204}:
            return answer
        kept = [each for each in answer.headers if each[0].lower() != "etag"]
        return Answer(answer.status, kept, answer.content)

    world.proxy.translates = translates
    written = await put(examined, a_draft())
    world.proxy.translates = lambda answer: answer
    assert written.etag is not None
    again = await put(examined, later(a_draft()), written)
    assert world.events(examined.calendar) == [as_seen(later(a_draft()), again)]


async def test_event_that_is_in_another_calendar_now(
    examined: Examined, world: DavWorld
) -> None:
    """Its UID is refused, as iCloud does wherever in the account it is."""
    written = await put(examined, a_draft())
    path = f"{examined.calendar}{written.event_id}"
    text = world.server.ask(world.user, "GET", path).text
    world.owner_deletes(examined.calendar, written.event_id)
    world.owner_puts(examined.calendar, "moved.ics", text)
    with pytest.raises(EventGone):
        await put(examined, a_draft())
    other = replace(examined.access, connection_id=examined.access.tenant_id)
    assert await put(examined, a_draft(generation=1), access=other)


async def test_nothing_is_matched_by_an_asterisk(
    examined: Examined, world: DavWorld
) -> None:
    known = await put(examined, a_draft())
    await put(examined, later(a_draft()), replace(known, etag=None))
    matched = [each.headers.get("if-match") for each in world.proxy.heard]
    assert "*" not in matched
    assert sum(each is not None for each in matched) == 1


async def test_unknown_event_without_etag_is_gone(examined: Examined) -> None:
    with pytest.raises(EventGone):
        await put(examined, a_draft(), WrittenEvent("never.ics", None))


async def test_names_stay_in_their_place(
    examined: Examined, world: DavWorld, calendars: CalendarProvider
) -> None:
    for name in ("a/b?c#d", "%2e%2e%2fx"):
        with suppress(Rejected):  # Radicale wants none with a slash
            await calendars.delete_event(
                examined.access, examined.calendar, name, seconds=SECONDS
            )
    for name in ("", ".", "..", "../../x", "a/../../x", "/x"):
        with pytest.raises(Rejected):
            await calendars.delete_event(
                examined.access, examined.calendar, name, seconds=SECONDS
            )
    paths = [each.path for each in world.proxy.heard]
    assert len(paths) == 2
    assert all(
        each.startswith(examined.calendar) and each.count("/") == 3 for each in paths
    )


@pytest.mark.parametrize("name", ["a b.ics", "a@b.ics", "ä;ö.ics", "50%.ics"])
async def test_names_of_every_kind(
    examined: Examined, world: DavWorld, name: str
) -> None:
    text = event_text(name, "DTSTART:20260601T090000Z", "DURATION:PT1H")
    world.owner_puts(examined.calendar, name.replace("%", "%25"), text)
    found, token = await read(examined)
    assert set(found) == {name}
    world.owner_deletes(examined.calendar, name.replace("%", "%25"))
    assert (await read(examined, token))[0][name].is_deleted


# Finding


async def test_address_may_be_of_anything_below(
    examined: Examined, world: DavWorld, calendars: CalendarProvider
) -> None:
    expected = await calendars.account(examined.access, seconds=SECONDS)
    assert expected.timezone == "America/New_York"
    for path in ("", ".well-known/caldav", examined.calendar[1:], "nothing/here"):
        secrets = {**examined.access.secrets, "url": f"{world.proxy.url}{path}"}
        access = replace(examined.access, secrets=secrets)
        assert await calendars.account(access, seconds=SECONDS) == expected


async def test_same_address_elsewhere_is_another_account(
    examined: Examined, world: DavWorld, calendars: CalendarProvider
) -> None:
    """Connecting it must not take the place of the first, nor of its calendars."""
    here = await calendars.account(examined.access, seconds=SECONDS)
    url = world.proxy.url.replace("127.0.0.1", "localhost")
    access = replace(examined.access, secrets={**examined.access.secrets, "url": url})
    there = await calendars.account(access, seconds=SECONDS)
    host = urlsplit(world.proxy.url).netloc
    assert here.account == f"{world.user} ({host})"
    assert there.account == here.account.replace("127.0.0.1", "localhost")


async def test_calendar_for_tasks_alone_is_none(
    examined: Examined, world: DavWorld, calendars: CalendarProvider
) -> None:
    translating(
        world,
        rb"(work/</href>.*?<\w+:comp name=)\"VEVENT\" ?/>",
        rb'\1"VTODO"/>',
    )
    account = await calendars.account(examined.access, seconds=SECONDS)
    ids = [each.external_id for each in account.calendars]
    assert ids == [examined.read_only]


async def test_calendar_that_invitations_go_to_is_primary(
    examined: Examined, world: DavWorld, calendars: CalendarProvider
) -> None:
    other = world.server.add_calendar(world.user, "another")
    told = (
        '<multistatus xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><response>'
        "<href>/inbox/</href><propstat><prop><C:schedule-default-calendar-URL><href>"
        f"{other}</href></C:schedule-default-calendar-URL></prop>"
        "<status>HTTP/1.1 200 OK</status></propstat></response></multistatus>"
    )

    def answers(heard: Heard) -> Answer | None:
        return Answer(207, XML, told.encode()) if heard.path == "/inbox/" else None

    answering(world, answers)
    translating(
        world,
        rb"(<C:calendar-home-set>)",
        rb"<C:schedule-inbox-URL><href>/inbox/</href></C:schedule-inbox-URL>\1",
    )
    account = await calendars.account(examined.access, seconds=SECONDS)
    primary = [each.external_id for each in account.calendars if each.is_primary]
    assert primary == [other]


async def test_wrong_password_is_told_as_such(
    examined: Examined, calendars: CalendarProvider
) -> None:
    stranger = replace(examined.access, secrets=examined.foreign)
    with pytest.raises(NotAuthorized):
        await calendars.account(stranger, seconds=SECONDS)
    reader = examined.provider.reader
    assert reader is not None
    with pytest.raises(NotAuthorized):
        await reader.taken(stranger, [examined.calendar], WINDOW, seconds=SECONDS)


async def test_calendars_are_asked_at_once(examined: Examined, world: DavWorld) -> None:
    world.owner_adds(examined.calendar, at(NINE))
    more = [world.server.add_calendar(world.user, f"more{n}") for n in range(6)]
    reader = examined.provider.reader
    assert reader is not None
    asked = [examined.calendar, *more]
    await reader.taken(examined.access, asked, WINDOW, seconds=SECONDS)
    for _ in asked:
        world.is_slow(0.4)
    loop = asyncio.get_running_loop()
    began = loop.time()
    found = await reader.taken(examined.access, asked, WINDOW, seconds=SECONDS)
    assert loop.time() - began < 2.0
    assert set(found) == set(asked)
    assert [each.interval for each in found[examined.calendar]] == [at(NINE)]
