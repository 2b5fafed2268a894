import asyncio
import ssl
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.harness.foreign_server import free_port
from tests.outgoing.raw_server import answer, raw_server
from universal_calendar.clock import utc_now
from universal_calendar.outgoing.errors import (
    AddressRefused,
    AnswerTooLarge,
    TimedOut,
    Unreachable,
)
from universal_calendar.outgoing.http import OutgoingRequest, Sender

SECRET = "s3cret"  # noqa: S105 - looked for, not used


async def test_answer_of_any_status_comes_back(sender: Sender) -> None:
    speak = answer(b"[1]", "418 Teapot", "X-Colour: red", "X-Colour: blue")
    async with raw_server(speak) as raw:
        request = OutgoingRequest("POST", f"{raw.url}/a?b=c", {"X-Key": "k"}, b"{}")
        got = await sender.send(request, seconds=5)
    assert (got.status, got.content) == (418, b"[1]")
    assert got.headers["x-colour"] == "red, blue"
    head = raw.heard[0].lower()
    assert head.startswith("post /a?b=c http/1.1")
    assert "x-key: k" in head
    assert "content-length: 2" in head
    assert f"host: 127.0.0.1:{raw.port}" in head


async def test_own_headers_can_be_replaced(sender: Sender) -> None:
    async with raw_server(answer()) as raw:
        request = OutgoingRequest("GET", raw.url, {"Accept": "text/calendar"})
        await sender.send(request, seconds=5)
    assert raw.heard[0].lower().count("accept:") == 1
    assert "text/calendar" in raw.heard[0]


async def test_redirect_is_not_followed(sender: Sender) -> None:
    async with raw_server(answer(b"here")) as there:
        speak = answer(b"", "302 Found", f"Location: {there.url}/")
        async with raw_server(speak) as raw:
            got = await sender.send(OutgoingRequest("GET", raw.url), seconds=5)
    assert got.status == 302
    assert got.headers["location"] == f"{there.url}/"
    assert there.connections == 0


async def test_cookies_are_not_kept(sender: Sender) -> None:
    async with raw_server(answer(b"", "200 OK", "Set-Cookie: a=b")) as raw:
        for _ in range(2):
            await sender.send(OutgoingRequest("GET", raw.url), seconds=5)
    assert len(raw.heard) == 2
    assert "cookie" not in raw.heard[1].lower()


async def test_connection_is_used_again(sender: Sender) -> None:
    async with raw_server(answer(b"x")) as raw:
        for _ in range(3):
            await sender.send(OutgoingRequest("GET", raw.url), seconds=5)
    assert (len(raw.heard), raw.connections) == (3, 1)


