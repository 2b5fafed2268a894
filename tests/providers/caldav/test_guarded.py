"""An address that an owner types leads nowhere but to the public internet."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from uuid import UUID

import httpcore2
import httpx2
import pytest
from typing_extensions import override

from tests.contracts.drafts import SECONDS, TENANT, WINDOW, a_draft
from tests.outgoing.raw_server import answer, raw_server
from tests.providers.means import means_of
from universal_calendar.core.provider_errors import ProviderDown, Rejected
from universal_calendar.outgoing.errors import AddressRefused
from universal_calendar.outgoing.guard import GuardedBackend, GuardedTransport
from universal_calendar.outgoing.http import Sender
from universal_calendar.providers.caldav.client import open_caldav
from universal_calendar.services.ports.calendars import (
    Access,
    CalendarProvider,
    CalendarReader,
    ChangesQuery,
)

HOSTS = [
    # Loopback, spelt in every way that resolvers read.
    "127.0.0.1",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "ip6-localhost",
    "127.1",
    "127.0.1",
    "0",
    "0.0.0.0",  # noqa: S104 - an address to refuse
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0x7F.0.0.0x1",
    "017700000001",
    "0177.0.0.1",
    "0177.0x0.0.1",
    "127.255.255.254",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::]",
    # Other networks of ours, and what clouds tell of themselves.
    "10.0.0.1",
    "10.255.255.255",
    "172.16.0.1",
    "172.31.255.254",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "[::ffff:169.254.169.254]",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "[fe80::1%25lo]",
    "[fc00::1]",
    "168.63.129.16",
    "192.0.0.192",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
]


QUERY = ChangesQuery("/dav/diary/", WINDOW)


@pytest.fixture
async def guarded() -> AsyncIterator[Sender]:
    sender = Sender(is_guarded=True)
    yield sender
    await sender.close()


@pytest.fixture
async def unguarded() -> AsyncIterator[Sender]:
    sender = Sender(is_guarded=False)
    yield sender
    await sender.close()


def access_to(url: str) -> Access:
    secrets = {"url": url, "username": "ann", "password": "sesame"}
    return Access(TENANT, UUID(int=1), secrets)


def calendars(sender: Sender, *, allows_http: bool = True) -> CalendarProvider:
    provider = open_caldav(replace(means_of(sender), allows_http=allows_http))
    assert provider.calendars is not None
    return provider.calendars


def reader(sender: Sender) -> CalendarReader:
    provider = open_caldav(replace(means_of(sender), allows_http=True))
    assert provider.reader is not None
    return provider.reader


def test_there_are_forty_of_them() -> None:
    assert len(set(HOSTS)) >= 40


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_no_connection_is_opened(guarded: Sender, host: str, scheme: str) -> None:
    async with raw_server(answer(b"inside")) as raw:
        access = access_to(f"{scheme}://{host}:{raw.port}/dav/")
        with pytest.raises((Rejected, ProviderDown)) as failure:
            await calendars(guarded).put_event(
                access, "/dav/diary/", a_draft(), None, seconds=SECONDS
            )
        with pytest.raises((Rejected, ProviderDown)):
            await calendars(guarded).account(access, seconds=SECONDS)
        with pytest.raises((Rejected, ProviderDown)):
            await reader(guarded).changes(access, QUERY, seconds=SECONDS)
    assert raw.connections == 0
    # What this machine's resolver does not know at all was not refused by us.
    unknown = {"ip6-localhost", "localhost.", "[fe80::1%25lo]"}
    if host not in unknown:
        assert isinstance(failure.value, Rejected)
        assert isinstance(failure.value.__cause__, AddressRefused)


@pytest.mark.parametrize(
    "url",
    [
        "https://caldav.example.com@{here}/",
        "https://caldav.example.com:443@{here}/",
        "https://ann:sesame@{here}/",
        "https://{here}#@caldav.example.com/",
        "https://{here}\\@caldav.example.com/",
        "https://caldav.example.com\\@{here}/",
        "file:///etc/passwd",
        "gopher://{here}/",
        "ftp://{here}/",
        "//{here}/",
        "{here}",
        "https://",
        "https://[::1",
        "javascript:alert(1)",
        "https://caldav.example.com:port/",
        "\x00https://{here}/",
    ],
)
async def test_addresses_that_try_tricks(guarded: Sender, url: str) -> None:
    async with raw_server(answer(b"inside")) as raw:
        access = access_to(url.format(here=f"127.0.0.1:{raw.port}"))
        with pytest.raises((Rejected, ProviderDown)):
            await calendars(guarded).account(access, seconds=SECONDS)
        with pytest.raises((Rejected, ProviderDown)):
            await calendars(guarded).delete_event(access, "/a/", "b", seconds=SECONDS)
    assert raw.connections == 0


async def test_passwords_go_over_encrypted_connections_alone(
    unguarded: Sender,
) -> None:
    async with raw_server(answer(b"inside")) as raw:
        with pytest.raises(Rejected):
            await calendars(unguarded, allows_http=False).account(
                access_to(raw.url), seconds=SECONDS
            )
        assert raw.connections == 0
        with pytest.raises((Rejected, ProviderDown)):
            await calendars(unguarded).account(access_to(raw.url), seconds=SECONDS)
        assert raw.connections > 0


class Ports(httpcore2.AsyncNetworkBackend):
    """Opens nothing; keeps where it was sent."""

    def __init__(self) -> None:
        self.tried: list[str] = []

    @override
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        self.tried.append(host)
        return httpcore2.AsyncMockStream([])


class Turncoat:
    """A resolver that answers by turns."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers, self.asked = answers, 0

    async def __call__(self, _host: str, _port: int) -> list[str]:
        self.asked += 1
        return self.answers[(self.asked - 1) % len(self.answers)]


