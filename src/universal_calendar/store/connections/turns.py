"""Turns at accounts: one at a time for each connection, over all processes.

Whoever is first has a row, and deletes it in the end; nothing of the database is held
meanwhile. The row of one who did not live to do so counts no more once it is over.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Final, TypeAlias
from uuid import UUID
from weakref import WeakValueDictionary

from universal_calendar.core.errors import DatabaseUnavailable
from universal_calendar.core.instant import from_datetime
from universal_calendar.core.provider_errors import Throttled
from universal_calendar.services.ports.calendars import Access
from universal_calendar.services.ports.identity import NewId
from universal_calendar.store.database import Database

_PAUSE_SECONDS: Final = 0.05
_MARGIN_SECONDS: Final = 5.0
_AGAIN_SECONDS: Final = 1.0

_TAKE: Final = "SELECT take_turn(%s, %s, %s, %s, %s)"
_GIVE_BACK: Final = "SELECT give_back_turn(%s, %s, %s)"
_Turn: TypeAlias = tuple[UUID, UUID, UUID]


class TurnTable:
    """The port `Turns` on PostgreSQL."""

    def __init__(
        self, database: Database, now: Callable[[], datetime], new_id: NewId
    ) -> None:
        """Take the clock that turns end by."""
        self._database, self._now, self._new_id = database, now, new_id
        self._here: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, access: Access, *, seconds: float) -> AsyncIterator[None]:
        """Have the account's turn for a block; raise Throttled if others have it."""
        give_up_at = asyncio.get_running_loop().time() + seconds / 2
        now = self._now()
        ends_at = now + timedelta(seconds=seconds + _MARGIN_SECONDS)
        turn_id = self._new_id(from_datetime(now))
        turn = access.tenant_id, access.connection_id, turn_id
        async with self._turn_here(access, give_up_at):
            try:
                await self._take(turn, ends_at, give_up_at)
                yield
            finally:
                await self._give_back(turn)

    @asynccontextmanager
    async def _turn_here(
        self, access: Access, give_up_at: float
    ) -> AsyncIterator[None]:
        """Have this process's turn: else all who wait here would ask the database."""
        lock = self._here.setdefault(access.connection_id, asyncio.Lock())
        try:
            async with asyncio.timeout_at(give_up_at):
                await lock.acquire()
        except TimeoutError:
            raise Throttled(_AGAIN_SECONDS) from None
        try:
            yield
        finally:
            lock.release()

    async def _take(self, turn: _Turn, ends_at: datetime, give_up_at: float) -> None:
        while not await self._is_taken(turn, ends_at):
            if asyncio.get_running_loop().time() > give_up_at:
                raise Throttled(_AGAIN_SECONDS)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _is_taken(self, turn: _Turn, ends_at: datetime) -> bool:
        (is_taken,) = await self._database.call(_TAKE, [*turn, self._now(), ends_at])
        return bool(is_taken)

    async def _give_back(self, turn: _Turn) -> None:
        with suppress(DatabaseUnavailable):  # it ends by itself
            await self._database.call(_GIVE_BACK, turn)
