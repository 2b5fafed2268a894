"""A company at the fake Housecall Pro, as machines look at it and act in it."""

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import product
from uuid import UUID

from tests.harness.outside.platforms import Platform, VisitThere
from tests.providers.housecallpro.server import (
    APPLICATION,
    COMPANY,
    FakeHousecallPro,
    Fault,
    running_housecallpro,
)
from tests.providers.housecallpro.state import Job
from universal_calendar.core.interval import Interval
from universal_calendar.services.ports.calendars import PushDelivery
from universal_calendar.services.ports.visits import VisitStatus

_REF = re.compile(r"Universal Calendar ref ([0-9a-f]{32})\.([0-9a-f]{32})\.(\w+)")
_MAKING = r"POST /(jobs|customers)$"
_REQUESTS = (
    r"GET /(jobs|events|employees)$",
    r"GET /jobs/",
    r"GET /customers",
    _MAKING,
    r"POST ",
    r"(PUT|DELETE) ",
)
_TROUBLES: tuple[tuple[str, float | None], ...] = (
    ("lost", 0),
    ("break", 0),
    ("failure", 500),
    ("failure", 503),
    ("throttle", 30),
    ("throttle", None),
)
_FAULTS = [
    Fault(kind, value, only) for (kind, value), only in product(_TROUBLES, _REQUESTS)
]


class HousecallPro:
    """A company at Housecall Pro, which lets in by two kinds of keys."""

    slug = "housecallpro"

    def __init__(self, house: FakeHousecallPro) -> None:
        """Take the company's server."""
        self._house, self._key_kind = house, APPLICATION

    @property
    def settings(self) -> Mapping[str, str]:
        """Return those of a service that is to find it."""
        return {**self._house.environment, "HOUSECALLPRO_RATE_LIMIT": "1000000"}

    def begin(self, kind: int) -> None:
        """Forget everything; let in whoever has credentials of this kind."""
        house = self._house
        with house.lock:
            company = house.company
            company.id = str(UUID(hex=secrets.token_hex(16)))
            house.webhooks.company_id = company.id
            for each in (
                company.employees,
                company.customers,
                company.jobs,
                company.events,
            ):
                each.clear()
            house.faults.clear()
            house.webhooks.deliveries.clear()
        self._key_kind = (APPLICATION, COMPANY)[kind % 2]
        self.lets_in()

    def credentials(self) -> dict[str, str]:
        """Return what opens the account."""
        (key,) = self._house.keys
        return {"apiKey": key}

    def revokes(self) -> None:
        """Let nobody in any more."""
        self._house.revokes()

    def lets_in(self) -> None:
        """Let somebody in again, with a new key."""
        self._house.revokes()
        self._house.keys[secrets.token_hex(20)] = self._key_kind

    def strikes(self, pick: int) -> None:
        """Let something go wrong with one of the next requests."""
        self._house.strikes(_FAULTS[pick % len(_FAULTS)])

    def loses_what_is_made(self) -> None:
        """Make the next job, or customer, and lose the answer."""
        self._house.loses_answers(only=_MAKING)

    def heals(self) -> None:
        """End all that was to go wrong."""
        with self._house.lock:
            self._house.faults.clear()

    def is_resting(self) -> bool:
        """Tell whether it is done with requests whose askers are gone."""
        return self._house.http.is_resting()

    def told(self) -> Sequence[PushDelivery]:
        """Return what its webhook told since the last time."""
        with self._house.lock:
            found = list(self._house.webhooks.deliveries)
            self._house.webhooks.deliveries.clear()
        return found

    def hires(self, name: str) -> str:
        """Add an employee; return their id."""
        return self._house.owner.hires(name)

    def adds(self, interval: Interval | None, *technicians: str) -> str:
        """Add a job; return its id, which is its event's."""
        return self._house.owner.adds_job(interval, *technicians)

    def moves(self, event_id: str, interval: Interval) -> None:
        """Give a job another time, or its first."""
        self._house.owner.moves(event_id, interval)

    def assigns(self, event_id: str, *technicians: str) -> None:
        """Give a job to these employees, or to nobody."""
        self._house.owner.assigns(event_id, *technicians)

    def unschedules(self, event_id: str) -> None:
        """Take a job off the schedule."""
        self._house.owner.unschedules(event_id)

    def deletes(self, event_id: str) -> None:
        """Archive a job."""
        self._house.owner.deletes(event_id)

    def completes(self, event_id: str) -> None:
        """Say that a job is done."""
        self._house.owner.marks(event_id, "complete unrated")

    def edits_customer(self, customer_id: str, name: str, email: str) -> None:
        """Call a customer something else."""
        first, _, last = name.partition(" ")
        self._house.owner.edits_customer(
            customer_id, first_name=first, last_name=last, email=email
        )

    def visits(self) -> Sequence[VisitThere]:
        """Return what is on the schedule."""
        with self._house.lock:
            return [self._seen(each) for each in self._house.owner.scheduled()]

    def _seen(self, job: Job) -> VisitThere:
        (interval,) = self._house.owner.times(job.id)
        done = job.work_status.startswith("complete")
        return VisitThere(
            job.id,
            interval,
            tuple(sorted(job.assigned())),
            VisitStatus.COMPLETED if done else VisitStatus.SCHEDULED,
            job.customer_id,
            _ref_of(job),
        )

    def waiting(self) -> Sequence[str]:
        """Return the jobs that need scheduling."""
        jobs = self._house.company.jobs.values()
        return [each.id for each in jobs if not (each.appointments or each.is_archived)]

    def refs(self) -> Sequence[tuple[UUID, str]]:
        """Return what jobs say of their appointments, on the schedule or not."""
        jobs = self._house.company.jobs.values()
        found = [_ref_of(each) for each in jobs if not each.is_archived]
        return [each for each in found if each is not None]

    def customers(self) -> Mapping[str, str]:
        """Return what customers are found by, by id: their phone, or our mark."""
        return {
            each.id: str(each.fields.get("mobile_number") or each.fields.get("notes"))
            for each in self._house.company.customers.values()
            if each.fields.get("last_name") != "Walker"
        }


def _ref_of(job: Job) -> tuple[UUID, str] | None:
    for _, text in job.notes:
        if found := _REF.search(text):
            return UUID(found[2]), found[3]
    return None


@contextmanager
def housecallpro() -> Iterator[Platform]:
    """Run Housecall Pro for a block."""
    with running_housecallpro() as house:
        yield HousecallPro(house)
