"""Companies with more jobs than anybody looks at, at both platforms."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from tests.providers.housecallpro.server import (
    FakeHousecallPro,
    running_housecallpro,
)
from tests.providers.jobber.company import Phone
from tests.providers.jobber.owner import Owner
from tests.providers.jobber.server import JobberServer, running_jobber
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import (
    DAY,
    HOUR,
    from_datetime,
    instant_text,
    to_datetime,
)
from universal_calendar.core.interval import Interval

Json = dict[str, Any]

TECHNICIANS: Final = ("Ben", "Eve", "Kim", "Lou", "Max")
_CUSTOMERS: Final = 40
_HOUSECALLPRO_A_MINUTE: Final = 100


@dataclass(frozen=True)
class FullCompany:
    """A company at a platform, and its jobs as they are to be listed, by start."""

    slug: str
    settings: Mapping[str, str]
    keys: Json
    jobs: list[Json]
    requests: Callable[[], int]
    """How often it was asked."""
    refusals: Callable[[], int]
    """How often that was too much."""
    let_ask: Callable[[], None]
    """Lets anybody ask as much as they like."""


@dataclass(frozen=True)
class _Wish:
    interval: Interval
    technician: str
    customer: int

    def listed(self, visit_id: str, job_id: str, technician_id: str) -> Json:
        return {
            "id": job_id,
            "visitId": visit_id,
            "startTime": instant_text(self.interval.start),
            "status": "scheduled",
            "technician": {"name": self.technician, "id": technician_id},
            "customer": {"name": _name(self.customer), "phone": _phone(self.customer)},
        }


def _name(customer: int) -> str:
    return f"Jane Doe{customer}"


def _phone(customer: int) -> str:
    return f"+1212555{customer:04}"


def _wishes(jobs: int) -> Iterator[_Wish]:
    """Yield jobs from tomorrow on, two of which begin at once."""
    morning = (from_datetime(utc_now()) // DAY + 1) * DAY
    for number in range(jobs):
        start = morning + number // 2 * HOUR
        technician = TECHNICIANS[number % len(TECHNICIANS)]
        interval = Interval(start, start + HOUR)
        yield _Wish(interval, technician, number % _CUSTOMERS)


def _by_start(jobs: list[Json]) -> list[Json]:
    return sorted(jobs, key=lambda each: (each["startTime"], each["visitId"]))


@contextmanager
def full_jobber(jobs: int) -> Iterator[FullCompany]:
    """Run a Jobber with so many jobs for a block."""
    with running_jobber() as server:
        owner = server.open("ABC Plumbing", "America/New_York", *TECHNICIANS)
        yield FullCompany(
            "jobber",
            server.settings,
            {"apiKey": owner.api_key()},
            _by_start(server.do(lambda: list(_fill_jobber(server, owner, jobs)))),
            lambda: len(server.jobber.asked),
            lambda: server.jobber.throttled,
            lambda: owner.has_points(10_000, a_second=1_000_000),
        )


def _fill_jobber(server: JobberServer, owner: Owner, jobs: int) -> Iterator[Json]:
    company = owner.company
    places = []
    for number in range(_CUSTOMERS):
        first, _, last = _name(number).partition(" ")
        client = company.add_client(first, last, phones=[Phone(_phone(number))])
        places.append(company.add_property(client, street1="500 W 5th St"))
    users = {each.name: each.id for each in company.users}
    for wish in _wishes(jobs):
        job = company.add_job(places[wish.customer], title="Leak")
        edges = to_datetime(wish.interval.start), to_datetime(wish.interval.end)
        user_id = users[wish.technician]
        visit = company.add_visit(job, *edges, users=[user_id])
        yield wish.listed(visit.id, job.id, user_id)


@contextmanager
def full_housecallpro(jobs: int) -> Iterator[FullCompany]:
    """Run a Housecall Pro with so many jobs for a block."""
    with running_housecallpro() as house:
        yield FullCompany(
            "housecallpro",
            house.environment,
            {"apiKey": house.api_key, "companyId": house.company_id},
            _by_start(list(_fill_housecallpro(house, jobs))),
            lambda: len(house.requests),
            lambda: max(0, len(house.requests) - _HOUSECALLPRO_A_MINUTE),
            lambda: None,
        )


def _fill_housecallpro(house: FakeHousecallPro, jobs: int) -> Iterator[Json]:
    owner = house.owner
    customers = []
    for number in range(_CUSTOMERS):
        first, _, last = _name(number).partition(" ")
        phone = _phone(number)
        customers.append(
            owner.adds_customer(first_name=first, last_name=last, mobile_number=phone)
        )
    employees = {each: owner.hires(each) for each in TECHNICIANS}
    for wish in _wishes(jobs):
        technician_id, customer_id = (
            employees[wish.technician],
            customers[wish.customer],
        )
        job_id = owner.adds_job(
            wish.interval, technician_id, title="Leak", customer_id=customer_id
        )
        yield wish.listed(job_id, job_id, technician_id)


FULL: Final[Mapping[str, Callable[[int], AbstractContextManager[FullCompany]]]] = {
    "housecallpro": full_housecallpro,
    "jobber": full_jobber,
}
