"""What must be true in the end of appointments that are jobs at a platform."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from typing_extensions import override

from tests.harness.machines.life import Life, Stage
from tests.harness.outside.platforms import Platform, VisitThere
from tests.harness.scenes.visited import Visited
from universal_calendar.core.instant import DAY
from universal_calendar.core.interval import Interval, Intervals, merge
from universal_calendar.services.calendars.calendar_writes import event_key
from universal_calendar.services.ports.tenants import Agent
from universal_calendar.services.ports.visits import NOBODY, VisitStatus


class JudgedVisits(Life[Visited]):
    """Remembers what everybody wanted, and compares both sides with it.

    Every appointment that stands is one visit at its time, with its agent's technician;
    every other visit takes its technicians' time, and nobody else's.
    """

    def __init__(self, stage: Stage, platform: Platform) -> None:
        super().__init__(stage)
        self.platform = platform
        self.wanted_agents: dict[UUID, set[UUID]] = defaultdict(set)
        """Everybody whose somebody, on either side, wanted an appointment to be."""
        self.last_agents: dict[UUID, UUID] = {}
        """Whose those here last wanted it to be."""
        self.rescued: set[str] = set()
        """Visits that were put on the schedule again after they had been taken off."""
        self.completed: set[UUID] = set()
        """Those that are said to be done: the platform may let nobody change them."""

    @override
    def check(self) -> None:
        # What an appointment could not follow takes time from the next reading on.
        self.kept.wait()
        self.run(self.kept.sync())
        visits = self.platform.visits()
        links = {each: self.run(self.kept.link(each)) for each in self.booked}
        for each in self.booked:
            self.check_appointment(each, links[each], visits)
        self.check_jobs()
        self.check_agendas(links, visits)
        self.check_list(links, visits)

    def ours(
        self, links: Mapping[UUID, dict[str, Any]], visits: Sequence[VisitThere]
    ) -> dict[str, UUID]:
        """Return the appointments that visits are, by their events."""
        found = {link["event_id"]: each for each, link in links.items()}
        # Done before we heard that it had been made: so it is not ours to change.
        unheard = {
            visit.event_id: each
            for visit in visits
            if (each := visit.appointment_id)
            and links[each]["event_id"] is None
            and links[each]["is_wanted"]
            and self.is_refused(each, links[each])
        }
        return found | unheard

    def check_appointment(
        self, appointment_id: UUID, link: dict[str, Any], visits: Sequence[VisitThere]
    ) -> None:
        """Assert that one that stands is its one visit, and one that does not none."""
        found = self.run(self.kept.appointment(appointment_id))
        there = [
            each
            for each in visits
            if each.appointment_id == appointment_id
            and (each.event_id not in self.rescued or each.event_id == link["event_id"])
        ]
        seen = link, there, self.history(appointment_id)
        if found.status == "cancelled":
            assert not there or self.is_refused(appointment_id, link), seen
            return
        assert len(there) == 1, seen
        (visit,) = there
        assert visit.event_id in self.ours({appointment_id: link}, there), seen
        assert visit.ref == (
            appointment_id,
            event_key(appointment_id, link["generation"]),
        )
        agent_id = self.agent_of(visit, found.agent_id)
        agrees = (visit.interval, agent_id) == (found.interval, found.agent_id)
        if link["last_error"] == "MoveRefused":
            assert not agrees, seen
        elif not self.is_refused(appointment_id, link):
            assert link["status"] == "synced", seen
            assert agrees, (found.interval, found.agent_id, seen)
        if appointment_id not in self.touched:
            assert visit.technicians == self.technicians_of(found.agent_id), seen

    def is_refused(self, appointment_id: UUID, link: dict[str, Any]) -> bool:
        """Tell whether the platform would not have what is done changed."""
        return appointment_id in self.completed and link["last_error"] == "Rejected"

    def agent_of(self, visit: VisitThere, own: UUID) -> UUID:
        """Return whose a visit of ours is, that was this agent's."""
        found = [self.kept.works_as[each] for each in visit.technicians]
        agents = [each for each in found if each is not None]
        return own if own in agents or not agents else agents[0]

    def technicians_of(self, agent_id: UUID) -> tuple[str, ...]:
        return tuple(
            each for each in self.kept.team if self.kept.works_as[each] == agent_id
        )

    def history(self, appointment_id: UUID) -> list[object]:
        """Return what became of an appointment."""
        return list(self.run(self.kept.actions(appointment_id)))

    def check_jobs(self) -> None:
        """Assert that nothing was made twice."""
        for made in (self.platform.refs(), self.platform.customers().values()):
            assert all(times == 1 for times in Counter(made).values()), made

    @override
    def check_wishes(self) -> None:
        super().check_wishes()
        for each in self.booked:
            found = self.run(self.kept.appointment(each))
            assert found.agent_id in self.wanted_agents[each]
            if each not in self.touched:
                assert found.agent_id == self.last_agents[each]

    def check_agendas(
        self, links: Mapping[UUID, dict[str, Any]], visits: Sequence[VisitThere]
    ) -> None:
        """Assert that visits take their technicians' agents' time, and no other."""
        first = self.origin // DAY + 40
        window = Interval(first * DAY, (first + 2) * DAY)
        ours = self.ours(links, visits)
        named = {
            each.event_id: each.appointment_id
            for each in visits
            if each.appointment_id and self.is_known(links[each.appointment_id])
        }
        for agent in self.kept.agents:
            taken = self.run(self.kept.taken(agent, window))
            expected = self.taken(agent, ours, links, visits)
            assert taken == expected, (agent.name, taken, visits)
            asked = self.run(self.kept.asked(agent, window))
            expected = self.taken(agent, named, links, visits, is_live=True)
            assert asked == expected, (agent.name, asked, visits)

    def is_known(self, link: dict[str, Any]) -> bool:
        """Tell whether an appointment has an event, or waits for one."""
        found = self.run(self.kept.appointment(UUID(link["appointment_id"])))
        is_over = found.status == "cancelled" and link["status"] != "pending"
        return link["event_id"] is not None or not is_over

    def taken(
        self,
        agent: Agent,
        ours: Mapping[str, UUID],
        links: Mapping[UUID, dict[str, Any]],
        visits: Sequence[VisitThere],
        *,
        is_live: bool = False,
    ) -> Intervals:
        """Return what visits take of an agent's time, besides its own appointments."""
        found = []
        for each in visits:
            takers = self.takers(each, ours.get(each.event_id), links, is_live=is_live)
            if agent.agent_id in takers:
                found.append(each.interval)
        return merge(found)

    def takers(
        self,
        visit: VisitThere,
        appointment_id: UUID | None,
        links: Mapping[UUID, dict[str, Any]],
        *,
        is_live: bool,
    ) -> set[UUID | None]:
        """Return the agents whose time a visit takes, besides what claims say."""
        agents = {self.kept.works_as[each] for each in visit.technicians or (NOBODY,)}
        if appointment_id is None:
            return agents
        found = self.run(self.kept.appointment(appointment_id))
        link = links[appointment_id]
        if link["event_id"] is None and not is_live:
            return set()  # it waits to be written, or could not be
        is_refused = link["last_error"] == "MoveRefused"
        if not is_refused or visit.interval == found.interval:
            return agents - {found.agent_id} if visit.technicians else set()
        is_nobodys = not visit.technicians or agents == {None}
        # Who asks right now is told that it is its own agent's as well.
        return agents | {found.agent_id} if is_live and is_nobodys else agents

    def check_list(
        self, links: Mapping[UUID, dict[str, Any]], visits: Sequence[VisitThere]
    ) -> None:
        """Assert that the list of jobs shows what the platform has."""
        listed = {each.event_id: each for each in self.run(self.kept.listed())}
        shown = {
            (key, each.interval, frozenset(each.technicians), each.status)
            for key, each in ((key, known.visit) for key, known in listed.items())
            if each.status is not VisitStatus.CANCELLED
        }
        there = {
            (
                each.event_id,
                each.interval,
                frozenset(each.technicians or [NOBODY]),
                each.status,
            )
            for each in visits
        }
        assert shown == there, (shown - there, there - shown)
        for appointment_id, link in links.items():
            if link["event_id"] is not None:
                assert listed[link["event_id"]].appointment_id == appointment_id
