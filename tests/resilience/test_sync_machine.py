"""Both sides are edited at random, and everything goes wrong: in the end they agree.

Pushes are lost, doubled and disordered (they only ask for a sync), tokens expire, sync
tokens are forgotten by either side, etags change for nothing, answers are lost, and
whoever reads or writes is cut off wherever it happens to be.
"""

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from functools import partial
from itertools import count, pairwise
from typing import Any, TypeVar
from uuid import UUID

from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from tests.harness.island import island
from tests.harness.sandbox import Json, Sandbox, running_sandbox
from tests.harness.synced import Synced, connect, offering, span
from universal_calendar.bootstrap.parts import Parts, open_parts, start_server
from universal_calendar.bootstrap.providers import Providers
from universal_calendar.core.errors import BookingRefused, FinalStatus
from universal_calendar.core.instant import DAY, HOUR, MINUTE
from universal_calendar.core.interval import Interval
from universal_calendar.core.retry import SECOND
from universal_calendar.core.sync import FRESH
from universal_calendar.services.calendar_writes import event_key

T = TypeVar("T")
EXAMPLES, STEPS = 250, 40
ROUNDS = 40
_names = count()

HOURS = st.tuples(st.integers(0, 7), st.integers(40, 41))
PICKS = st.integers(0, 59)
PAUSES = st.sampled_from((SECOND, FRESH + SECOND, MINUTE, 10 * MINUTE, HOUR, DAY))
CUTS = st.sampled_from((0.0, 0.001, 0.002, 0.004, 0.008, 0.015, 0.03))
READS = ("listEvents",)
WRITES = ("insertEvent", "replaceEvent", "deleteEvent")
FAULTS = st.sampled_from(
    (
        ("lost_answer", WRITES, {}),
        ("failure", WRITES, {"status": 503}),
        ("drop", WRITES, {}),
        ("failure", READS, {"status": 500}),
        ("drop", READS, {}),
        ("lost_answer", READS, {}),
        ("throttle", READS, {"seconds": 30}),
        ("throttle", WRITES, {"seconds": 30}),
        ("expired_token", (*READS, *WRITES), {}),
    )
)


