"""A company at the fake Jobber, as machines look at it and act in it."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from uuid import UUID

from tests.harness.outside.platforms import Platform, VisitThere
from tests.providers.google.wire import Answer, Trouble
from tests.providers.jobber.company import Client, Job, Visit
from tests.providers.jobber.owner import Owner
from tests.providers.jobber.server import JobberServer, running_jobber
from universal_calendar.core.instant import from_datetime
from universal_calendar.core.interval import Interval
from universal_calendar.services.ports.calendars import PushDelivery
from universal_calendar.services.ports.visits import VisitStatus

_ZONE = "America/New_York"
_MANY = 1_000_000.0
_MARK = "[Universal Calendar "
_REF = re.compile(r"\[Universal Calendar (([0-9a-f]{32})[0-9a-f]+)\]")
_THROTTLED = {
    "errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
    "extensions": {
        "cost": {
            "requestedQueryCost": 900,
            "actualQueryCost": 0,
            "throttleStatus": {
                "maximumAvailable": 10_000,
                "currentlyAvailable": 100,
                "restoreRate": 500,
            },
        }
    },
}
_MAKING = "clientCreate|jobCreate|visitCreate"
_STEPS = (
    "clientCreate",
    "jobCreate",
    "visitCreate",
    "visitEdit",
    "visitEditSchedule|visitEditAssignedUsers|visitEdit",
    "visitDelete",
    "propertyCreate",
)
_TROUBLES = (
    Trouble(is_answered=False),
    Trouble(is_done=False, is_answered=False),
    Trouble(answer=Answer(500, {"error": "down"})),
    Trouble(answer=Answer(503, {"error": "down"})),
    Trouble(answer=Answer(429, {}, {"retry-after": "30"})),
)


class Jobber:
    """A company at Jobber, which lets in by consent, or by a token that lasts."""

    slug = "jobber"
    owner: Owner

    def __init__(self, server: JobberServer) -> None:
        """Take the server."""
        self._server, self._is_by_key = server, False

    @property
    def settings(self) -> Mapping[str, str]:
        """Return those of a service that is to find it."""
        return {**self._server.settings, "JOBBER_RATE_LIMIT": "1000000"}

    def begin(self, kind: int) -> None:
        """Open a company; let in by consent, or by a token that lasts."""
        self.heals()
        self.owner = self._server.open("ABC Plumbing", _ZONE, "Olive Owner")
        self.owner.has_points(10_000, a_second=_MANY)
        self.owner.company.makes_blank_visits = bool(kind & 2)
        self._is_by_key = bool(kind & 1)
        self._server.do(self._server.jobber.hooks.deliveries.clear)

    def credentials(self) -> dict[str, str]:
        """Return what opens the account."""
        if self._is_by_key:
            return {"apiKey": self.owner.api_key()}
        return self.owner.credentials()

    def revokes(self) -> None:
        """Let nobody in any more."""
        self._server.do(lambda: self._server.jobber.consents.end(self.owner.account))

    def lets_in(self) -> None:
        """Do nothing: whoever is given new credentials is let in."""

    def strikes(self, pick: int) -> None:
        """Let something go wrong with one of the next requests."""
        jobber = self._server.jobber
        faults: list[Callable[[], object]] = [
            lambda: jobber.refusals.append(_THROTTLED),
            jobber.consents.passing.clear,
        ]
        faults += [partial(jobber.lost.append, each) for each in _STEPS]
        faults += [partial(jobber.wire.troubles.append, each) for each in _TROUBLES]
        self._server.do(faults[pick % len(faults)])

    def loses_what_is_made(self) -> None:
        """Make the next client, job or visit, and lose the answer."""
        self._server.do(partial(self._server.jobber.lost.append, _MAKING))

    def heals(self) -> None:
        """End all that was to go wrong."""
        jobber = self._server.jobber
        for each in (jobber.refusals, jobber.lost, jobber.wire.troubles):
            self._server.do(each.clear)

    def is_resting(self) -> bool:
        """Tell whether it is done with requests whose askers are gone."""
        return self._server.do(self._server.jobber.wire.is_resting)

    def told(self) -> Sequence[PushDelivery]:
        """Return what its webhook told since the last time."""

        def take() -> list[PushDelivery]:
            deliveries = self._server.jobber.hooks.deliveries
            found = list(deliveries)
            deliveries.clear()
            return found

        return self._server.do(take)

    def hires(self, name: str) -> str:
        """Add somebody to its people; return their id."""
        return self.owner.employs(name)

    def adds(self, interval: Interval | None, *technicians: str) -> str:
        """Add a visit of a job of its own; return its id."""
        event_id = self.owner.adds_visit(interval, client=self._anybody())
        self.owner.assigns(event_id, *technicians)
        return event_id

    def _anybody(self) -> Client:
        for each in self.owner.clients:
            if each.last_name == "Walker":
                return each
        return self.owner.adds_client("Sue", "Walker")

    def moves(self, event_id: str, interval: Interval) -> None:
        """Give a visit another time, or its first."""
        self.owner.moves(event_id, interval)

    def assigns(self, event_id: str, *technicians: str) -> None:
        """Give a visit to these people, or to nobody."""
        self.owner.assigns(event_id, *technicians)

    def unschedules(self, event_id: str) -> None:
        """Take a visit off the schedule."""
        self.owner.moves(event_id, None)

    def deletes(self, event_id: str) -> None:
        """Delete a visit."""
        self.owner.deletes(event_id)

    def completes(self, event_id: str) -> None:
        """Say that a visit is done."""
        self.owner.completes(event_id)

    def edits_customer(self, customer_id: str, name: str, email: str) -> None:
        """Call a client something else."""
        (client,) = [each for each in self.owner.clients if each.id == customer_id]
        self.owner.edits_client(client, name=name, email=email)

    def visits(self) -> Sequence[VisitThere]:
        """Return what is on the schedule."""
        found = map(_seen, self.owner.visits)
        return [each for each in found if each is not None]

    def waiting(self) -> Sequence[str]:
        """Return the visits without a time."""
        return [each.id for each in self.owner.visits if each.start is None]

    def refs(self) -> Sequence[tuple[UUID, str]]:
        """Return what jobs say of their appointments, on the schedule or not."""
        found = map(_ref_of, self.owner.jobs)
        return [each for each in found if each is not None]

    def customers(self) -> Mapping[str, str]:
        """Return what clients are found by, by id: their phone.

        Those without are known by their names alone: there may be several.
        """
        return {
            each.id: str(each.phones[0].normalized) if each.phones else each.id
            for each in self.owner.clients
            if each.last_name != "Walker"
        }


def _seen(visit: Visit) -> VisitThere | None:
    if visit.start is None or visit.end is None:
        return None
    return VisitThere(
        visit.id,
        Interval(from_datetime(visit.start), from_datetime(visit.end)),
        tuple(sorted(visit.users)),
        VisitStatus.COMPLETED if visit.is_complete else VisitStatus.SCHEDULED,
        visit.job.property.client.id,
        _ref_of(visit.job) if _MARK in (visit.instructions or "") else None,
    )


def _ref_of(job: Job) -> tuple[UUID, str] | None:
    found = _REF.search(job.instructions or "")
    return None if found is None else (UUID(found[2]), found[1])


@contextmanager
def jobber() -> Iterator[Platform]:
    """Run Jobber for a block."""
    with running_jobber() as server:
        yield Jobber(server)
