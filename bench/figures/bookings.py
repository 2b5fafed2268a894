"""How fast an appointment is booked, with everything that each of the two does."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import orjson

from bench.arena import PATH, Arena, Contender
from bench.calendars import Calendar, FreeHalfHour
from bench.client import post_request
from bench.race import Lane, race
from bench.report import Column, Figure, at_least
from universal_calendar.core.wire import clock_label

_BURST: Final = 5
_BATCH: Final = 40
_numbers = itertools.count(1)


def booking(arena: Arena) -> Figure:
    """Book free slots of many agents, each once, with an idempotency key."""
    agents = arena.bookable[:-1]
    lanes = [
        Lane(
            name,
            contender.port,
            _one_after_another(contender, agents),
            201,
            _BURST,
            _BATCH,
        )
        for name, contender in (
            ("product", arena.product),
            ("reference", arena.reference),
        )
    ]
    turns = arena.effort.bookings // _BURST
    product, reference = race(lanes, turns, arena.effort.batches, arena.tick)
    ratio = reference.median_ms / product.median_ms
    return Figure(
        "booking",
        "Booking",
        {"product": Column.of(product), "reference": Column.of(reference)},
        (at_least("x reference", ratio, 0.85),),
        {
            "throughput, x reference": product.median_per_second
            / reference.median_per_second,
        },
        "the product encrypts, keeps the answer for retries and cannot double-book",
    )


def _one_after_another(
    contender: Contender, agents: Sequence[Calendar]
) -> Callable[[int], list[bytes]]:
    def wishes() -> Iterator[bytes]:
        for nth in itertools.count():
            for agent in agents:
                yield booking_request(contender, agent, agent.free[nth])

    endless = wishes()
    return lambda count: list(itertools.islice(endless, count))


def booking_request(contender: Contender, agent: Calendar, slot: FreeHalfHour) -> bytes:
    """Write the guide's booking of a free half hour, under a key of its own."""
    day, cell = slot
    past, minutes = agent.pattern.cell[0]
    number = next(_numbers)
    body = {
        "agent_id": agent.agent_id,
        "participant_name": "John Doe",
        "participant_email": "john@example.com",
        "participant_phone": "+1-555-0123",
        "booking_date": day.isoformat(),
        "booking_time": clock_label(cell + past),
        "duration_minutes": minutes,
        "description": "Initial consultation call",
        "external_reference_id": f"EXT-BOOKING-{number}",
    }
    headers = {**contender.headers, "Idempotency-Key": f"booking-{number}"}
    return post_request(f"{PATH}/external-booking", headers, orjson.dumps(body))
