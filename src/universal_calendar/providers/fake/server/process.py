"""The sandbox as a running server."""

import asyncio
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import uvicorn
from typing_extensions import override
from uvicorn.protocols.http.h11_impl import H11Protocol

from universal_calendar.providers.fake.server.app import create_app
from universal_calendar.providers.fake.server.sandbox import Now
from universal_calendar.providers.fake.server.state import State

_GRACE_SECONDS = 1


class _BreakableProtocol(H11Protocol):
    """Shows a request its connection, so that a fault can break it."""

    @override
    def connection_made(  # type: ignore[override]  # as uvicorn declares it itself
        self, transport: asyncio.Transport
    ) -> None:
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class _Server(uvicorn.Server):
    """Breaks off what still waits a second after it was told to stop."""

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().call_later(_GRACE_SECONDS, self._break_off)
        await super().shutdown(sockets)

    def _break_off(self) -> None:
        for connection in list(self.server_state.connections):
            if connection.transport is not None:
                connection.transport.abort()


def run(
    listener: socket.socket, home: Path, now: Now, announce: Callable[[str], None]
) -> None:
    """Serve on a listening socket until SIGINT or SIGTERM; state lives in `home`."""
    config = uvicorn.Config(
        create_app(State(home), now),
        http=_BreakableProtocol,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
    )
    # Once it has shut down, uvicorn raises the signal again that stopped it.
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, _carry_on)
    # Whoever connects from now on is answered: the socket listens already.
    host, port = listener.getsockname()[:2]
    announce(f"http://{f'[{host}]' if ':' in host else host}:{port}")
    _Server(config).run([listener])


def _carry_on(_number: int, _frame: FrameType | None) -> None:
    """Let the server close what it opened."""
