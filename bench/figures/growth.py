"""Whether an agent's slots stay fast while everybody else's appointments pile up."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from bench.arena import Arena, Contender
from bench.calendars import DAYS_ASKED, questions
from bench.changes import changing
from bench.figures.free_slots import changed_first
from bench.race import Lane, race
from bench.report import Column, Figure, at_most
from bench.seeding import add_tenant, count_claims, multiply, seed_product

_SMALL: Final = 10_000
_TENANTS: Final = 20
_TURNS: Final = 4
"""Times as many as elsewhere: each is a single request to the one agent."""


def growth(arena: Arena) -> Figure:
    """Ask two services in turn, whose tables differ in other agents' appointments."""
    totals = (_SMALL, arena.effort.large)
    with ExitStack() as stack:
        lanes = [stack.enter_context(_service(arena, total)) for total in totals]
        small, large = race(lanes, _TURNS * arena.effort.turns, 0, arena.tick)
    return Figure(
        "growth",
        f"Free slots, 90 days: {_SMALL:,} and {arena.effort.large:,} appointments",
        {"product": Column.of(large)},
        (at_most(f"x the time at {_SMALL:,}", large.median_ms / small.median_ms, 1.2),),
        {f"milliseconds at {_SMALL:,}": small.median_ms},
        "of other agents, in one table",
    )


@contextmanager
def _service(arena: Arena, total: int) -> Iterator[Lane]:
    agent = arena.eight_a_day[0]
    place = arena.stage.product_place(f"product_{total}")
    tenant = add_tenant(arena.stage, place, arena.now)
    seed_product(place, tenant, [agent], arena.now)
    multiply(place, agent, _TENANTS, total - len(agent.claims))
    with (
        arena.stage.product(place) as port,
        changing(place, tenant, [agent]) as change,
    ):
        contender = Contender(port, tenant.api_key)
        requests = changed_first(contender.ask, questions([agent], DAYS_ASKED), change)
        yield Lane(str(count_claims(place)), port, requests, 200, 1, 0)
