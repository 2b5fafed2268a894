"""An HTTP server on loopback in the test's own loop; things go wrong on demand.

It can die at once, connections and all, and rise on the same port.
"""

import asyncio
import json
import socket
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

from tests.harness.machines.resting import is_resting

Json = dict[str, Any]


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    """Still quoted: identifiers may hold slashes."""
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    content: bytes

    @property
    def form(self) -> dict[str, str]:
        """Return the fields of a form."""
        text = self.content.decode()
        return {name: values[0] for name, values in parse_qs(text).items()}

    @property
    def json(self) -> Json:
        return dict(json.loads(self.content))


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: Json | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def __bytes__(self) -> bytes:
        content = b"" if self.body is None else json.dumps(self.body).encode()
        headers = {
            "content-type": "application/json; charset=UTF-8",
            "content-length": str(len(content)),
            **self.headers,
        }
        head = f"HTTP/1.1 {self.status} .\r\n" + "".join(
            f"{name}: {value}\r\n" for name, value in headers.items()
        )
        return head.encode() + b"\r\n" + content


@dataclass(frozen=True)
class Trouble:
    """What happens to one request: `answer` is given in place of what it asks."""

    seconds: float = 0
    is_done: bool = True
    is_answered: bool = True
    answer: Answer | None = None


class Wire:
    """Takes requests, and gives the answers of `handle`."""

    def __init__(self, handle: Callable[[Request], Answer]) -> None:
        self.troubles: deque[Trouble] = deque()
        self._handle, self._port = handle, 0
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._server: asyncio.Server | None = None
        self.rise()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def rise(self) -> None:
        """Listen, on the port that it had."""
        self._socket = socket.create_server(("127.0.0.1", self._port))
        self._port = self._socket.getsockname()[1]
        self._listening = asyncio.create_task(self._listen(self._socket))

    async def _listen(self, listening: socket.socket) -> None:
        self._server = await asyncio.start_server(
            self._serve, sock=listening, start_serving=False
        )
        await self._server.start_serving()

    def is_resting(self) -> bool:
        """Tell whether it is done with all that was sent, and with who is gone."""
        transports = [each.transport for each in self._open.values()]
        open_ones = [
            each.get_extra_info("socket").fileno()
            for each in transports
            if not each.is_closing()
        ]
        return is_resting([self._socket.fileno(), *open_ones])

    def die(self) -> None:
        """Break every connection, in the middle of whatever it does."""
        if self._server is None:
            self._listening.cancel()
            self._socket.close()
        else:
            self._server.close()
            self._server = None
        for task, writer in self._open.items():
            writer.transport.abort()
            task.cancel()

    async def close(self) -> None:
        """Die, and wait until it is over."""
        tasks = [self._listening, *self._open]
        self.die()
        await asyncio.wait(tasks)

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        try:
            while (answer := await self._answer(await _read(reader))) is not None:
                writer.write(bytes(answer))
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()
            del self._open[task]

    async def _answer(self, request: Request) -> Answer | None:
        trouble = self.troubles.popleft() if self.troubles else Trouble()
        answer = trouble.answer
        if answer is None and trouble.is_done:
            answer = self._handle(request)
        await asyncio.sleep(trouble.seconds)
        return answer if trouble.is_answered else None


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    method, target, _ = first.split(" ")
    headers = dict(_headers(lines))
    content = await reader.readexactly(int(headers.get("content-length", "0")))
    url = urlsplit(target)
    query = parse_qsl(url.query, keep_blank_values=True)
    return Request(method, url.path, query, headers, content)


def _headers(lines: list[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            yield name.lower(), value.strip()


def unquoted(text: str) -> str:
    return unquote(text, errors="strict")
