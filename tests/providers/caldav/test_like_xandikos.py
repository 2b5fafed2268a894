"""A thousand events read as busy exactly as Xandikos' own free-busy answers."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from time import thread_time

import icalendar
import pytest
import recurring_ical_events
from dulwich import porcelain

from tests.contracts.drafts import utc
from tests.contracts.reading import ReadingExam
from tests.providers.caldav.accounts import (
    examined_account,
    open_account,
    running_server,
)
from tests.providers.caldav.made_up import YEAR, made_up
from tests.providers.caldav.world import DavWorld
from universal_calendar.core.busy import BusyType
from universal_calendar.core.instant import from_datetime, instant_text, to_datetime
from universal_calendar.core.interval import Interval, Intervals, merge
from universal_calendar.outgoing.http import Sender
from universal_calendar.services.ports.calendars import ChangedEvent

WHOLE_YEAR = Interval(utc(YEAR, 1, 1, 0), utc(YEAR + 1, 1, 1, 0))
COUNT = 1000


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DavWorld]:
    folder = tmp_path_factory.mktemp("xandikos")
    with (
        running_server("xandikos", folder) as server,
        open_account(server) as world,
    ):
        _fill(folder / "collections" / world.user / "calendars" / "work")
        yield world


def _fill(folder: Path) -> None:
    """Commit all at once to the git repository that the calendar is."""
    texts = dict(made_up(COUNT))
    for name, text in texts.items():
        (folder / name).write_text(text, newline="")
    porcelain.add(str(folder), [str(folder / name) for name in texts])
    porcelain.commit(
        str(folder), message=b"Made up", author=b"T <t@x>", committer=b"T <t@x>"
    )


def calendar_of(world: DavWorld) -> str:
    return f"{world.server.kind.home(world.user)}work/"


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    sender = Sender(is_guarded=False)
    yield sender
    await sender.close()


async def test_as_busy_as_xandikos_says(filled: DavWorld, sender: Sender) -> None:
    examined = examined_account(filled, sender)
    exam = ReadingExam()
    found, _ = await exam.read(examined, window=WHOLE_YEAR)
    assert len(found) > COUNT * 0.9
    for busy in BusyType:
        ours = merge(_clipped(found.values(), busy))
        assert ours == _free_busy(filled, busy), busy
    assert not _free_busy(filled, BusyType.UNAVAILABLE)
    assert len(merge(_clipped(found.values(), BusyType.TENTATIVE))) > 100
    free = [each for each in found.values() if each.busy is None]
    assert len(free) > 50


def _clipped(events: Iterable[ChangedEvent], busy: BusyType) -> Iterator[Interval]:
    for event in events:
        if event.busy is busy:
            for each in event.intervals:
                start = max(each.start, WHOLE_YEAR.start)
                yield Interval(start, min(each.end, WHOLE_YEAR.end))


def _free_busy(world: DavWorld, busy: BusyType) -> Intervals:
    start, end = (
        instant_text(each).replace("-", "").replace(":", "")
        for each in (WHOLE_YEAR.start, WHOLE_YEAR.end)
    )
    question = (
        '<C:free-busy-query xmlns:C="urn:ietf:params:xml:ns:caldav">'
        f'<C:time-range start="{start}" end="{end}"/></C:free-busy-query>'
    )
    answer = world.server.ask(
        world.user, "REPORT", calendar_of(world), question, Depth="1"
    )
    (told,) = icalendar.Calendar.from_ical(answer.content).walk("VFREEBUSY")
    periods = told.get("FREEBUSY", [])
    return merge(
        Interval(from_datetime(each.start), from_datetime(each.end))
        for each in periods
        if each.params.get("FBTYPE", "BUSY") == busy
    )


async def test_each_event_as_another_reader_reads_it(
    filled: DavWorld, sender: Sender
) -> None:
    """Xandikos tells of all together, `recurring-ical-events` of each."""
    examined = examined_account(filled, sender)
    found, _ = await ReadingExam().read(examined, window=WHOLE_YEAR)
    start, end = (to_datetime(each) for each in (WHOLE_YEAR.start, WHOLE_YEAR.end))
    for name, text in made_up(COUNT):
        calendar = icalendar.Calendar.from_ical(text)
        if "VALUE=DATE" in text or "TRANSPARENT" in text:
            continue  # the other reader tells neither of zones nor of what is free
        expected = sorted(
            Interval(from_datetime(each["DTSTART"].dt), from_datetime(each["DTEND"].dt))
            for each in recurring_ical_events.of(calendar).between(start, end)
            if each.get("STATUS") != "CANCELLED"
        )
        ours = found[name].intervals if name in found else ()
        assert list(ours) == expected, text


async def test_reading_a_big_calendar_holds_up_nobody(
    filled: DavWorld, sender: Sender
) -> None:
    examined = examined_account(filled, sender)
    longest, is_over = 0.0, False

    async def beat() -> None:
        nonlocal longest
        loop = asyncio.get_running_loop()
        while not is_over:
            await asyncio.sleep(0)
            # By this thread's own work, whatever else the machine does.
            began = loop.time(), thread_time()
            await asyncio.sleep(0)
            longest = max(
                longest, min(loop.time() - began[0], thread_time() - began[1])
            )

    heart, began = asyncio.create_task(beat()), thread_time()
    await ReadingExam().read(examined, window=WHOLE_YEAR)
    whole, is_over = thread_time() - began, True
    await heart
    assert longest < whole / 10
