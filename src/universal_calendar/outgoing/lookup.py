"""Looking up names, each in a thread of its own.

The resolver of the system cannot be interrupted. In the event loop's own few threads,
hosts that never resolve would hold up everybody else's look-ups, and the shutdown.
"""

import asyncio
import socket
from contextlib import suppress
from threading import BoundedSemaphore, Thread
from typing import Any, Final

import httpcore2

MOST_AT_ONCE: Final = 64
_free = BoundedSemaphore(MOST_AT_ONCE)


async def system_addresses(host: str, port: int) -> list[str]:
    """Return the addresses that the system knows, best first.

    Its resolver also reads what only looks like a name, such as `127.1` and `0x7f.1`.
    Raises ConnectError, also while 64 look-ups are under way.
    """
    if not _free.acquire(blocking=False):
        raise httpcore2.ConnectError
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[str]] = loop.create_future()

    def settle(addresses: list[str], error: Exception | None) -> None:
        if found.done():
            return  # nobody waits any more
        if error is None:
            found.set_result(addresses)
        else:
            found.set_exception(httpcore2.ConnectError())

    def look_up() -> None:
        addresses, problem = list[str](), None
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            addresses = _distinct(entries)
        except (OSError, UnicodeError) as error:
            problem = error
        finally:
            _free.release()
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(settle, addresses, problem)

    Thread(target=look_up, name="name look-up", daemon=True).start()
    return await found


def _distinct(entries: list[Any]) -> list[str]:
    return list(dict.fromkeys(str(entry[4][0]) for entry in entries))
