"""Appointments are jobs at a platform, both sides are edited at random: they agree.

Webhooks are lost, doubled and disordered, keys are revoked and mended, answers are
lost, requests fail or are too many, whoever reads or writes is cut off wherever it
happens to be, and others go on who remember nothing.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from functools import partial
from itertools import cycle
from typing import Any
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule
from typing_extensions import override

from tests.harness.machines.judged_visits import JudgedVisits
from tests.harness.machines.life import (
    CUTS,
    PICKS,
    Stage,
    lived,
    some_of,
    staged,
)
from tests.harness.outside.housecallpro_company import housecallpro
from tests.harness.outside.jobber_company import jobber
from tests.harness.outside.platforms import Platform, VisitThere
from tests.harness.scenes.visited import open_visited
from tests.harness.waiting import until
from universal_calendar.bootstrap.providers import providers
from universal_calendar.core.errors import BookingRefused, FinalStatus
from universal_calendar.core.interval import Interval
from universal_calendar.core.provider_errors import ProviderError
from universal_calendar.services.booking.appointment_changes import Revision
from universal_calendar.services.ports.appointments import Person
from universal_calendar.services.ports.calendars import PushDelivery
from universal_calendar.services.ports.tenants import Agent

EXAMPLES = {"housecallpro": 60, "jobber": 30}
PLATFORMS: Mapping[str, Callable[[], AbstractContextManager[Platform]]] = {
    "housecallpro": housecallpro,
    "jobber": jobber,
}

PEOPLE = (
    Person("Leak", "Jane Roe", "+12125550123", "jane@example.com"),
    Person("Drain", "John Smith", "(212) 555-0124", address="1 Elm St, Austin, TX"),
    Person("Boiler", "Max Nobody"),
)
HOURS = st.tuples(st.integers(0, 4), st.just(40))
AGENTS = st.integers(0, 2)
CREWS = st.lists(st.integers(0, 2), max_size=2, unique=True)


class VisitLife(JudgedVisits):
    """A business with agents and technicians, and a platform with its owner."""

    def __init__(self, stage: Stage, platform: Platform) -> None:
        super().__init__(stage, platform)
        self.told: list[PushDelivery] = []
        self.is_revoked = False

    @initialize(kind=PICKS)
    def begin(self, kind: int) -> None:
        self.platform.begin(kind)
        self.kept = self.run(
            open_visited(self.stage.parts, self.stage.outside, self.platform)
        )
        self.processes = [
            self.kept.offered,
            providers(self.stage.parts, self.stage.outside),
        ]
        self.origin = self.kept.now
        # Else most of a life is over before there is much to go wrong.
        for number in range(len(PEOPLE)):
            self.book_and_write((number, 40), number, number)
            self.owner_adds((number + 1, 40), [number])

    def want_agent(self, appointment_id: UUID, agent: Agent) -> None:
        self.wanted_agents[appointment_id].add(agent.agent_id)
        self.last_agents[appointment_id] = agent.agent_id

    @override
    async def cut_off(self, work: Coroutine[Any, Any, None], seconds: float) -> None:
        await super().cut_off(work, seconds)
        # Nobody tries again before the lease is over, long after a request is.
        await until(self.platform.is_resting)

    # Here

    @rule(place=HOURS, agent=AGENTS, person=AGENTS)
    def book(self, place: tuple[int, int], agent: int, person: int) -> None:
        self.book_for(PEOPLE[person], place, agent)

    def book_for(self, person: Person, place: tuple[int, int], agent: int) -> None:
        interval, whose = self.hour(place), self.kept.agents[agent]
        with suppress(BookingRefused):
            booking = self.kept.book(whose, interval, person)
            appointment_id = self.run(booking)
            self.booked.append(appointment_id)
            self.want(appointment_id, interval)
            self.want_agent(appointment_id, whose)

    @rule(place=HOURS, agent=AGENTS, person=AGENTS)
    def book_and_write(self, place: tuple[int, int], agent: int, person: int) -> None:
        before = len(self.booked)
        self.book(place, agent, person)
        for each in self.booked[before:]:
            self.run(self.kept.write(each))
        self.kept.wait()

    @rule(place=HOURS, agent=AGENTS, person=AGENTS)
    def book_and_never_hear(
        self, place: tuple[int, int], agent: int, person: int
    ) -> None:
        self.platform.loses_what_is_made()
        self.book_and_write(place, agent, person)

    @rule(pick=PICKS, agent=AGENTS)
    def reassign(self, pick: int, agent: int) -> None:
        whose = self.kept.agents[agent]
        revision = Revision(agent_id=whose.agent_id)
        for each in some_of(self.booked, pick):
            with suppress(BookingRefused, FinalStatus):
                self.run(self.kept.revise(each, revision))
                self.want_agent(each, whose)

    @rule(pick=PICKS, name=st.sampled_from(("Jane Doe", "J. Roe")))
    def rename(self, pick: int, name: str) -> None:
        self.correct(pick, Revision(person=lambda before: replace(before, name=name)))

    @rule(pick=PICKS, number=st.integers(0, 3))
    def take_another_phone(self, pick: int, number: int) -> None:
        phone = f"+1212555019{number}"
        self.correct(pick, Revision(person=lambda before: replace(before, phone=phone)))

    def correct(self, pick: int, revision: Revision) -> None:
        for each in some_of(self.booked, pick):
            with suppress(FinalStatus):
                self.run(self.kept.revise(each, revision))

    @rule(place=HOURS, agents=st.permutations((0, 1, 2)))
    def book_a_stranger_twice_and_write_at_once(
        self, place: tuple[int, int], agents: Sequence[int]
    ) -> None:
        """Somebody whom the platform does not know wants two things done."""
        before, number = len(self.booked), len(self.booked)
        stranger = Person("Roof", f"New Face {number}", f"+1646555{number:04}")
        for agent in agents[:2]:
            self.book_for(stranger, place, agent)
        self.run(self.written(self.booked[before:]))
        self.kept.wait()

    @rule()
    def write_all_at_once(self) -> None:
        self.run(self.written(self.booked))

    async def written(self, appointments: Sequence[UUID]) -> None:
        """Write appointments, by two processes in turn."""
        async with asyncio.TaskGroup() as group:
            for each, process in zip(appointments, cycle(self.processes), strict=False):
                group.create_task(self.kept.write_by(process, each))

    # There

    @rule(place=HOURS, crew=CREWS)
    def owner_adds(self, place: tuple[int, int], crew: list[int]) -> None:
        self.platform.adds(self.hour(place), *self.crew(crew))

    def crew(self, picks: Sequence[int]) -> list[str]:
        return [self.kept.team[each] for each in picks]

    def there(self, *, is_ours: bool) -> list[VisitThere]:
        """Return the visits of ours, or of others, that are on the schedule."""
        found = [
            each for each in self.platform.visits() if (each.ref is not None) is is_ours
        ]
        return sorted(found, key=lambda each: each.event_id)

    def touches(self, visit: VisitThere) -> set[UUID]:
        """Note that the owner has a hand in a visit; return whose it is, if ours."""
        ours = set() if visit.appointment_id is None else {visit.appointment_id}
        self.touched |= ours
        return ours

    @rule(pick=PICKS, place=HOURS, is_ours=st.booleans())
    def owner_moves(self, pick: int, place: tuple[int, int], is_ours: bool) -> None:
        for visit in some_of(self.there(is_ours=is_ours), pick):
            self.move(visit, self.hour(place))

    def move(self, visit: VisitThere, interval: Interval) -> None:
        self.platform.moves(visit.event_id, interval)
        for each in self.touches(visit):
            self.wanted[each].add(interval)

    @rule(pick=PICKS, crew=CREWS, is_ours=st.booleans())
    def owner_assigns(self, pick: int, crew: list[int], is_ours: bool) -> None:
        for visit in some_of(self.there(is_ours=is_ours), pick):
            self.assign(visit, self.crew(crew))

    @rule(pick=PICKS, other=PICKS)
    def owner_puts_on_top(self, pick: int, other: int) -> None:
        """Have one of ours done when and by whom another is done."""
        for upon in some_of(self.platform.visits(), other):
            for visit in some_of(self.there(is_ours=True), pick):
                self.move(visit, upon.interval)
                self.assign(visit, upon.technicians)

    @rule(pick=PICKS, other=PICKS)
    def owner_exchanges(self, pick: int, other: int) -> None:
        """Have two of ours done by each other's technicians, or when the other was."""
        for one in some_of(self.there(is_ours=True), pick):
            for another in some_of(self.there(is_ours=True), other):
                if pick % 2:
                    self.assign(one, another.technicians)
                    self.assign(another, one.technicians)
                else:
                    self.move(one, another.interval)
                    self.move(another, one.interval)

    @rule(pick=PICKS, more=AGENTS)
    def owner_adds_a_technician(self, pick: int, more: int) -> None:
        for visit in some_of(self.there(is_ours=True), pick):
            self.assign(visit, list({*visit.technicians, self.kept.team[more]}))

    def assign(self, visit: VisitThere, technicians: Sequence[str]) -> None:
        self.platform.assigns(visit.event_id, *technicians)
        agents = [self.kept.works_as[each] for each in technicians]
        for each in self.touches(visit):
            self.wanted_agents[each].update(filter(None, agents))

    @rule(pick=PICKS, deletes=st.booleans(), is_ours=st.booleans())
    def owner_gives_up(self, pick: int, deletes: bool, is_ours: bool) -> None:
        for visit in some_of(self.there(is_ours=is_ours), pick):
            self.given_up |= self.touches(visit)
            if deletes:
                self.platform.deletes(visit.event_id)
            else:
                self.platform.unschedules(visit.event_id)

    @rule(pick=PICKS, place=HOURS)
    def owner_finds_time_again(self, pick: int, place: tuple[int, int]) -> None:
        for event_id in some_of(self.platform.waiting(), pick):
            self.platform.moves(event_id, self.hour(place))
            self.rescued.add(event_id)
            for visit in self.platform.visits():
                if visit.event_id == event_id:
                    for each in self.touches(visit):
                        self.wanted[each].add(self.hour(place))

    @rule(pick=PICKS, is_ours=st.booleans())
    def owner_completes(self, pick: int, is_ours: bool) -> None:
        for visit in some_of(self.there(is_ours=is_ours), pick):
            self.platform.completes(visit.event_id)
            self.completed |= self.touches(visit)

    @rule(pick=PICKS, name=st.sampled_from(("Jane Doe", "Max Else")))
    def owner_edits_a_customer(self, pick: int, name: str) -> None:
        for each in some_of(sorted(self.platform.customers()), pick):
            self.platform.edits_customer(each, name, f"{pick}@example.com")

    # Between

    @rule(order=st.lists(st.integers(0, 5), max_size=6))
    def webhooks_arrive(self, order: list[int]) -> None:
        """Hear of what happened lately: in any order, twice, or not at all."""
        self.told = [*self.told, *self.platform.told()][-6:]
        for pick in order:
            for each in self.told[pick : pick + 1]:
                self.run(self.kept.hear(each))

    @rule(seconds=st.sampled_from((0.03, 0.1, 30.0)))
    def read_what_is_due(self, seconds: float) -> None:
        self.run(self.kept.read_due(seconds=seconds))

    @rule()
    def ask_about_customers(self) -> None:
        self.run(self.kept.ask_about_customers())

    @rule(seconds=CUTS)
    def ask_about_customers_and_die(self, seconds: float) -> None:
        self.run(self.cut_off(self.kept.ask_about_customers(), seconds))

    @rule(pick=st.integers(0, 1))
    def another_process_goes_on(self, pick: int) -> None:
        self.kept.take_over(self.processes[pick])

    @rule()
    def process_begins_anew(self) -> None:
        self.kept.begin_process()

    @rule(pick=PICKS)
    def something_goes_wrong(self, pick: int) -> None:
        self.platform.strikes(pick)

    @rule()
    def owner_revokes(self) -> None:
        self.platform.revokes()
        self.is_revoked = True

    @rule()
    def owner_lets_in_again(self) -> None:
        if self.is_revoked:
            self.platform.lets_in()
            self.is_revoked = False
            with suppress(ProviderError):
                self.run(self.kept.connect())

    # In the end

    @override
    def heal(self) -> None:
        self.platform.heals()
        self.platform.lets_in()
        self.run(self.kept.connect())

    @override
    async def settle_more(self) -> None:
        await self.kept.ask_about_customers()


@pytest.mark.parametrize("slug", PLATFORMS)
def test_both_sides_agree_in_the_end(slug: str) -> None:
    with PLATFORMS[slug]() as platform, staged(**platform.settings) as stage:
        lived(partial(VisitLife, stage, platform), EXAMPLES[slug])
