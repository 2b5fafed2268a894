"""Product, reference and floor, running and seeded with the same agents."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import orjson

from bench.calendars import (
    EIGHT_A_DAY,
    FORTY_A_DAY,
    SLOT_MINUTES,
    Calendar,
    Question,
    calendars,
    first_monday,
)
from bench.client import Client, UnexpectedAnswer, expect, get_request, put_request
from bench.contenders.floor import CONSTANT_PATH
from bench.race import Tick
from bench.seeding import Tenant, add_tenant, seed_product, seed_reference
from bench.stage import Place, Stage
from universal_calendar.clock import utc_now

PATH: Final = "/api/calendar"


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is seeded and how often things are repeated."""

    agents: int
    busy_agents: int
    turns: int
    """Of each contender, where the time of an answer is measured."""
    batches: int
    """Of each contender, where throughput is measured."""
    bookings: int
    rounds: int
    """In which 64 callers want one slot."""
    large: int
    """Appointments in the large table of the growth figure."""
    events: int = 10_000
    """In the calendar that is read."""


THOROUGH: Final = Effort(
    agents=64,
    busy_agents=16,
    turns=500,
    batches=40,
    bookings=3000,
    rounds=20,
    large=1_000_000,
)
QUICK: Final = Effort(
    agents=32,
    busy_agents=8,
    turns=25,
    batches=3,
    bookings=300,
    rounds=5,
    large=100_000,
)


@dataclass(frozen=True, slots=True)
class Contender:
    """A running server and the key it asks for."""

    port: int
    api_key: str

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers of every request."""
        return {"X-API-Key": self.api_key}

    def ask(self, question: Question) -> bytes:
        """Write the free-slots request."""
        path = (
            f"{PATH}/free-slots/{question.agent_id}?start_date={question.first}"
            f"&end_date={question.last}&duration_minutes={SLOT_MINUTES}"
        )
        return get_request(path, self.headers)

    def answer(self, question: Question) -> bytes:
        """Return the body of the free-slots answer."""
        with Client(self.port) as client:
            return expect(client.ask(self.ask(question)), 200)


@dataclass(frozen=True, slots=True)
class Arena:
    """Everything that a figure is measured on."""

    stage: Stage
    effort: Effort
    tick: Tick
    now: datetime
    place: Place
    reference_place: Place
    tenant: Tenant
    eight_a_day: Sequence[Calendar]
    forty_a_day: Sequence[Calendar]
    bookable: Sequence[Calendar]
    product: Contender
    reference: Contender
    floor: Contender

    def agree(self, question: Question) -> int:
        """Check that product and reference list the same; return how many slots.

        The floor is given the product's answer as its own. Raises UnexpectedAnswer.
        """
        body = self.product.answer(question)
        mine, theirs = listed(body), listed(self.reference.answer(question))
        if mine != theirs:
            raise UnexpectedAnswer(f"product and reference differ on {question}")
        with Client(self.floor.port) as client:
            request = put_request(CONSTANT_PATH, self.floor.headers, body)
            expect(client.ask(request), 200)
        return len(mine)


def listed(body: bytes) -> list[tuple[str, str, str]]:
    """Return the slots of a free-slots answer: date, start, end."""
    return [
        (day["date"], slot["start"], slot["end"])
        for day in orjson.loads(body)["available_slots"]
        for slot in day["slots"]
    ]


@contextmanager
def open_arena(stage: Stage, effort: Effort, tick: Tick) -> Iterator[Arena]:
    """Seed the databases and run the three servers."""
    now = utc_now()
    monday = first_monday(now.date())
    eight = calendars(EIGHT_A_DAY, effort.agents, monday, now)
    forty = calendars(FORTY_A_DAY, effort.busy_agents, monday, now)
    bookable = calendars(EIGHT_A_DAY, effort.agents + 1, monday, now)
    everyone = [*eight, *forty, *bookable]
    product_place, reference_place = (
        stage.product_place("product"),
        stage.reference_place(),
    )
    tenant = add_tenant(stage, product_place, now)
    seed_product(product_place, tenant, everyone, now)
    seed_reference(reference_place, everyone)
    key = stage.reference_key
    with (
        stage.product(product_place) as product,
        stage.contender("reference", reference_place, key) as reference,
        stage.contender("floor", reference_place, key) as floor,
    ):
        yield Arena(
            stage,
            effort,
            tick,
            now,
            product_place,
            reference_place,
            tenant,
            eight,
            forty,
            bookable,
            Contender(product, tenant.api_key),
            Contender(reference, key),
            Contender(floor, key),
        )
