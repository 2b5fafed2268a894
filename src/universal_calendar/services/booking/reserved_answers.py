"""Work that waits for a provider, done once: retries get the first answer.

No transaction may be open while a provider is asked, so an idempotency key is reserved
in one and its answer kept in another.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TypeAlias
from uuid import UUID

from universal_calendar.core.errors import IdempotencyMismatch
from universal_calendar.core.instant import Instant
from universal_calendar.services.ports.answers import Answer, Replay, StoredAnswer
from universal_calendar.services.ports.identity import Actor
from universal_calendar.services.ports.units import Unit, Units

_PAUSE_SECONDS: Final = 0.1

Keep: TypeAlias = Callable[[Unit, Answer], Awaitable[Answer]]
"""Keeps an answer in the unit that did the work; returns the one that stands."""
Work: TypeAlias = Callable[[Keep], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose request it is, and how its retries are recognised; None: not at all.

    `patience` is for how many seconds the work may go on: whoever has the key for
    longer is dead.
    """

    tenant_id: UUID
    actor: Actor
    replay: Replay | None
    now: Instant
    patience: float

    @property
    def kept(self) -> Replay | None:
        """Return how retries are recognised; None where they are not."""
        replay = self.replay
        return None if replay is None or replay.idempotency_key is None else replay


@dataclass(frozen=True, slots=True)
class ReservedAnswers:
    """Answers requests whose work needs more than one transaction."""

    units: Units

    async def answer(self, asked: Asked, work: Work) -> Answer:
        """Do the work, or answer what the same request was answered before.

        After an error the same may be tried again. Raises IdempotencyMismatch for a
        key that another request used, and what the work raises.
        """
        replay = asked.kept
        if replay is None:
            return await work(_keep_nothing)
        stored = await self._reserve(asked, replay)
        if stored is not None:
            return stored

        async def keep(unit: Unit, answer: Answer) -> Answer:
            return await unit.answers.keep(replay, answer)

        try:
            return await work(keep)
        except BaseException:
            async with self.units.begin(
                asked.tenant_id, asked.actor, asked.now
            ) as unit:
                await unit.answers.release(replay)
            raise

    async def _reserve(self, asked: Asked, replay: Replay) -> Answer | None:
        """Return the answer under the key; None once nobody else works on it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(asked.patience):
                while True:
                    async with self.units.begin(
                        asked.tenant_id, asked.actor, asked.now
                    ) as unit:
                        stored = await unit.answers.read(replay)
                        if stored is None and await unit.answers.reserve(replay):
                            return None
                    if stored is not None:
                        return _checked(stored)
                    await asyncio.sleep(_PAUSE_SECONDS)
        return None


async def _keep_nothing(_unit: Unit, answer: Answer) -> Answer:
    return answer


def _checked(stored: StoredAnswer) -> Answer:
    if not stored.is_same_request:
        raise IdempotencyMismatch
    return stored.answer
