"""What the tenant API costs beside the agent API, for the same question and booking."""

import itertools
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import orjson

from bench.arena import Arena
from bench.calendars import (
    DAYS_ASKED,
    SLOT_MINUTES,
    ZONE,
    Calendar,
    FreeHalfHour,
    Question,
    questions,
)
from bench.changes import changing
from bench.client import get_request, post_request
from bench.figures.bookings import booking_request
from bench.figures.free_slots import changed_first
from bench.race import Lane, Result, race
from bench.report import Column, Figure, at_most
from universal_calendar.core.instant import MINUTE, instant_text
from universal_calendar.core.localtime import from_wall_clock

_BURST: Final = 5
_BATCH: Final = 40
_MOST: Final = 1.5
_numbers = itertools.count(1)

Requests = Callable[[int], Sequence[bytes]]


def availability(arena: Arena) -> Figure:
    """Ask both for 90 days of an agent that was changed before each request."""
    agents = arena.eight_a_day
    asked = questions(agents, DAYS_ASKED)
    with changing(arena.place, arena.tenant, agents) as change:
        by_agent_api = changed_first(arena.product.ask, asked, change)
        by_tenant_api = changed_first(partial(check_request, arena), asked, change)
        lanes = [
            _lane("agent API", arena, 200, by_agent_api),
            _lane("tenant API", arena, 200, by_tenant_api),
        ]
        turns, batches = arena.effort.turns, arena.effort.batches
        results = race(lanes, turns, batches, arena.tick)
    return _figure("availability-check", "Availability check, 90 days", results)


def booking(arena: Arena) -> Figure:
    """Book free half hours of many agents at both, each with an idempotency key."""
    agents = arena.bookable[:-1]
    free = {agent.agent_id: iter(agent.free[::-1]) for agent in agents}

    def wishes(write: Callable[[Calendar], bytes]) -> Requests:
        endless = itertools.cycle(agents)
        return lambda count: [write(each) for each in itertools.islice(endless, count)]

    def by_agent_api(agent: Calendar) -> bytes:
        return booking_request(arena.product, agent, next(free[agent.agent_id]))

    def by_tenant_api(agent: Calendar) -> bytes:
        return appointment_request(arena, agent, next(free[agent.agent_id]))

    lanes = [
        _lane("agent API", arena, 201, wishes(by_agent_api)),
        _lane("tenant API", arena, 200, wishes(by_tenant_api)),
    ]
    turns = arena.effort.bookings // _BURST // 2
    results = race(lanes, turns, arena.effort.batches // 2, arena.tick)
    return _figure("appointments", "Appointment by the tenant API", results)


def check_request(arena: Arena, question: Question) -> bytes:
    """Write the availability check of one agent's free periods."""
    path = (
        f"/availability/check?tenantId={arena.tenant.tenant_id}"
        f"&agentId={question.agent_id}&startDate={question.first}"
        f"&endDate={question.last}&duration={SLOT_MINUTES}"
    )
    return get_request(path, _headers(arena))


def appointment_request(arena: Arena, agent: Calendar, slot: FreeHalfHour) -> bytes:
    """Write the specification's appointment, in a free half hour of the agent."""
    day, cell = slot
    past, minutes = agent.pattern.cell[0]
    start = from_wall_clock(day, cell + past, ZONE)
    body = {
        "tenantId": arena.tenant.tenant_id,
        "agentId": agent.agent_id,
        "customerId": arena.tenant.tenant_id,
        "appointmentData": {
            "startTime": instant_text(start),
            "endTime": instant_text(start + minutes * MINUTE),
            "title": "Plumbing Service - Kitchen Sink Repair",
            "description": "Emergency plumbing repair for kitchen sink leak",
            "location": {
                "address": "123 Main St, Los Angeles, CA 90210",
                "latitude": 34.0522,
                "longitude": -118.2437,
            },
            "customerInfo": {
                "name": "John Smith",
                "phone": "+12125551234",
                "email": "john@example.com",
            },
            "serviceDetails": {"jobType": "plumbing", "estimatedCost": 350.00},
        },
    }
    number = next(_numbers)
    headers = {**_headers(arena), "Idempotency-Key": f"appointment-{number}"}
    return post_request("/appointments", headers, orjson.dumps(body))


def _headers(arena: Arena) -> dict[str, str]:
    return {"X-Service-Key": arena.stage.service_key}


def _lane(name: str, arena: Arena, status: int, requests: Requests) -> Lane:
    burst, batch = (min(most, arena.effort.agents) for most in (_BURST, _BATCH))
    return Lane(name, arena.product.port, requests, status, burst, batch)


def _figure(name: str, title: str, results: Sequence[Result]) -> Figure:
    agent_api, tenant_api = results
    ratio = tenant_api.median_ms / agent_api.median_ms
    return Figure(
        name,
        title,
        {"product": Column.of(tenant_api)},
        (at_most("x agent API", ratio, _MOST),),
        {"agent API, milliseconds": agent_api.median_ms},
        "both of the product, one agent, everything on",
    )
