"""How fast free slots are listed.

The product keeps an answer while nothing changes. Three ways of asking separate that
from the work itself:

- changed: before each request one of the agent's appointments becomes a minute shorter
  or longer and its revision is raised, as any booking, cancellation or hold would do.
  Every answer is read, computed and written anew.
- unchanged: the agents are asked again and nothing has happened.
- first: before a question comes again, more others have been asked than the product
  keeps of anything: 1,200 answers and openings, 19,500 days of agents.
"""

from collections.abc import Callable, Sequence
from itertools import cycle, islice
from typing import Final

from bench.arena import Arena
from bench.calendars import (
    DAYS_ASKED,
    EIGHT_A_DAY,
    SHIFTS,
    Calendar,
    Question,
    calendars,
    questions,
)
from bench.changes import Change, changing
from bench.race import Lane, Result, in_circles, race
from bench.report import Column, Figure, Goal, at_least
from bench.seeding import seed_product, seed_reference

_BURST: Final = 5
_BATCH: Final = 64
_STRANGERS: Final = 300
_SHORT: Final = 6
"""Days between the first and last of seven."""

Requests = Callable[[int], Sequence[bytes]]


def ninety_days(arena: Arena) -> Figure:
    """Measure 90 days at 8 a day, the agent changed before each request."""
    asked = questions(arena.eight_a_day, DAYS_ASKED)
    results = _changed(arena, arena.eight_a_day, asked)
    return _figure(
        "free-slots-90",
        "Free slots, 90 days, 8 a day",
        results,
        [_times_reference(results, 25), _times_floor(results, 0.5)],
        arena.agree(asked[0]),
    )


def ninety_days_unchanged(arena: Arena) -> Figure:
    """Measure the same questions asked again while nothing changes."""
    asked = questions(arena.eight_a_day, DAYS_ASKED)
    slots = arena.agree(asked[0])
    requests = in_circles([arena.product.ask(each) for each in asked])
    for each in asked:
        arena.product.answer(each)
    results = _race(arena, requests, asked)
    return _figure(
        "free-slots-90-unchanged",
        "The same again, agent unchanged",
        results,
        [_times_floor(results, 0.85)],
        slots,
    )


def ninety_days_first(arena: Arena) -> Figure:
    """Measure questions of which nothing is kept; no goal, for comparison."""
    strangers = _strangers(arena)
    asked = [
        question
        for shift in range(SHIFTS)
        for question in questions(strangers, DAYS_ASKED, shift)
    ]
    slots = arena.agree(asked[0])
    requests = in_circles([arena.product.ask(each) for each in asked])
    results = _race(arena, requests, asked)
    return _figure(
        "free-slots-90-first", "The same, never asked before", results, [], slots
    )


def _strangers(arena: Arena) -> list[Calendar]:
    first = arena.eight_a_day[0].first
    agents = calendars(EIGHT_A_DAY, _STRANGERS, first, arena.now)
    seed_product(arena.place, arena.tenant, agents, arena.now)
    seed_reference(arena.reference_place, agents)
    return agents


def seven_days(arena: Arena) -> Figure:
    """Measure 7 days at 8 a day, the agent changed before each request."""
    asked = questions(arena.eight_a_day, _SHORT)
    results = _changed(arena, arena.eight_a_day, asked)
    return _figure(
        "free-slots-7",
        "Free slots, 7 days, 8 a day",
        results,
        [_times_reference(results, 4), _times_floor(results, 0.7)],
        arena.agree(asked[0]),
    )


def ninety_days_busy(arena: Arena) -> Figure:
    """Measure 90 days at 40 a day, the agent changed before each request."""
    asked = questions(arena.forty_a_day, DAYS_ASKED)
    results = _changed(arena, arena.forty_a_day, asked)
    return _figure(
        "free-slots-90-busy",
        "Free slots, 90 days, 40 a day",
        results,
        [_times_reference(results, 20)],
        arena.agree(asked[0]),
    )


def _changed(
    arena: Arena, agents: Sequence[Calendar], asked: Sequence[Question]
) -> list[Result]:
    arena.agree(asked[0])
    with changing(arena.place, arena.tenant, agents) as change:
        requests = changed_first(arena.product.ask, asked, change)
        return _race(arena, requests, asked)


def changed_first(
    write: Callable[[Question], bytes],
    asked: Sequence[Question],
    change: Change,
) -> Requests:
    """Return the questions in circles, each agent changed just before it is asked.

    The same agent twice in one turn would find its first answer kept: ValueError.
    """
    endless = cycle(asked)

    def requests(count: int) -> list[bytes]:
        if count > len(asked):
            raise ValueError(f"{count} requests to {len(asked)} agents in one turn")
        following = list(islice(endless, count))
        change([each.agent_id for each in following])
        return [write(each) for each in following]

    return requests


def _race(
    arena: Arena, product_requests: Requests, asked: Sequence[Question]
) -> list[Result]:
    reference = in_circles([arena.reference.ask(each) for each in asked])
    floor = in_circles([arena.floor.ask(each) for each in asked])
    agents = min(_BATCH, len({each.agent_id for each in asked}))
    burst = min(_BURST, agents)
    lanes = [
        Lane("product", arena.product.port, product_requests, 200, burst, agents),
        Lane("reference", arena.reference.port, reference, 200, 1, 8),
        Lane("floor", arena.floor.port, floor, 200, burst, agents),
    ]
    return race(lanes, arena.effort.turns, arena.effort.batches, arena.tick)


def _figure(
    name: str, title: str, results: Sequence[Result], goals: list[Goal], slots: int
) -> Figure:
    product, reference, floor = map(Column.of, results)
    columns = {"product": product, "reference": reference, "floor": floor}
    return Figure(name, title, columns, tuple(goals), _ratios(results, slots))


def _ratios(results: Sequence[Result], slots: int) -> dict[str, float]:
    product, reference, floor = results
    rate = product.median_per_second
    return {
        "slots in the first answer": slots,
        "time, x reference": reference.median_ms / product.median_ms,
        "time, x floor": floor.median_ms / product.median_ms,
        "throughput, x reference": rate / reference.median_per_second,
        "throughput, x floor": rate / floor.median_per_second,
    }


def _times_reference(results: Sequence[Result], bound: float) -> Goal:
    product, reference, _ = results
    return at_least("x reference", reference.median_ms / product.median_ms, bound)


def _times_floor(results: Sequence[Result], bound: float) -> Goal:
    product, _, floor = results
    return at_least("x floor", floor.median_ms / product.median_ms, bound)
