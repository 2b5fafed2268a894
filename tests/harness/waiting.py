"""Waiting for what other processes or tasks do, up to a deadline."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable

PROMPTLY = 8.0


async def until(
    condition: Callable[[], bool | Awaitable[bool]], seconds: float = PROMPTLY
) -> None:
    """Look until the condition holds; raise TimeoutError after so many seconds."""
    async with asyncio.timeout(seconds):
        while not await _holds(condition):  # noqa: ASYNC110 - others set no event
            await asyncio.sleep(0.02)


async def _holds(condition: Callable[[], bool | Awaitable[bool]]) -> bool:
    answer = condition()
    return await answer if inspect.isawaitable(answer) else bool(answer)
