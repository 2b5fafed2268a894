"""What machines that attack the reading and writing of calendars have in common.

A life is a business and the owner of its calendar, who know nothing of each other. Its
steps are the rules; in the end everybody does what is due, and both sides must agree.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Generic, TypeVar
from uuid import UUID

from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    rule,
    run_state_machine_as_test,
)
from typing_extensions import override

from tests.harness.island import island
from tests.harness.scenes.followed import Followed
from universal_calendar.bootstrap.outside import Outside, open_outside
from universal_calendar.bootstrap.parts import Parts, open_parts, start_server
from universal_calendar.core.errors import BookingRefused, FinalStatus
from universal_calendar.core.instant import DAY, HOUR, MINUTE
from universal_calendar.core.interval import Interval
from universal_calendar.core.retry import SECOND
from universal_calendar.core.sync import FRESH

T = TypeVar("T")
Kept = TypeVar("Kept", bound=Followed)
STEPS = 40
ROUNDS = 40

HOURS = st.tuples(st.integers(0, 7), st.integers(40, 41))
PICKS = st.integers(0, 59)
PAUSES = st.sampled_from((SECOND, FRESH + SECOND, MINUTE, 10 * MINUTE, HOUR, DAY))
CUTS = st.sampled_from((0.0, 0.001, 0.002, 0.004, 0.008, 0.015, 0.03))


@dataclass(frozen=True)
class Stage:
    """What every life of a run is played on."""

    runner: asyncio.Runner
    parts: Parts
    outside: Outside


class Life(RuleBasedStateMachine, Generic[Kept]):
    """The rules and judgements that do not depend on what kind of calendar it is.

    Subclasses set `kept` and `origin` in their first step.
    """

    kept: Kept
    origin: int

    def __init__(self, stage: Stage) -> None:
        """Begin with nothing booked."""
        super().__init__()
        self.stage = stage
        self.booked: list[UUID] = []
        self.wanted: dict[UUID, set[Interval]] = defaultdict(set)
        """Every time that somebody, on either side, wanted an appointment to have."""
        self.last_wanted: dict[UUID, Interval] = {}
        """When those here last wanted it to be."""
        self.given_up: set[UUID] = set()
        """Those that somebody wanted cancelled."""
        self.touched: set[UUID] = set()
        """Those that the calendar's owner had a hand in."""

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run one step."""
        return self.stage.runner.run(coroutine)

    def hour(self, place: tuple[int, int]) -> Interval:
        """Return the hour that begins so many hours after nine of a day."""
        number, day = place
        morning = (self.origin // DAY + day) * DAY + 9 * HOUR
        return Interval(morning + number * HOUR, morning + (number + 1) * HOUR)

    def want(self, appointment_id: UUID, interval: Interval) -> None:
        """Note when those here want an appointment to be."""
        self.wanted[appointment_id].add(interval)
        self.last_wanted[appointment_id] = interval

    async def cut_off(self, work: Coroutine[Any, Any, None], seconds: float) -> None:
        """Begin the work, and end it wherever it is by then."""
        task = asyncio.create_task(work)
        await asyncio.wait({task}, timeout=seconds)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    # Here

    @rule(pick=PICKS, place=HOURS)
    def reschedule(self, pick: int, place: tuple[int, int]) -> None:
        """Move one, without writing it."""
        interval = self.hour(place)
        for each in some_of(self.booked, pick):
            with suppress(BookingRefused, FinalStatus):
                self.run(self.kept.move(each, interval))
                self.want(each, interval)

    @rule(pick=PICKS)
    def cancel(self, pick: int) -> None:
        """Cancel one, without writing it."""
        for each in some_of(self.booked, pick):
            self.run(self.kept.cancel(each))
            self.given_up.add(each)

    @rule(pick=PICKS)
    def write(self, pick: int) -> None:
        """Write what is due of one."""
        for each in some_of(self.booked, pick):
            self.run(self.kept.write(each))

    @rule(pick=PICKS, seconds=CUTS)
    def write_and_die(self, pick: int, seconds: float) -> None:
        """Begin to write one."""
        for each in some_of(self.booked, pick):
            self.run(self.cut_off(self.kept.write(each), seconds))

    # Between

    @rule()
    def sync(self) -> None:
        """Read the calendar."""
        self.run(self.kept.sync())

    @rule(seconds=CUTS)
    def sync_and_die(self, seconds: float) -> None:
        """Begin to read it."""
        self.run(self.cut_off(self.kept.sync(), seconds))

    @rule()
    def sync_twice_at_once(self) -> None:
        """Have two read it."""

        async def both() -> None:
            await asyncio.gather(self.kept.sync(), self.kept.sync())

        self.run(both())

    @rule(pick=PICKS, is_full=st.booleans())
    def sync_beside_a_write(self, pick: int, is_full: bool) -> None:
        """Read it while one of ours is written."""

        async def both() -> None:
            await self.kept.want(is_full=is_full)
            writes = [self.kept.write(each) for each in some_of(self.booked, pick)]
            await asyncio.gather(self.kept.sync(), *writes)

        self.run(both())

    @rule(times=st.integers(0, 3), is_full=st.booleans())
    def push(self, times: int, is_full: bool) -> None:
        """Be told that something changed: not at all, once, or too often."""
        for _ in range(times):
            self.run(self.kept.want(is_full=is_full))

    @rule(duration=PAUSES)
    def wait(self, duration: int) -> None:
        """Let time pass."""
        self.kept.wait(duration)

    # In the end

    @override
    def teardown(self) -> None:
        """Let everything go well from now on, and look what became of it."""
        if not hasattr(self, "kept"):
            return
        self.heal()
        self.run(self.settled())
        self.check()
        self.check_wishes()
        self.run(self.check_claims())

    def heal(self) -> None:
        """End all that goes wrong."""
        raise NotImplementedError

    def check(self) -> None:
        """Assert that both sides agree."""
        raise NotImplementedError

    async def settled(self) -> None:
        """Let everybody do what is due, until nothing is."""
        for _ in range(ROUNDS):
            self.kept.wait(11 * MINUTE)
            await self.settle_more()
            for each in self.booked:
                await self.kept.write(each)
            self.kept.wait()
            await self.kept.want()
            await self.kept.sync()
            row = await self.kept.calendar()
            if row["sync_error"] == "LooksEmpty":
                await self.kept.want(is_full=True, may_be_empty=True)
            elif row["sync_error"] is None and await self.is_quiet():
                return
        raise AssertionError(f"it never came to rest: {await self.unrest()}")

    async def settle_more(self) -> None:
        """Do what else is due, besides what is written and read."""

    async def is_quiet(self) -> bool:
        """Tell whether nothing is due."""
        due = await self.kept.due_in()
        return due is not None and due > 60 and not await self.unrest()

    async def unrest(self) -> list[Any]:
        """Return the links that are still to be written."""
        pending = "SELECT row_to_json(l) FROM links l WHERE status = 'pending'"
        return [row[0] for row in await self.kept.rows(pending)]

    def check_wishes(self) -> None:
        """Assert that none was lost, and none is where nobody wanted it."""
        for each in self.booked:
            status, interval = self.run(self.kept.state(each))
            assert interval in self.wanted[each]
            assert status == "confirmed" or each in self.given_up
            if each not in self.touched:
                assert interval == self.last_wanted[each]
                assert (status == "cancelled") is (each in self.given_up)

    async def check_claims(self) -> None:
        """Assert that what stands has its agent's time, and for itself alone."""
        claims = await self.kept.rows(
            "SELECT agent_id, starts_at, ends_at, claim_id FROM claims ORDER BY 1, 2"
        )
        assert all(
            one[2] <= other[1] for one, other in pairwise(claims) if one[0] == other[0]
        )
        standing = await self.kept.rows(
            "SELECT agent_id, starts_at, ends_at, appointment_id FROM appointments"
            " WHERE status = 'confirmed' ORDER BY 1, 2"
        )
        assert claims == standing


def some_of(among: Sequence[T], pick: int) -> Sequence[T]:
    """Return one of them, if there is any.

    What is there depends on when somebody was cut off, so nothing is drawn from it.
    """
    return [among[pick % len(among)]] if among else []


@contextmanager
def staged(**settings: str) -> Iterator[Stage]:
    """Open the parts on an island for a block, with these settings besides."""
    with island(**settings) as place, asyncio.Runner() as runner:
        server = start_server(place.settings)
        opened = open_parts(place.settings, server)
        parts = runner.run(opened.__aenter__())
        reached = open_outside(place.settings)
        outside = runner.run(reached.__aenter__())
        try:
            yield Stage(runner, parts, outside)
        finally:
            runner.run(reached.__aexit__(None, None, None))
            runner.run(opened.__aexit__(None, None, None))
            assert server.embedded is not None
            server.embedded.stop()


def lived(make: Callable[[], Life[Any]], examples: int) -> None:
    """Live so many lives."""
    bounds = hypothesis_settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(
        make,  # type: ignore[arg-type]  # it takes any maker of machines
        settings=bounds,
    )
