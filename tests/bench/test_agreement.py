"""What is compared must do the same work: list the same slots, send as many bytes."""

from dataclasses import replace
from datetime import date, timedelta

import orjson
import pytest

from bench.arena import Arena, Contender, listed
from bench.calendars import (
    DAYS_ASKED,
    EIGHT_A_DAY,
    SHIFTS,
    SLOT_MINUTES,
    ZONE,
    Calendar,
    Kind,
    Question,
    calendars,
    questions,
)
from bench.changes import changing
from bench.client import Client, UnexpectedAnswer, expect
from bench.figures.free_slots import changed_first
from bench.seeding import seed_product, seed_reference
from universal_calendar.core.wire import clock_label

HALF_HOURS = replace(EIGHT_A_DAY, name="half hours", cell=((0, SLOT_MINUTES),))


def expected(calendar: Calendar, question: Question) -> list[tuple[str, str, str]]:
    """List the slots from the plan alone, the slow and obvious way."""
    pattern, found = calendar.pattern, []
    for offset in range((question.last - question.first).days + 1):
        day = question.first + timedelta(days=offset)
        works = day == calendar.opened or (day.weekday() < 5 and day != calendar.closed)
        for minute in pattern.cells if works else ():
            if not is_taken(calendar, day, minute):
                end = clock_label(minute + SLOT_MINUTES)
                found.append((day.isoformat(), clock_label(minute), end))
    return found


def is_taken(calendar: Calendar, day: date, minute: int) -> bool:
    buffer = calendar.pattern.buffer_minutes
    return any(
        claim.minute < minute + SLOT_MINUTES + buffer
        and claim.minute + claim.minutes + buffer > minute
        for claim in calendar.claims
        if claim.day == day and claim.kind is not Kind.EXPIRED_HOLD
    )


def check(arena: Arena, asked: list[Calendar], days: int, shift: int = 0) -> None:
    for agent, question in zip(asked, questions(asked, days, shift), strict=True):
        wanted = expected(agent, question)
        assert listed(arena.product.answer(question)) == wanted
        assert listed(arena.reference.answer(question)) == wanted
        assert arena.agree(question) == len(wanted)


@pytest.mark.parametrize("days", [6, DAYS_ASKED])
def test_product_and_reference_list_what_the_plan_leaves_free(
    arena: Arena, days: int
) -> None:
    check(arena, list(arena.eight_a_day), days)
    check(arena, list(arena.forty_a_day), days)
    check(arena, list(arena.eight_a_day), days, SHIFTS - 1)


@pytest.mark.parametrize("buffer_minutes", [0, 5])
def test_they_agree_with_and_without_buffers(arena: Arena, buffer_minutes: int) -> None:
    """Half-hour appointments: any buffer takes the half hours beside them as well."""
    pattern = replace(HALF_HOURS, buffer_minutes=buffer_minutes)
    asked = calendars(pattern, 2, arena.eight_a_day[0].first, arena.now)
    seed_product(arena.place, arena.tenant, asked, arena.now)
    seed_reference(arena.reference_place, asked)
    check(arena, asked, DAYS_ASKED)


def test_eight_a_day_leave_520_slots_over_a_change_of_clocks(arena: Arena) -> None:
    for question in questions(arena.eight_a_day, DAYS_ASKED):
        assert arena.agree(question) == 520
        body = orjson.loads(arena.product.answer(question))
        assert body["total_days_with_availability"] == 65
        assert body["timezone"] == ZONE.key


def test_every_kind_of_claim_is_there(arena: Arena) -> None:
    for agent in (*arena.eight_a_day, *arena.forty_a_day):
        kinds = {claim.kind for claim in agent.claims}
        assert kinds == set(Kind)


def test_a_difference_stops_the_benchmark(arena: Arena) -> None:
    agent = arena.bookable[0]
    (question,) = questions([agent], DAYS_ASKED)
    arena.agree(question)
    start = agent.claims[0].day
    with (
        arena.place.administer() as connection,
        changing(arena.place, arena.tenant, [agent]) as change,
    ):
        connection.execute(
            "DELETE FROM claims WHERE agent_id = %s AND starts_at::date = %s",
            [agent.agent_id, start],
        )
        change([agent.agent_id])
    with pytest.raises(UnexpectedAnswer, match="differ"):
        arena.agree(question)


def test_the_floor_answers_the_products_bytes(arena: Arena) -> None:
    for asked in (arena.eight_a_day, arena.forty_a_day):
        question = questions(asked, DAYS_ASKED)[0]
        arena.agree(question)
        assert arena.floor.answer(question) == arena.product.answer(question)


@pytest.mark.parametrize("name", ["product", "reference", "floor"])
def test_everyone_judges_the_key_and_the_arguments(arena: Arena, name: str) -> None:
    contender: Contender = getattr(arena, name)
    question = questions(arena.eight_a_day, 6)[0]
    stranger = Contender(contender.port, "nobody's key")
    with Client(contender.port) as client:
        expect(client.ask(contender.ask(question)), 200)
        expect(client.ask(stranger.ask(question)), 401)


def test_a_changed_agent_is_read_anew_and_an_unchanged_one_is_not(
    arena: Arena,
) -> None:
    """The two ways of asking measure two different things."""
    agent = arena.bookable[1]
    (question,) = asked = questions([agent], DAYS_ASKED)
    before = listed(arena.product.answer(question))
    with (
        arena.place.administer() as connection,
        changing(arena.place, arena.tenant, [agent]) as change,
    ):
        connection.execute("DELETE FROM claims WHERE agent_id = %s", [agent.agent_id])
        assert listed(arena.product.answer(question)) == before
        (request,) = changed_first(arena.product.ask, asked, change)(1)
        with Client(arena.product.port) as client:
            after = listed(expect(client.ask(request), 200))
    assert len(after) == 2 * len(before)


def test_no_agent_is_asked_twice_in_a_turn(arena: Arena) -> None:
    asked = questions(arena.eight_a_day, 6)
    agents = arena.eight_a_day
    with (
        changing(arena.place, arena.tenant, agents) as change,
        pytest.raises(ValueError, match="4 requests"),
    ):
        changed_first(arena.product.ask, asked, change)(len(asked) + 1)


def test_a_change_alters_claims_and_no_slot(arena: Arena) -> None:
    agents = arena.forty_a_day
    asked = questions(agents, DAYS_ASKED)
    before = [listed(arena.product.answer(question)) for question in asked]
    lengths = [total_minutes(arena, agent) for agent in agents]
    with changing(arena.place, arena.tenant, agents) as change:
        change([agent.agent_id for agent in agents])
    after = [total_minutes(arena, agent) for agent in agents]
    assert after == [total - 1 for total in lengths]
    assert [listed(arena.product.answer(question)) for question in asked] == before


def total_minutes(arena: Arena, agent: Calendar) -> int:
    with arena.place.administer() as connection:
        row = connection.execute(
            "SELECT date_part('epoch', sum(ends_at - starts_at)) / 60 FROM claims"
            " WHERE agent_id = %s",
            [agent.agent_id],
        ).fetchone()
    assert row is not None
    return int(row[0])
