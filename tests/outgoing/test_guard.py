from collections.abc import Iterable
from ipaddress import ip_address

import httpcore2
import httpx2
import pytest
from typing_extensions import override

from tests.outgoing.raw_server import answer, raw_server
from universal_calendar.outgoing.errors import AddressRefused, Unreachable
from universal_calendar.outgoing.guard import (
    GuardedBackend,
    GuardedTransport,
    is_public,
)
from universal_calendar.outgoing.http import OutgoingRequest, Sender
from universal_calendar.outgoing.lookup import system_addresses

LOCAL = [
    "0.0.0.0",  # noqa: S104 - an address to refuse
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "224.0.1.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]
PUBLIC = ["8.8.8.8", "1.1.1.1", "172.32.0.1", "2606:4700::1111", "2a00:1450::1"]


@pytest.mark.parametrize("address", LOCAL)
def test_address_that_is_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_address_that_is_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "0x7f.1",
        "2130706433",
        "017700000001",
        "127.0.0.1.",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "10.0.0.1",
        "169.254.169.254",
        "[fe80::1]",
        "0",
    ],
)
async def test_no_spelling_leads_to_our_own_network(guarded: Sender, host: str) -> None:
    async with raw_server(answer(b"inside")) as raw:
        url = f"http://{host}:{raw.port}/"
        with pytest.raises((AddressRefused, Unreachable)) as failure:
            await guarded.send(OutgoingRequest("GET", url), seconds=5)
    assert raw.connections == 0
    # What the resolver does not know at all was not refused by us.
    assert isinstance(failure.value, AddressRefused) or host == "127.0.0.1."


async def test_name_that_leads_to_loopback_is_refused(guarded: Sender) -> None:
    async with raw_server(answer(b"inside")) as raw:
        request = OutgoingRequest("GET", f"http://localhost:{raw.port}/")
        with pytest.raises(AddressRefused, match="localhost"):
            await guarded.send(request, seconds=5)
        # The same without the guard, so that the refusal is the guard's.
        sender = Sender(is_guarded=False)
        assert (await sender.send(request, seconds=5)).content == b"inside"
        await sender.close()
    assert raw.connections == 1


@pytest.mark.parametrize("host", ["nobody.invalid", f"{'a' * 64}.invalid"])
async def test_name_that_nobody_knows_is_unreachable(
    guarded: Sender, host: str
) -> None:
    request = OutgoingRequest("GET", f"http://{host}/")
    with pytest.raises(Unreachable):
        await guarded.send(request, seconds=5)


class Ports(httpcore2.AsyncNetworkBackend):
    """Opens nothing; keeps where it was sent, and fails at chosen addresses."""

    def __init__(self, *dead: str) -> None:
        self.dead, self.tried = dead, list[tuple[str, float | None]]()

    @override
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        self.tried.append((host, timeout))
        if host in self.dead:
            raise httpcore2.ConnectError
        return httpcore2.AsyncMockStream([])


class Names:
    """A resolver whose answers were written down before."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)

    async def __call__(self, _host: str, _port: int) -> list[str]:
        return self.answers.pop(0)


async def test_one_private_address_among_public_ones_is_refused() -> None:
    ports = Ports()
    backend = GuardedBackend(ports, Names(["8.8.8.8", "10.0.0.1"]))
    with pytest.raises(AddressRefused):
        await backend.connect_tcp("mixed.example", 443)
    assert ports.tried == []


async def test_connection_goes_to_the_address_that_was_judged() -> None:
    ports, names = Ports(), Names(["8.8.8.8"], ["127.0.0.1"])
    await GuardedBackend(ports, names).connect_tcp("turncoat.example", 443, 2.0)
    assert ports.tried == [("8.8.8.8", 2.0)]
    assert names.answers == [["127.0.0.1"]]


async def test_next_address_is_tried_within_the_same_time() -> None:
    ports, names = Ports("8.8.8.8"), Names(["8.8.8.8", "1.1.1.1"])
    await GuardedBackend(ports, names).connect_tcp("two.example", 443, 2.0)
    assert ports.tried == [("8.8.8.8", 1.0), ("1.1.1.1", 1.0)]


async def test_canary_httpx2_still_connects_through_the_guard() -> None:
    transport = GuardedTransport(httpx2.Limits())
    request = httpx2.Request("GET", "http://127.0.0.1:9/")
    with pytest.raises(AddressRefused):
        await transport.handle_async_request(request)
    await transport.aclose()


async def test_every_address_of_a_name_is_found() -> None:
    assert "127.0.0.1" in await system_addresses("localhost", 80)