async def test_silent_server_times_out(sender: Sender) -> None:
    async def say_nothing(_: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async with raw_server(say_nothing) as raw:
        started = time.monotonic()
        with pytest.raises(TimedOut):
            await sender.send(OutgoingRequest("GET", raw.url), seconds=0.3)
    assert 0.25 < time.monotonic() - started < 2


async def test_answer_that_trickles_times_out_as_a_whole(sender: Sender) -> None:
    async def trickle(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b".")
            await asyncio.sleep(0.05)

    async with raw_server(trickle) as raw:
        started = time.monotonic()
        with pytest.raises(TimedOut):
            await sender.send(OutgoingRequest("GET", raw.url), seconds=0.5)
    assert time.monotonic() - started < 2


async def test_slow_exchanges_leave_the_sender_usable(sender: Sender) -> None:
    async def say_nothing(_: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async with raw_server(say_nothing) as slow, raw_server(answer(b"ok")) as quick:
        request = OutgoingRequest("GET", slow.url)
        asked = [sender.send(request, seconds=0.3) for _ in range(150)]
        ends = await asyncio.gather(*asked, return_exceptions=True)
        assert {type(end) for end in ends} == {TimedOut}
        got = await sender.send(OutgoingRequest("GET", quick.url), seconds=5)
    assert got.content == b"ok"


async def test_a_hundred_connections_are_the_most(sender: Sender) -> None:
    is_full, is_open = asyncio.Event(), asyncio.Event()

    async def speak_when_allowed(writer: asyncio.StreamWriter) -> None:
        if len(raw.heard) == 100:
            is_full.set()
        await is_open.wait()
        await answer(b"ok")(writer)

    async with raw_server(speak_when_allowed) as raw:
        request = OutgoingRequest("GET", raw.url)
        asked = [
            asyncio.create_task(sender.send(request, seconds=20)) for _ in range(150)
        ]
        async with asyncio.timeout(10):
            await is_full.wait()
        with pytest.raises(TimedOut):
            await sender.send(request, seconds=0.2)
        assert raw.connections == 100
        is_open.set()
        answers = await asyncio.gather(*asked)
    assert {each.content for each in answers} == {b"ok"}


async def test_endless_answer_is_too_large(sender: Sender) -> None:
    sent = 0

    async def flood(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"10000\r\n" + bytes(65536) + b"\r\n")
            sent += 65536
            await writer.drain()

    async with raw_server(flood) as raw:
        with pytest.raises(AnswerTooLarge):
            await sender.send(OutgoingRequest("GET", raw.url), seconds=10)
    assert sent < 64 * 1024 * 1024


async def test_answer_of_exactly_the_largest_size_passes(sender: Sender) -> None:
    async with raw_server(answer(bytes(1024 * 1024))) as raw:
        got = await sender.send(OutgoingRequest("GET", raw.url), seconds=10)
    assert len(got.content) == 1024 * 1024


async def test_nobody_listens(sender: Sender) -> None:
    request = OutgoingRequest("GET", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(Unreachable):
        await sender.send(request, seconds=5)


@pytest.mark.parametrize(
    "said", [b"", b"hello\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123"]
)
async def test_server_that_breaks_off(sender: Sender, said: bytes) -> None:
    async def break_off(writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        writer.close()

    async with raw_server(break_off) as raw:
        with pytest.raises(Unreachable):
            await sender.send(OutgoingRequest("GET", raw.url), seconds=5)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "file:///etc/passwd",
        "ftp://example.com/",
        "http://",
        "http:///path",
        "http://[::1",
        "http://example.com:port/",
    ],
)
async def test_url_that_cannot_be_used(sender: Sender, url: str) -> None:
    with pytest.raises(AddressRefused):
        await sender.send(OutgoingRequest("GET", url), seconds=5)


async def test_certificate_nobody_vouches_for_is_refused(
    sender: Sender, tmp_path: Path
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    async with raw_server(answer(), context=context) as raw:
        url = f"https://localhost:{raw.port}/"
        with pytest.raises(Unreachable):
            await sender.send(OutgoingRequest("GET", url), seconds=5)
    assert raw.heard == []


def self_signed(folder: Path) -> Path:
    """Write a certificate for localhost with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key())
        .serial_number(1)
        .not_valid_before(utc_now() - timedelta(days=1))
        .not_valid_after(utc_now() + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file = folder / "certificate.pem"
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return file


async def test_proxies_of_the_environment_are_ignored() -> None:
    program = (
        "import asyncio, sys\n"
        "from universal_calendar.outgoing.http import OutgoingRequest, Sender\n"
        "async def main():\n"
        "    sender = Sender(is_guarded=False)\n"
        "    request = OutgoingRequest('GET', sys.argv[1])\n"
        "    print((await sender.send(request, seconds=20)).content.decode())\n"
        "asyncio.run(main())\n"
    )
    async with raw_server(answer(b"proxy")) as proxy, raw_server(answer(b"us")) as raw:
        names = ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-c", program, raw.url),
            env=dict.fromkeys(names, proxy.url),
            stdout=subprocess.PIPE,
        )
        out, _ = await process.communicate()
    assert out == b"us\n"
    assert proxy.connections == 0


async def test_nothing_secret_is_shown(sender: Sender) -> None:
    url = f"http://user:{SECRET}@127.0.0.1:{free_port()}/{SECRET}?{SECRET}"
    request = OutgoingRequest("PUT", url, {"A": SECRET}, SECRET.encode())
    assert repr(request) == "OutgoingRequest(PUT 127.0.0.1)"
    with pytest.raises(Unreachable) as failure:
        await sender.send(request, seconds=5)
    assert str(failure.value).startswith("127.0.0.1: ")
    assert SECRET not in str(failure.value)
    async with raw_server(answer(SECRET.encode(), "200 OK", f"A: {SECRET}")) as raw:
        got = await sender.send(OutgoingRequest("GET", raw.url), seconds=5)
    assert SECRET not in repr(got)


@pytest.mark.parametrize("value", [f"{SECRET}\r\nX: y", f"{SECRET}\0", f"{SECRET}\xfc"])
async def test_header_that_cannot_be_sent_is_not_told(
    sender: Sender, value: str
) -> None:
    async with raw_server(answer()) as raw:
        with pytest.raises(Unreachable) as failure:
            await sender.send(OutgoingRequest("GET", raw.url, {"A": value}), seconds=5)
    assert raw.heard == []
    assert failure.value.__cause__ is None
    assert failure.value.__suppress_context__
