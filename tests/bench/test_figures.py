"""Each figure is measured, on a small scale, by the code that measures it for good."""

import pytest

from bench.arena import Arena
from bench.calendars import Question
from bench.client import Client, Exchange, UnexpectedAnswer
from bench.figures import FIGURES
from bench.figures.bookings import booking_request
from bench.figures.contention import CALLERS, goals
from bench.race import Lane, race
from bench.report import Figure

GOALS = {
    "free-slots-90": ["x reference", "x floor"],
    "free-slots-90-unchanged": ["x floor"],
    "free-slots-90-first": [],
    "free-slots-7": ["x reference", "x floor"],
    "free-slots-90-busy": ["x reference"],
    "sync": ["parse, x COPY", "upsert, x COPY", "unchanged, x COPY"],
    "sync-beside": ["p99, x alone"],
    "contention": [
        "rounds with one 201 and 63 x 409",
        "answers of 5xx",
        "deadlocks in the log",
        "worst round, seconds",
    ],
    "availability-check": ["x agent API"],
    "booking": ["x reference"],
    "booking-connected": ["x reference"],
    "appointments": ["x agent API"],
    "growth": ["x the time at 10,000"],
}


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_measured(arena: Arena, name: str) -> None:
    figure = FIGURES[name](arena)
    assert figure.name == name
    assert [goal.what for goal in figure.goals] == GOALS[name]
    assert all(column.milliseconds > 0 for column in figure.columns.values())
    if name.startswith("free-slots"):
        assert_ratios(figure)
    if name == "contention":
        assert_none_booked_twice(figure)


def assert_ratios(figure: Figure) -> None:
    product, reference, floor = (
        figure.columns[name] for name in ("product", "reference", "floor")
    )
    measured = {goal.what: goal.measured for goal in figure.goals}
    if "x reference" in measured:
        ratio = reference.milliseconds / product.milliseconds
        assert measured["x reference"] == pytest.approx(ratio)
    if "x floor" in measured:
        ratio = floor.milliseconds / product.milliseconds
        assert measured["x floor"] == pytest.approx(ratio)


def assert_none_booked_twice(figure: Figure) -> None:
    one_booked, failures, deadlocks, _ = figure.goals
    assert (one_booked.measured, one_booked.bound) == (2, 2)
    assert failures.measured == deadlocks.measured == 0


def round_of(*statuses: int, milliseconds: float = 10) -> list[Exchange]:
    return [Exchange(each, b"", int(milliseconds * 1e6)) for each in statuses]


GOOD = round_of(201, *[409] * (CALLERS - 1))


@pytest.mark.parametrize(
    ("rounds", "deadlocks", "missed"),
    [
        ([GOOD, GOOD], 0, []),
        ([GOOD, round_of(201, 201, *[409] * 62)], 0, [0]),
        ([GOOD, round_of(*[409] * 64)], 0, [0]),
        ([GOOD, round_of(201, 500, *[409] * 62)], 0, [0, 1]),
        ([GOOD], 1, [2]),
        ([GOOD, round_of(201, *[409] * 63, milliseconds=301)], 0, [3]),
    ],
)
def test_a_bad_round_misses_its_goal(
    rounds: list[list[Exchange]], deadlocks: int, missed: list[int]
) -> None:
    judged = goals(rounds, deadlocks)
    assert [n for n, goal in enumerate(judged) if not goal.is_met] == missed


def test_a_wrong_answer_ends_the_race(arena: Arena) -> None:
    agent, port = arena.bookable[-1], arena.product.port
    taken = agent.free[-1]

    def wishes(count: int) -> list[bytes]:
        return [booking_request(arena.product, agent, taken) for _ in range(count)]

    with pytest.raises(UnexpectedAnswer, match="409 instead of 201"):
        race([Lane("product", port, wishes, 201, 2, 2)], 1, 1, lambda: None)


def test_lanes_take_turns_and_begin_in_turn(arena: Arena) -> None:
    asked: list[str] = []
    health = b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"

    def lane(name: str, port: int) -> Lane:
        def requests(count: int) -> list[bytes]:
            asked.append(name)
            return [health] * count

        return Lane(name, port, requests, 404, 1, 1)

    lanes = [lane("a", arena.reference.port), lane("b", arena.floor.port)]
    results = race(lanes, 3, 2, lambda: None)
    assert "".join(asked) == "abbaab" + "abba"
    assert [len(result.milliseconds) for result in results] == [3, 3]
    assert [len(result.per_second) for result in results] == [2, 2]


def test_answers_come_in_the_order_of_the_requests(arena: Arena) -> None:
    agents = [agent.agent_id for agent in (*arena.eight_a_day, *arena.forty_a_day)]
    first = arena.eight_a_day[0].first
    asked = [Question(agent, first, first) for agent in agents * 8]
    requests = [arena.reference.ask(question) for question in asked]
    with Client(arena.reference.port, 4) as client:
        answers = client.run(requests)
    for question, answer in zip(asked, answers, strict=True):
        assert str(question.agent_id).encode() in answer.body