class _Transport(GuardedTransport):
    def __init__(self, ports: Ports, resolver: Turncoat) -> None:
        super().__init__(httpx2.Limits())
        self._pool._network_backend = GuardedBackend(ports, resolver)


class _Sender(Sender):
    """A guarded sender whose connections and names are the test's."""

    def __init__(self, ports: Ports, resolver: Turncoat) -> None:
        super().__init__(is_guarded=True)
        self._transport = _Transport(ports, resolver)


@pytest.mark.parametrize(
    "answers",
    [
        (["127.0.0.1"],),
        (["8.8.8.8"], ["127.0.0.1"]),
        (["8.8.8.8"], ["169.254.169.254"], ["10.0.0.1"]),
        (["8.8.8.8", "10.0.0.1"],),
        (["2606:4700::1111"], ["::1"]),
    ],
)
async def test_name_that_changes_its_mind(answers: tuple[list[str], ...]) -> None:
    ports, resolver = Ports(), Turncoat(*answers)
    sender = _Sender(ports, resolver)
    access = access_to("http://turncoat.example/dav/")
    for _ in range(3):
        with pytest.raises((Rejected, ProviderDown)):
            await calendars(sender).account(access, seconds=SECONDS)
        with pytest.raises((Rejected, ProviderDown)):
            await calendars(sender).delete_event(access, "/dav/", "a", seconds=SECONDS)
    await sender.close()
    assert resolver.asked > 3
    assert set(ports.tried) <= {"8.8.8.8", "2606:4700::1111"}


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:{port}/",
        "http://localhost:{port}/",
        "//127.0.0.1:{port}/",
        "http://ann:sesame@127.0.0.1:{port}/",
        "http://169.254.169.254/latest/",
        "file:///etc/passwd",
        "http://[::1",
        "",
    ],
)
@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 T", "308 P"])
async def test_redirect_to_another_host(
    unguarded: Sender, location: str, status: str
) -> None:
    async with raw_server(answer(b"inside")) as there:
        header = f"Location: {location.format(port=there.port)}"
        async with raw_server(answer(b"", status, header)) as here:
            access = access_to(f"{here.url}/dav/")
            with pytest.raises(Rejected):
                await calendars(unguarded).account(access, seconds=SECONDS)
    assert there.connections == 0
    assert len(here.heard) < 20


async def test_endless_redirect(unguarded: Sender) -> None:
    async with raw_server(answer(b"", "302 Found", "Location: /dav/")) as here:
        with pytest.raises(Rejected):
            await calendars(unguarded).account(
                access_to(f"{here.url}/dav/"), seconds=SECONDS
            )
    assert len(here.heard) < 20


MULTISTATUS = (
    '<D:multistatus xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">'
    "<D:response><D:href>{href}</D:href><D:propstat><D:prop>"
    "<D:current-user-principal><D:href>{href}</D:href></D:current-user-principal>"
    "<C:calendar-home-set><D:href>{href}</D:href></C:calendar-home-set>"
    "<D:resourcetype><C:calendar/></D:resourcetype>"
    "</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>"
    "</D:multistatus>"
)


async def test_places_that_an_answer_names_on_another_host(unguarded: Sender) -> None:
    async with raw_server(answer(b"inside")) as there:
        content = MULTISTATUS.format(href=f"{there.url}/diary/").encode()
        async with raw_server(answer(content, "207 Multi-Status")) as here:
            access = access_to(f"{here.url}/dav/")
            with pytest.raises(Rejected):
                await calendars(unguarded).account(access, seconds=SECONDS)
            with pytest.raises(Rejected):
                await calendars(unguarded).put_event(
                    access, f"{there.url}/diary/", a_draft(), None, seconds=SECONDS
                )
    assert there.connections == 0
