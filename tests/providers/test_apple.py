"""Apple sits the exam before a real server that has iCloud's ways; see `icloud.py`."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from uuid import UUID

import pytest

from tests.contracts.drafts import SECONDS, TENANT, a_draft
from tests.contracts.reading import ReadingExam
from tests.contracts.troubles import TroubleExam
from tests.contracts.world import Examined
from tests.contracts.writing import WritingExam
from tests.providers.caldav.accounts import PASSWORD, open_account, running_server
from tests.providers.caldav.icloud import FRONT, PARTITION, Icloud, IcloudSender
from tests.providers.caldav.servers import DavServer
from tests.providers.caldav.world import DavWorld
from tests.providers.means import means_of
from universal_calendar.core.provider_errors import NotAuthorized, Rejected
from universal_calendar.outgoing.http import Sender
from universal_calendar.providers.caldav.client import open_apple
from universal_calendar.services.ports.calendars import Access


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DavServer]:
    with running_server("radicale", tmp_path_factory.mktemp("icloud")) as server:
        yield server


@pytest.fixture
def world(server: DavServer) -> Iterator[DavWorld]:
    with open_account(server) as world:
        yield world


@pytest.fixture
def icloud(world: DavWorld) -> Iterator[Icloud]:
    icloud = Icloud(world.server.kind.home(world.user), world.user)
    world.proxy.answers, world.proxy.translates = icloud.answer, icloud.translate
    yield icloud
    assert icloud.refused == []


@pytest.fixture
async def sender(world: DavWorld, icloud: Icloud) -> AsyncIterator[IcloudSender]:
    assert icloud.home
    sender = IcloudSender(world.proxy)
    yield sender
    await sender.close()


@pytest.fixture
def examined(world: DavWorld, sender: IcloudSender, icloud: Icloud) -> Examined:
    secrets = {"username": world.user, "appPassword": PASSWORD}
    home = f"https://{PARTITION}{icloud.home}"
    return Examined(
        open_apple(means_of(sender)),
        Access(TENANT, UUID(int=1), secrets),
        f"{home}work/",
        f"{home}holidays/",
        {**secrets, "appPassword": "another"},
        world,
        remembers_deleted=False,
    )


class TestWriting(WritingExam):
    pass


class TestTroubles(TroubleExam):
    pass


class TestReading(ReadingExam):
    pass


async def test_home_is_on_another_host(
    examined: Examined, sender: IcloudSender
) -> None:
    calendars = examined.provider.calendars
    assert calendars is not None
    account = await calendars.account(examined.access, seconds=SECONDS)
    assert account.account == examined.access.secrets["username"]
    assert account.timezone == "America/New_York"
    assert sender.hosts == {FRONT, PARTITION}


async def test_collection_itself_is_no_event(examined: Examined) -> None:
    exam = ReadingExam()
    _, token = await exam.read(examined)
    await exam.put(examined, a_draft())
    found, _ = await exam.read(examined, token)
    assert list(found) == [f"{a_draft().event_key}.ics"]


@pytest.mark.parametrize(
    "host",
    [
        "https://evil.example",
        "https://icloud.com.evil.example",
        "https://evilicloud.com",
        "https://icloud.com",
        "http://p42-caldav.icloud.com",
        "https://p42-caldav.icloud.com:8443",
        "https://ann@p42-caldav.icloud.com",
        "https://p42-caldav.icloud.com@evil.example",
        "https://127.0.0.1",
        "//evil.example",
    ],
)
async def test_home_somewhere_else(
    examined: Examined, sender: IcloudSender, icloud: Icloud, host: str
) -> None:
    icloud.home_host = host
    calendars = examined.provider.calendars
    assert calendars is not None
    with pytest.raises(Rejected):
        await calendars.account(examined.access, seconds=SECONDS)
    with pytest.raises(Rejected):
        await calendars.put_event(
            examined.access, f"{host}/diary/", a_draft(), None, seconds=SECONDS
        )
    assert sender.hosts == {FRONT}


@pytest.mark.parametrize("missing", ["username", "appPassword"])
async def test_secrets_that_are_not_whole(examined: Examined, missing: str) -> None:
    secrets = {**examined.access.secrets, missing: ""}
    with pytest.raises(NotAuthorized):
        await WritingExam.put(
            examined, a_draft(), access=replace(examined.access, secrets=secrets)
        )


async def test_no_other_address_is_taken(examined: Examined) -> None:
    """Whoever names a URL gets iCloud all the same."""
    secrets = {**examined.access.secrets, "url": "https://evil.example/"}
    calendars = examined.provider.calendars
    assert calendars is not None
    access = replace(examined.access, secrets=secrets)
    assert (await calendars.account(access, seconds=SECONDS)).calendars


async def test_apple_and_caldav_need_no_registration() -> None:
    sender = Sender(is_guarded=True)
    manifest = open_apple(means_of(sender, {})).manifest
    await sender.close()
    assert [each.name for each in manifest.credentials] == ["username", "appPassword"]
    assert [each.is_secret for each in manifest.credentials] == [False, True]
