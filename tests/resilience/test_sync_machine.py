"""Both sides are edited at random, and everything goes wrong: in the end they agree.

Pushes are lost, doubled and disordered (they only ask for a sync), tokens expire, sync
tokens are forgotten by either side, etags change for nothing, answers are lost, and
whoever reads or writes is cut off wherever it happens to be.
"""

from collections import defaultdict
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule
from typing_extensions import override

from tests.harness.machines.life import (
    HOURS,
    PICKS,
    Life,
    Stage,
    lived,
    some_of,
    staged,
)
from tests.harness.outside.sandbox import Json, Sandbox, running_sandbox
from tests.harness.scenes.synced import Synced, connect, span
from universal_calendar.bootstrap.providers import providers
from universal_calendar.core.errors import BookingRefused
from universal_calendar.services.calendars.calendar_writes import event_key

EXAMPLES = 250
_names = count()

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


class CalendarLife(Life[Synced]):
    """An agent whose calendar is in the sandbox."""

    def __init__(self, stage: Stage, sandbox: Sandbox) -> None:
        super().__init__(stage)
        self.offered = providers(stage.parts, stage.outside)
        self.sandbox = sandbox
        self.foreign: list[str] = []

    @initialize()
    def begin(self) -> None:
        name = f"ann-{next(_names)}@sandbox.test"
        self.sandbox.clear_faults()
        self.kept = self.run(
            connect(self.stage.parts, self.offered, self.sandbox, name)
        )
        self.origin = self.kept.now

    # Here

    @rule(place=HOURS)
    def book(self, place: tuple[int, int]) -> None:
        interval = self.hour(place)
        with suppress(BookingRefused):
            appointment_id = self.run(self.kept.book(interval))
            self.booked.append(appointment_id)
            self.want(appointment_id, interval)

    @rule(place=HOURS)
    def book_and_write(self, place: tuple[int, int]) -> None:
        before = len(self.booked)
        self.book(place)
        for each in self.booked[before:]:
            self.run(self.kept.write(each))
        self.kept.wait()

    # There

    @rule(place=HOURS, opaque=st.booleans())
    def owner_adds(self, place: tuple[int, int], opaque: bool) -> None:
        transparency = "opaque" if opaque else "transparent"
        event_id = self.kept.add(self.hour(place), transparency=transparency)
        self.foreign.append(event_id)

    @rule(pick=PICKS, place=HOURS)
    def owner_moves(self, pick: int, place: tuple[int, int]) -> None:
        for each in some_of(self.foreign, pick):
            self.kept.drag(each, self.hour(place))

    @rule(pick=PICKS)
    def owner_deletes(self, pick: int) -> None:
        for each in some_of(self.foreign, pick):
            self.foreign.remove(each)
            self.kept.delete(each)

    def ours(self) -> list[Json]:
        """Return the events of ours that are there."""
        events = self.sandbox.events(self.kept.there)
        ours = [each for each in events if "appointmentId" in each["properties"]]
        return sorted(ours, key=lambda event: str(event["id"]))

    @rule(pick=PICKS, place=HOURS)
    def owner_moves_ours(self, pick: int, place: tuple[int, int]) -> None:
        for event in some_of(self.ours(), pick):
            interval = self.hour(place)
            self.kept.drag(event["id"], interval)
            self.wanted[appointment_of(event)].add(interval)
            self.touched.add(appointment_of(event))

    @rule(pick=PICKS, deletes=st.booleans())
    def owner_gives_up_ours(self, pick: int, deletes: bool) -> None:
        for event in some_of(self.ours(), pick):
            self.given_up.add(appointment_of(event))
            self.touched.add(appointment_of(event))
            if deletes:
                self.kept.delete(event["id"])
            else:
                self.sandbox.owner_changes(
                    self.kept.there, event["id"], transparency="transparent"
                )

    @rule()
    def etags_change(self) -> None:
        for event in self.sandbox.events(self.kept.there):
            self.kept.touch(event["id"])

    # Between

    @rule()
    def provider_forgets(self) -> None:
        self.sandbox.forget_changes(self.kept.there)

    @rule()
    def we_forget(self) -> None:
        self.run(self.kept.rows("DELETE FROM sync_tokens"))

    @rule(fault=FAULTS)
    def something_goes_wrong(self, fault: Any) -> None:
        kind, operations, more = fault
        self.sandbox.fault(kind, operations=list(operations), times=1, **more)

    # In the end

    @override
    def heal(self) -> None:
        self.sandbox.clear_faults()

    @override
    def check(self) -> None:
        self.check_agreement()
        self.check_mirror()

    def check_agreement(self) -> None:
        """Assert that each appointment that stands has its one event, as it is."""
        there: dict[UUID, list[Json]] = defaultdict(list)
        for event in self.ours():
            there[appointment_of(event)].append(event)
        for each in self.booked:
            status, interval = self.run(self.kept.state(each))
            link = self.run(self.kept.link(each))
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
        actions = self.run(self.kept.actions(appointment_id))
        prefix = event_key(appointment_id, 0)[:-1]
        events = self.sandbox.history(self.kept.there)
        return [*actions, *(e for e in events if e["id"].startswith(prefix))]

    def check_mirror(self) -> None:
        """Assert that it shows what others take, and ours that was not followed."""
        events = self.sandbox.events(self.kept.there)
        taken = [
            (each["start"], each["end"])
            for each in events
            if (each["id"] in self.foreign and each["transparency"] == "opaque")
            or self.has_strayed(each)
        ]
        mirror = [span(each) for each in self.run(self.kept.mirror())]
        found = [(each["start"], each["end"]) for each in mirror]
        assert sorted(map(repr, found)) == sorted(map(repr, taken))

    def has_strayed(self, event: Json) -> bool:
        """Tell whether it is an event of ours, and not where its appointment is."""
        if "appointmentId" not in event["properties"]:
            return False
        _, interval = self.run(self.kept.state(appointment_of(event)))
        return not span(interval).items() <= event.items()


def appointment_of(event: Json) -> UUID:
    return UUID(event["properties"]["appointmentId"])


def test_both_sides_agree_in_the_end(tmp_path: Path) -> None:
    with running_sandbox(tmp_path) as sandbox, staged() as stage:
        lived(partial(CalendarLife, stage, sandbox), EXAMPLES)
