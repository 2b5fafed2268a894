"""Both platforms as a story needs them: what is there, and what its owner does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tests.providers.google.wire import Trouble
from tests.providers.housecallpro.server import FakeHousecallPro, Fault
from tests.providers.jobber.company import User, Visit, encoded_id
from tests.providers.jobber.server import JobberServer
from universal_calendar.core.instant import from_datetime
from universal_calendar.core.interval import Interval

Json = dict[str, Any]


@dataclass(frozen=True)
class JobThere:
    """A job on the platform's schedule."""

    job_id: str
    title: str
    times: Sequence[Interval]
    technicians: Sequence[str]


class Hand(Protocol):
    """One platform, with one company's account."""

    slug: str
    company: str

    @property
    def keys(self) -> Json:
        """Return what connects the account."""

    def hires(self, name: str) -> str:
        """Add a technician; return their id."""

    def adds_job(self, interval: Interval, technician_id: str, title: str) -> str:
        """Add a job there; return its id."""

    def schedule(self) -> Sequence[JobThere]:
        """Return the jobs on the schedule."""

    def customers(self, phone: str) -> int:
        """Return how many customers have the number."""

    def notes(self, job_id: str) -> str:
        """Return what is noted of a job."""

    def dies(self) -> None:
        """Listen no more."""

    def rises(self) -> None:
        """Listen again."""

    def throttles(self, seconds: float) -> None:
        """Ask whoever makes a job next to come back later."""

    def hangs(self) -> None:
        """Never answer whoever makes a job next."""

    def is_slow(self, seconds: float) -> None:
        """Answer whoever makes a job next so late."""


class HousecallProHand:
    """Housecall Pro."""

    slug = "housecallpro"
    company = "XYZ Services"

    def __init__(self, house: FakeHousecallPro) -> None:
        self.house = house

    @property
    def keys(self) -> Json:
        return {"apiKey": self.house.api_key, "companyId": self.house.company_id}

    def hires(self, name: str) -> str:
        return self.house.owner.hires(name)

    def adds_job(self, interval: Interval, technician_id: str, title: str) -> str:
        return self.house.owner.adds_job(interval, technician_id, title=title)

    def schedule(self) -> Sequence[JobThere]:
        owner = self.house.owner
        return [
            JobThere(each.id, each.title or "", owner.times(each.id), each.assigned())
            for each in owner.scheduled()
        ]

    def customers(self, phone: str) -> int:
        digits = phone.removeprefix("+1")
        found = self.house.company.customers.values()
        return sum(digits in _digits(str(each.fields)) for each in found)

    def notes(self, job_id: str) -> str:
        return "\n".join(text for _, text in self.house.owner.job(job_id).notes)

    def dies(self) -> None:
        self.house.dies()

    def rises(self) -> None:
        self.house.rises()

    def throttles(self, seconds: float) -> None:
        self.house.throttles(seconds, only="POST /jobs")

    def hangs(self) -> None:
        self.house.strikes(Fault("hang", only="POST /jobs"))

    def is_slow(self, seconds: float) -> None:
        self.house.strikes(Fault("slow", seconds, only="POST /jobs"))

    def is_slow_reading(self, seconds: float) -> None:
        """Answer whoever reads the schedule next so late, after its jobs."""
        self.house.strikes(Fault("slow", seconds, only="GET /events"))


class JobberHand:
    """Jobber, with a company of its own."""

    slug = "jobber"
    company = "ABC Plumbing"

    def __init__(self, server: JobberServer) -> None:
        self.server = server
        self.owner = server.open(self.company, "America/Los_Angeles")
        self._key = self.owner.api_key()

    @property
    def keys(self) -> Json:
        return {"apiKey": self._key}

    def hires(self, name: str) -> str:
        user = User(encoded_id("User"), name, f"{len(name)}@example.com")
        self.server.do(lambda: self.owner.company.users.append(user))
        return user.id

    def adds_job(self, interval: Interval, technician_id: str, title: str) -> str:
        users = self.owner.company.users
        (name,) = (each.name for each in users if each.id == technician_id)
        visit_id = self.owner.adds_visit(interval, name, title=title)
        return self.owner.visit(visit_id).job.id

    def schedule(self) -> Sequence[JobThere]:
        return [
            JobThere(each.job.id, each.title or "", [_interval(each)], each.users)
            for each in self.owner.visits
            if each.start is not None
        ]

    def customers(self, phone: str) -> int:
        numbers = [one.normalized for each in self.owner.clients for one in each.phones]
        return numbers.count(phone)

    def notes(self, job_id: str) -> str:
        (job,) = (each for each in self.owner.jobs if each.id == job_id)
        told = [job.instructions, *job.notes, *(v.instructions for v in job.visits)]
        return "\n".join(each for each in told if each)

    def dies(self) -> None:
        self.server.do(self.server.jobber.wire.die)

    def rises(self) -> None:
        self.server.do(self.server.jobber.wire.rise)

    def throttles(self, seconds: float) -> None:
        self.owner.has_points(-500.0 * seconds)

    def hangs(self) -> None:
        self._troubles(Trouble(60, is_answered=False, is_done=False))

    def is_slow(self, seconds: float) -> None:
        self._troubles(Trouble(seconds))

    def _troubles(self, trouble: Trouble) -> None:
        self.server.do(lambda: self.server.jobber.wire.troubles.append(trouble))


def _interval(visit: Visit) -> Interval:
    assert visit.start is not None
    assert visit.end is not None
    return Interval(from_datetime(visit.start), from_datetime(visit.end))


def _digits(text: str) -> str:
    return "".join(each for each in text if each.isdigit())
