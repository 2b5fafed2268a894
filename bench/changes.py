"""Changing agents between requests, so that nothing kept about them can be used."""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from bench.calendars import ZONE, Calendar, Kind
from bench.seeding import Tenant
from bench.stage import Place
from universal_calendar.core.instant import to_datetime
from universal_calendar.core.localtime import from_wall_clock

Change = Callable[[Sequence[UUID]], None]
"""Changes one appointment of each of these agents."""

# A minute shorter, or longer again: the slots stay, whatever was derived from the
# claims of that day does not.
_CHANGE: Final = """
WITH changed AS (
    UPDATE claims c SET ends_at = c.ends_at + make_interval(mins =>
            CASE WHEN date_part('minute', c.ends_at - c.starts_at)::integer %% 2 = 0
            THEN -1 ELSE 1 END)
        FROM unnest(%(agents)s::uuid[], %(starts)s::timestamptz[])
            AS chosen (agent_id, starts_at)
        WHERE c.tenant_id = %(tenant)s AND c.agent_id = chosen.agent_id
            AND c.starts_at = chosen.starts_at
)
UPDATE agents SET revision = revision + 1
    WHERE tenant_id = %(tenant)s AND agent_id = ANY (%(agents)s)
"""


@contextmanager
def changing(
    place: Place, tenant: Tenant, calendars: Sequence[Calendar]
) -> Iterator[Change]:
    """Lend what writes to agents as a change of one appointment does."""
    chance = random.Random("changes")  # noqa: S311 - no secret
    starts = {
        agent.agent_id: [
            to_datetime(from_wall_clock(claim.day, claim.minute, ZONE))
            for claim in agent.claims
            if claim.kind is Kind.APPOINTMENT
        ]
        for agent in calendars
    }
    with place.administer() as connection:

        def change(agents: Sequence[UUID]) -> None:
            connection.execute(
                _CHANGE,
                {
                    "tenant": tenant.tenant_id,
                    "agents": list(agents),
                    "starts": [chance.choice(starts[agent]) for agent in agents],
                },
            )

        yield change
