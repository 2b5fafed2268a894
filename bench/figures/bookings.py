"""How fast an appointment is booked, with everything that each of the two does."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

import orjson

from bench.arena import PATH, Arena, Contender
from bench.calendars import EIGHT_A_DAY, Calendar, FreeHalfHour, calendars
from bench.client import post_request
from bench.race import Lane, race
from bench.report import Column, Figure, at_least
from bench.seeding import (
    add_tenant,
    connect_calendar,
    seed_product,
    seed_reference,
)
from universal_calendar.core.wire import clock_label

_BURST: Final = 5
_BATCH: Final = 40
_numbers = itertools.count(1)


def booking(arena: Arena) -> Figure:
    """Book free slots of many agents, each once, with an idempotency key."""
    return _measured(
        arena,
        arena.product,
        arena.bookable[:-1],
        Figure(
            "booking",
            "Booking",
            columns={},
            goals=(),
            note="the product encrypts, keeps answers and cannot double-book",
        ),
        0.85,
    )


def booking_connected(arena: Arena) -> Figure:
    """Book the same for a tenant with a calendar that each appointment belongs in."""
    first = arena.bookable[0].first
    agents = calendars(EIGHT_A_DAY, arena.effort.agents + 2, first, arena.now)
    tenant = add_tenant(arena.stage, arena.place, arena.now)
    seed_product(arena.place, tenant, agents, arena.now)
    seed_reference(arena.reference_place, agents)
    connect_calendar(arena.place, tenant, arena.now)
    return _measured(
        arena,
        Contender(arena.product.port, tenant.api_key),
        agents,
        Figure(
            "booking-connected",
            "Booking, calendar connected",
            columns={},
            goals=(),
            note="what is to be written is noted; a worker elsewhere writes it",
        ),
        0.65,
    )


def _measured(
    arena: Arena,
    booked: Contender,
    agents: Sequence[Calendar],
    figure: Figure,
    bound: float,
) -> Figure:
    contenders = {"product": booked, "reference": arena.reference}
    lanes = [
        Lane(
            name,
            contender.port,
            _one_after_another(contender, agents),
            201,
            _BURST,
            _BATCH,
        )
        for name, contender in contenders.items()
    ]
    turns = arena.effort.bookings // _BURST
    product, reference = race(lanes, turns, arena.effort.batches, arena.tick)
    rate = product.median_per_second / reference.median_per_second
    return replace(
        figure,
        columns={"product": Column.of(product), "reference": Column.of(reference)},
        goals=(
            at_least("x reference", reference.median_ms / product.median_ms, bound),
        ),
        details={"throughput, x reference": rate},
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
