"""Whether one slot can be booked twice, and how long it takes to be told no."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from bench.arena import Arena, Contender
from bench.calendars import FreeHalfHour
from bench.client import Client, Exchange
from bench.figures.bookings import booking_request
from bench.report import Figure, Goal, at_least, at_most

CALLERS: Final = 64
WORST_SECONDS: Final = 0.3
_WARM_UP: Final = 1

Round = Sequence[Exchange]


def one_slot(arena: Arena) -> Figure:
    """Let 64 callers at once want the same slot, round after round."""
    slots = arena.bookable[-1].free[: arena.effort.rounds + _WARM_UP]
    log = arena.stage.postgres.log_file
    read_before = log.stat().st_size
    mine = _rounds(arena, arena.product, slots)
    deadlocks = log.read_bytes()[read_before:].count(b"deadlock detected")
    theirs = _rounds(arena, arena.reference, slots)
    return Figure(
        "contention",
        f"{CALLERS} callers book one slot, {len(mine)} rounds",
        {},
        goals(mine, deadlocks),
        {
            "reference: most 201 in a round": max(map(_booked, theirs)),
            "reference: worst round, seconds": max(map(_seconds, theirs)),
        },
    )


def goals(rounds: Sequence[Round], deadlocks: int) -> tuple[Goal, ...]:
    """Judge the rounds: one booked and everybody else refused, and soon."""
    wanted = {201: 1, 409: CALLERS - 1}
    statuses = [Counter(each.status for each in answers) for answers in rounds]
    failures = sum(
        count for found in statuses for status, count in found.items() if status >= 500
    )
    one_booked = sum(found == wanted for found in statuses)
    return (
        at_least("rounds with one 201 and 63 x 409", one_booked, len(rounds)),
        at_most("answers of 5xx", failures, 0),
        at_most("deadlocks in the log", deadlocks, 0),
        at_most("worst round, seconds", max(map(_seconds, rounds)), WORST_SECONDS),
    )


def _rounds(
    arena: Arena, contender: Contender, slots: Sequence[FreeHalfHour]
) -> list[Round]:
    """Book each slot 64 times on connections that are open before; drop the first."""
    agent = arena.bookable[-1]
    answers: list[Round] = []
    for slot in slots:
        requests = [booking_request(contender, agent, slot) for _ in range(CALLERS)]
        with Client(contender.port, CALLERS) as client:
            answers.append(client.run(requests))
        arena.tick()
    return answers[_WARM_UP:]


def _seconds(answers: Round) -> float:
    return max(answer.milliseconds for answer in answers) / 1000


def _booked(answers: Round) -> int:
    return sum(answer.status == 201 for answer in answers)
