"""Measuring side by side: everyone in turn, many times, medians compared."""

import itertools
import statistics
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

from bench.client import Client, expect

CONNECTIONS: Final = 4
"""Of one contender at once, where throughput is measured."""

Tick = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Lane:
    """One contender: where it listens, what it is asked, what it must answer."""

    name: str
    port: int
    next_requests: Callable[[int], Sequence[bytes]]
    """Returns the next so many requests, after whatever must precede them."""
    status: int
    burst: int
    """Requests one after another in each turn."""
    batch: int
    """Requests of each turn where throughput is measured."""


@dataclass(slots=True)
class Result:
    """What one contender showed."""

    milliseconds: list[float] = field(default_factory=list)
    per_second: list[float] = field(default_factory=list)

    @property
    def median_ms(self) -> float:
        """Return the median time of an answer."""
        return statistics.median(self.milliseconds)

    @property
    def median_per_second(self) -> float:
        """Return the median of the answers a second over all turns."""
        return statistics.median(self.per_second)


def race(lanes: Sequence[Lane], turns: int, batches: int, tick: Tick) -> list[Result]:
    """Let the lanes take turns: first for the time of an answer, then for throughput.

    Who begins changes with each turn, so that nobody always follows the same one.
    Returns the results in the order of the lanes.
    """
    results = [Result() for _ in lanes]
    with ExitStack() as stack:
        single = [stack.enter_context(Client(lane.port)) for lane in lanes]
        for index in _order(len(lanes), turns, tick):
            _time_burst(lanes[index], single[index], results[index])
        many = [stack.enter_context(Client(lane.port, CONNECTIONS)) for lane in lanes]
        for index in _order(len(lanes), batches, tick):
            _time_batch(lanes[index], many[index], results[index])
    return results


def _order(lanes: int, turns: int, tick: Tick) -> Iterator[int]:
    around = deque(range(lanes))
    for _ in range(turns):
        yield from tuple(around)
        around.rotate()
        tick()


def _time_burst(lane: Lane, client: Client, result: Result) -> None:
    for request in lane.next_requests(lane.burst):
        exchange = client.ask(request)
        expect(exchange, lane.status)
        result.milliseconds.append(exchange.milliseconds)


def _time_batch(lane: Lane, client: Client, result: Result) -> None:
    requests = lane.next_requests(lane.batch)
    began = time.perf_counter()
    exchanges = client.run(requests)
    taken = time.perf_counter() - began
    for exchange in exchanges:
        expect(exchange, lane.status)
    result.per_second.append(len(requests) / taken)


def in_circles(requests: Sequence[bytes]) -> Callable[[int], list[bytes]]:
    """Return the same requests again and again."""
    endless = itertools.cycle(requests)
    return lambda count: list(itertools.islice(endless, count))