class Life(RuleBasedStateMachine):
    """A business and the owner of its calendar, who know nothing of each other."""

    def __init__(
        self,
        runner: asyncio.Runner,
        parts: Parts,
        offered: Providers,
        sandbox: Sandbox,
    ) -> None:
        super().__init__()
        self.runner, self.parts, self.offered = runner, parts, offered
        self.sandbox = sandbox
        self.booked: list[UUID] = []
        self.foreign: list[str] = []
        self.wanted: dict[UUID, set[Interval]] = defaultdict(set)
        """Every time that somebody, on either side, wanted an appointment to have."""
        self.last_wanted: dict[UUID, Interval] = {}
        """When those here last wanted it to be."""
        self.given_up: set[UUID] = set()
        """Those that somebody wanted cancelled."""
        self.touched: set[UUID] = set()
        """Those that the calendar's owner had a hand in."""

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(coroutine)

    @initialize()
    def begin(self) -> None:
        name = f"ann-{next(_names)}@sandbox.test"
        self.sandbox.clear_faults()
        self.synced: Synced = self.run(
            connect(self.parts, self.offered, self.sandbox, name)
        )
        self.origin = self.synced.now

    def hour(self, place: tuple[int, int]) -> Interval:
        number, day = place
        morning = (self.origin // DAY + day) * DAY + 9 * HOUR
        return Interval(morning + number * HOUR, morning + (number + 1) * HOUR)

    def want(self, appointment_id: UUID, interval: Interval) -> None:
        self.wanted[appointment_id].add(interval)
        self.last_wanted[appointment_id] = interval

    # Here

    @rule(place=HOURS)
    def book(self, place: tuple[int, int]) -> None:
        interval = self.hour(place)
        with suppress(BookingRefused):
            appointment_id = self.run(self.synced.book(interval))
            self.booked.append(appointment_id)
            self.want(appointment_id, interval)

    @rule(place=HOURS)
    def book_and_write(self, place: tuple[int, int]) -> None:
        before = len(self.booked)
        self.book(place)
        for each in self.booked[before:]:
            self.run(self.synced.write(each))
        self.synced.wait()

    @rule(pick=PICKS, place=HOURS)
    def reschedule(self, pick: int, place: tuple[int, int]) -> None:
        interval = self.hour(place)
        for each in some_of(self.booked, pick):
            with suppress(BookingRefused, FinalStatus):
                self.run(self.synced.move(each, interval))
                self.want(each, interval)

    @rule(pick=PICKS)
    def cancel(self, pick: int) -> None:
        for each in some_of(self.booked, pick):
            self.run(self.synced.cancel(each))
            self.given_up.add(each)

    @rule(pick=PICKS)
    def write(self, pick: int) -> None:
        for each in some_of(self.booked, pick):
            self.run(self.synced.write(each))

    @rule(pick=PICKS, seconds=CUTS)
    def write_and_die(self, pick: int, seconds: float) -> None:
        for each in some_of(self.booked, pick):
            self.run(cut_off(self.synced.write(each), seconds))

    # There

    @rule(place=HOURS, opaque=st.booleans())
    def owner_adds(self, place: tuple[int, int], opaque: bool) -> None:
        transparency = "opaque" if opaque else "transparent"
        event_id = self.synced.add(self.hour(place), transparency=transparency)
        self.foreign.append(event_id)

    @rule(pick=PICKS, place=HOURS)
    def owner_moves(self, pick: int, place: tuple[int, int]) -> None:
        for each in some_of(self.foreign, pick):
            self.synced.drag(each, self.hour(place))

    @rule(pick=PICKS)
    def owner_deletes(self, pick: int) -> None:
        for each in some_of(self.foreign, pick):
            self.foreign.remove(each)
            self.synced.delete(each)

    def ours(self) -> list[Json]:
        """Return the events of ours that are there."""
        events = self.sandbox.events(self.synced.there)
        ours = [each for each in events if "appointmentId" in each["properties"]]
        return sorted(ours, key=lambda event: str(event["id"]))

    @rule(pick=PICKS, place=HOURS)
    def owner_moves_ours(self, pick: int, place: tuple[int, int]) -> None:
        for event in some_of(self.ours(), pick):
            interval = self.hour(place)
            self.synced.drag(event["id"], interval)
            self.wanted[appointment_of(event)].add(interval)
            self.touched.add(appointment_of(event))

    @rule(pick=PICKS, deletes=st.booleans())
    def owner_gives_up_ours(self, pick: int, deletes: bool) -> None:
        for event in some_of(self.ours(), pick):
            self.given_up.add(appointment_of(event))
            self.touched.add(appointment_of(event))
            if deletes:
                self.synced.delete(event["id"])
            else:
                self.sandbox.owner_changes(
                    self.synced.there, event["id"], transparency="transparent"
                )

    @rule()
    def etags_change(self) -> None:
        for event in self.sandbox.events(self.synced.there):
            self.synced.touch(event["id"])

    # Between

    @rule()
    def sync(self) -> None:
        self.run(self.synced.sync())

    @rule(seconds=CUTS)
    def sync_and_die(self, seconds: float) -> None:
        self.run(cut_off(self.synced.sync(), seconds))

    @rule()
    def sync_twice_at_once(self) -> None:
        async def both() -> None:
            await asyncio.gather(self.synced.sync(), self.synced.sync())

        self.run(both())

    @rule(pick=PICKS, is_full=st.booleans())
    def sync_beside_a_write(self, pick: int, is_full: bool) -> None:
        async def both() -> None:
            await self.synced.want(is_full=is_full)
            writes = [self.synced.write(each) for each in some_of(self.booked, pick)]
            await asyncio.gather(self.synced.sync(), *writes)

        self.run(both())

    @rule(times=st.integers(0, 3), is_full=st.booleans())
    def push(self, times: int, is_full: bool) -> None:
        for _ in range(times):
            self.run(self.synced.want(is_full=is_full))

    @rule()
    def provider_forgets(self) -> None:
        self.sandbox.forget_changes(self.synced.there)

    @rule()
    def we_forget(self) -> None:
        self.run(self.synced.rows("DELETE FROM sync_tokens"))

    @rule(fault=FAULTS)
    def something_goes_wrong(self, fault: Any) -> None:
        kind, operations, more = fault
        self.sandbox.fault(kind, operations=list(operations), times=1, **more)

    @rule(duration=PAUSES)
    def wait(self, duration: int) -> None:
        self.synced.wait(duration)

    # In the end

    def teardown(self) -> None:
        if not hasattr(self, "synced"):
            return
        self.sandbox.clear_faults()
        self.run(self.settled())
        self.check_agreement()
        self.check_wishes()
        self.check_mirror()
        self.run(self.check_claims())

    async def settled(self) -> None:
        """Let everybody do what is due, until nothing is."""
        for _ in range(ROUNDS):
            self.synced.wait(11 * MINUTE)
            for each in self.booked:
                await self.synced.write(each)
            self.synced.wait()
            await self.synced.want()
            await self.synced.sync()
            row = await self.synced.calendar()
            if row["sync_error"] == "LooksEmpty":
                await self.synced.want(is_full=True, may_be_empty=True)
            elif row["sync_error"] is None and await self.is_quiet():
                return
        raise AssertionError("it never came to rest")

    async def is_quiet(self) -> bool:
        due = await self.synced.due_in()
        pending = "SELECT 1 FROM links WHERE status = 'pending'"
        return due is not None and due > 60 and not await self.synced.rows(pending)

    def check_agreement(self) -> None:
        """Assert that each appointment that stands has its one event, as it is."""
        there: dict[UUID, list[Json]] = defaultdict(list)
        for event in self.ours():
            there[appointment_of(event)].append(event)
        for each in self.booked:
            status, interval = self.run(self.synced.appointment(each))
            link = self.run(self.synced.link(each))
            if status == "cancelled":
                assert not there[each], (link, there[each])
                continue
            assert len(there[each]) == 1, (link, self.history(each))
            (event,) = there[each]
            assert event["id"] == link["event_id"]
            assert event["id"] == event_key(each, link["generation"])
            if link["last_error"] != "MoveRefused":
                assert link["status"] == "synced", link
                assert span(interval).items() <= event.items(), (link, event)
            else:
                assert not span(interval).items() <= event.items(), (link, event)

    def history(self, appointment_id: UUID) -> list[object]:
        """Return what became of an appointment: here, and there."""
        actions = self.run(self.synced.actions(appointment_id))
        prefix = event_key(appointment_id, 0)[:-1]
        events = self.sandbox.history(self.synced.there)
        return [*actions, *(e for e in events if e["id"].startswith(prefix))]

    def check_wishes(self) -> None:
        """Assert that none was lost, and none is where nobody wanted it."""
        for each in self.booked:
            status, interval = self.run(self.synced.appointment(each))
            assert interval in self.wanted[each]
            assert status == "confirmed" or each in self.given_up
            if each not in self.touched:
                assert interval == self.last_wanted[each]
                assert (status == "cancelled") is (each in self.given_up)

    def check_mirror(self) -> None:
        events = self.sandbox.events(self.synced.there)
        taken = [
            (each["start"], each["end"])
            for each in events
            if each["id"] in self.foreign and each["transparency"] == "opaque"
        ]
        mirror = [span(each) for each in self.run(self.synced.mirror())]
        found = [(each["start"], each["end"]) for each in mirror]
        assert sorted(map(repr, found)) == sorted(map(repr, taken))

    async def check_claims(self) -> None:
        claims = await self.synced.rows(
            "SELECT starts_at, ends_at, claim_id FROM claims ORDER BY starts_at"
        )
        assert all(one[1] <= other[0] for one, other in pairwise(claims))
        standing = await self.synced.rows(
            "SELECT starts_at, ends_at, appointment_id FROM appointments"
            " WHERE status = 'confirmed' ORDER BY starts_at"
        )
        assert claims == standing


def some_of(among: Sequence[T], pick: int) -> Sequence[T]:
    """Return one of them, if there is any.

    What is there depends on when somebody was cut off, so nothing is drawn from it.
    """
    return [among[pick % len(among)]] if among else []


def appointment_of(event: Json) -> UUID:
    return UUID(event["properties"]["appointmentId"])


async def cut_off(work: Coroutine[Any, Any, None], seconds: float) -> None:
    """Begin the work, and end it wherever it is by then."""
    task = asyncio.create_task(work)
    await asyncio.wait({task}, timeout=seconds)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def test_both_sides_agree_in_the_end() -> None:
    bounds = hypothesis_settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    with (
        island() as place,
        running_sandbox(place.home.parent / "sandbox") as sandbox,
        asyncio.Runner() as runner,
    ):
        server = start_server(place.settings)
        opened = open_parts(place.settings, server)
        parts = runner.run(opened.__aenter__())
        offer = offering(parts)
        offered = runner.run(offer.__aenter__())
        try:
            life = partial(Life, runner, parts, offered, sandbox)
            run_state_machine_as_test(
                life,  # type: ignore[arg-type]  # it takes any maker of machines
                settings=bounds,
            )
        finally:
            runner.run(offer.__aexit__(None, None, None))
            runner.run(opened.__aexit__(None, None, None))
            assert server.embedded is not None
            server.embedded.stop()
