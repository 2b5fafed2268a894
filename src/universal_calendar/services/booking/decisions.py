"""Decide on what was read, write only if it still holds, else read again."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final, TypeVar

from universal_calendar.services.ports.agendas import (
    AgendaQuery,
    AgendaReading,
    AgendaStore,
)
from universal_calendar.services.ports.identity import Caller

OPTIMISTIC_TRIES: Final = 3
LOCKED_TRIES: Final = 2

T = TypeVar("T")
Attempt = Callable[[AgendaStore, AgendaReading], Awaitable[T | None]]
"""Decides and writes; None if the agenda had changed when it came to writing."""


async def decide(store: AgendaStore, query: AgendaQuery, attempt: Attempt[T]) -> T:
    """Run the attempt on fresh agendas until one is written or refused.

    The first tries take no lock. After three lost races the agent is locked, so that
    the fourth cannot be lost but to a twin that used the idempotency key for another
    agent; the fifth finds that one's answer. The caller is admitted, and counted, once.
    """
    first = await store.read(query)
    known = replace(query, caller=Caller(tenant_id=first.tenant_id))
    reading = first
    for _ in range(OPTIMISTIC_TRIES):
        done = await attempt(store, reading)
        if done is not None:
            return done
        reading = _admitted(first, await store.read(known))
    async with store.locked(first.tenant_id, query.agent_id) as locked:
        for _ in range(LOCKED_TRIES):
            done = await attempt(locked, _admitted(first, await locked.read(known)))
            if done is not None:
                return done
    raise AssertionError("a locked agent and an answered key cannot change again")


def _admitted(first: AgendaReading, again: AgendaReading) -> AgendaReading:
    return replace(again, key_id=first.key_id, allowance=first.allowance)
