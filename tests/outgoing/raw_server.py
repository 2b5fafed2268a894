"""A server that says exactly the bytes it is told to, and keeps what it heard."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field

Speak = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class RawServer:
    """Listens on a loopback port; `heard` has the head of every request."""

    port: int = 0
    heard: list[str] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def answer(content: bytes = b"", status: str = "200 OK", *headers: str) -> Speak:
    """Return what sends one whole answer."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", *headers]

    async def speak(writer: asyncio.StreamWriter) -> None:
        writer.write("\r\n".join([*head, "", ""]).encode() + content)
        await writer.drain()

    return speak


@asynccontextmanager
async def raw_server(
    speak: Speak, *, context: ssl.SSLContext | None = None
) -> AsyncIterator[RawServer]:
    """Answer each request by `speak`, in plain text or over TLS."""
    raw, exchanges = RawServer(), set[asyncio.Task[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raw.connections += 1
        with suppress(asyncio.IncompleteReadError, ConnectionError), closing(writer):
            while True:
                raw.heard.append((await reader.readuntil(b"\r\n\r\n")).decode())
                await speak(writer)

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        exchanges.add(asyncio.create_task(serve(reader, writer)))

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
    raw.port = server.sockets[0].getsockname()[1]
    try:
        yield raw
    finally:
        server.close()
        for exchange in exchanges:
            exchange.cancel()
        await asyncio.gather(*exchanges, return_exceptions=True)
