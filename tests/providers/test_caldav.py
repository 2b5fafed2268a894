"""CalDAV sits the exam of every provider before real servers: Radicale and Xandikos."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.contracts.reading import ReadingExam
from tests.contracts.troubles import TroubleExam
from tests.contracts.world import Examined
from tests.contracts.writing import WritingExam
from tests.providers.caldav.accounts import (
    examined_account,
    open_account,
    running_server,
)
from tests.providers.caldav.servers import KINDS, DavServer
from tests.providers.caldav.world import DavWorld
from universal_calendar.outgoing.http import Sender


@pytest.fixture(scope="module", params=sorted(KINDS))
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DavServer]:
    folder = tmp_path_factory.mktemp(request.param)
    with running_server(request.param, folder) as server:
        yield server


@pytest.fixture
def world(server: DavServer) -> Iterator[DavWorld]:
    with open_account(server) as world:
        yield world


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    sender = Sender(is_guarded=False)
    yield sender
    await sender.close()


@pytest.fixture
def examined(world: DavWorld, sender: Sender) -> Examined:
    return examined_account(world, sender)


class TestWriting(WritingExam):
    pass


class TestTroubles(TroubleExam):
    pass


class TestReading(ReadingExam):
    pass
