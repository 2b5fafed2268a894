"""A use-case in one transaction, answered once: retries get the first answer."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from universal_calendar.core.errors import IdempotencyMismatch
from universal_calendar.core.instant import Instant
from universal_calendar.services.ports.answers import Answer, Replay
from universal_calendar.services.ports.identity import Actor
from universal_calendar.services.ports.units import Unit, Units

Work = Callable[[Unit], Awaitable[Answer]]


class Transactions:
    """Runs work in units."""

    def __init__(self, units: Units) -> None:
        """Take what begins a unit."""
        self._units = units

    async def run(
        self,
        tenant_id: UUID,
        actor: Actor,
        now: Instant,
        work: Work,
        replay: Replay | None = None,
    ) -> Answer:
        """Do the work and commit; with an idempotency key, at most once.

        Only success is kept: an error undoes the claim on the key with everything
        else. Raises IdempotencyMismatch for a key that another request used.
        """
        async with self._units.begin(tenant_id, actor, now) as unit:
            if replay is None or replay.idempotency_key is None:
                return await work(unit)
            stored = await unit.answers.claim(replay)
            if stored is not None:
                if not stored.is_same_request:
                    raise IdempotencyMismatch
                return stored.answer
            answer = await work(unit)
            await unit.answers.keep(replay, answer)
            return answer
