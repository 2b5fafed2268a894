"""How reference and floor are served: as the product is, on the socket they are given.

Their configuration is one line of JSON on standard input, so that the key and the
database's password are in no process list.
"""

import json
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import uvicorn
from fastapi import FastAPI

from universal_calendar.store.database import Database


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a contender needs to serve."""

    database_url: str = field(repr=False)
    api_key: str = field(repr=False)
    listening: int
    """The file descriptor of a socket that listens already."""


def serve(build: Callable[[Database, str], FastAPI]) -> None:
    """Serve the application until SIGTERM, with the product's driver, pool and loop."""
    given = Configuration(**json.loads(sys.stdin.readline()))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    database = Database(given.database_url)
    app = build(database, given.api_key)
    app.router.lifespan_context = partial(_pool, database)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
    )
    listening = socket.socket(fileno=given.listening)
    uvicorn.Server(config).run(sockets=[listening])


@asynccontextmanager
async def _pool(database: Database, _app: FastAPI) -> AsyncIterator[None]:
    await database.open()
    try:
        yield
    finally:
        await database.close()
