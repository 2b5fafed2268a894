"""What a company keeps at the fake Jobber: people, clients, jobs, visits."""

import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from universal_calendar.clock import utc_now

Json = dict[str, Any]

_NUMBERS = count(1)


def encoded_id(kind: str) -> str:
    """Return a new opaque id, as Jobber makes them."""
    return b64encode(f"gid://Jobber/{kind}/{next(_NUMBERS)}".encode()).decode()


@dataclass
class User:
    id: str
    name: str
    email: str
    is_active: bool = True


@dataclass
class Phone:
    number: str
    id: str = field(default_factory=lambda: encoded_id("PhoneNumber"))

    @property
    def normalized(self) -> str | None:
        """Return E.164, as Jobber does for numbers of North America."""
        digits = re.sub(r"\D", "", self.number)
        if self.number.strip().startswith("+"):
            return f"+{digits}"
        if len(digits) == 10:
            return f"+1{digits}"
        return f"+{digits}" if len(digits) == 11 and digits[0] == "1" else None


@dataclass
class Email:
    address: str
    id: str = field(default_factory=lambda: encoded_id("Email"))


@dataclass
class Property:
    id: str
    client: "Client"
    address: dict[str, str | None]


@dataclass
class Client:
    id: str
    first_name: str
    last_name: str
    company_name: str | None = None
    phones: list[Phone] = field(default_factory=list)
    emails: list[Email] = field(default_factory=list)
    properties: list[Property] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    is_archived: bool = False
    created_at: datetime = field(default_factory=utc_now)

    @property
    def name(self) -> str:
        person = f"{self.first_name} {self.last_name}".strip()
        return person or self.company_name or ""


@dataclass
class Job:
    id: str
    number: int
    property: Property
    title: str | None = None
    instructions: str | None = None
    line_items: list[Json] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    visits: list["Visit"] = field(default_factory=list)
    is_closed: bool = False


@dataclass
class Item:
    """Anything on a schedule; `kind` is its GraphQL type."""

    id: str
    kind: str
    title: str | None
    start: datetime | None
    end: datetime | None
    all_day: bool = False
    users: list[str] = field(default_factory=list)

    def overlaps(self, start: datetime, end: datetime) -> bool:
        if self.start is None or self.end is None:
            return False
        return self.start < end and start < max(self.end, self.start + timedelta(0, 1))


@dataclass
class Visit(Item):
    job: Job = field(kw_only=True)
    instructions: str | None = None
    is_complete: bool = False
    is_active: bool = False
    """In progress, whatever the clock says."""
    told_team: bool = False


@dataclass
class Company:
    """An account; `zone` is where its days begin."""

    id: str
    name: str
    zone: ZoneInfo
    users: list[User] = field(default_factory=list)
    clients: list[Client] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    others: list[Item] = field(default_factory=list)
    """Tasks, events, assessments."""
    deleted: list["Visit"] = field(default_factory=list)
    makes_blank_visits: bool = False
    """Whether a job that is made without visits gets one without a time."""

    @property
    def visits(self) -> Iterator[Visit]:
        for job in self.jobs:
            yield from job.visits

    @property
    def items(self) -> list[Item]:
        """Return everything on the schedule, in order."""
        return sorted(
            [*self.visits, *self.others],
            key=lambda each: (each.start or datetime.max.replace(tzinfo=UTC), each.id),
        )

    def user(self, user_id: str) -> User | None:
        return next((each for each in self.users if each.id == user_id), None)

    def client(self, client_id: str) -> Client | None:
        return next((each for each in self.clients if each.id == client_id), None)

    def job(self, job_id: str) -> Job | None:
        return next((each for each in self.jobs if each.id == job_id), None)

    def visit(self, visit_id: str) -> Visit | None:
        return next((each for each in self.visits if each.id == visit_id), None)

    def property(self, property_id: str) -> Property | None:
        places = (place for each in self.clients for place in each.properties)
        return next((each for each in places if each.id == property_id), None)

    def add_client(self, first_name: str, last_name: str = "", **more: Any) -> Client:
        client = Client(encoded_id("Client"), first_name, last_name, **more)
        self.clients.append(client)
        return client

    def add_property(self, client: Client, **address: str | None) -> Property:
        place = Property(encoded_id("Property"), client, address)
        client.properties.append(place)
        return place

    def add_job(self, place: Property, **more: Any) -> Job:
        job = Job(encoded_id("Job"), len(self.jobs) + 1, place, **more)
        self.jobs.append(job)
        return job

    def add_visit(
        self, job: Job, start: datetime | None, end: datetime | None, **more: Any
    ) -> Visit:
        title = more.pop("title", None) or job.title
        visit = Visit(encoded_id("Visit"), "Visit", title, start, end, job=job, **more)
        job.visits.append(visit)
        return visit

    def delete_visit(self, visit: Visit) -> None:
        visit.job.visits.remove(visit)
        self.deleted.append(visit)

    def status_of(self, visit: Visit) -> str:
        """Return the VisitStatusTypeEnum."""
        if visit.start is None or visit.end is None:
            return "UNSCHEDULED"
        if visit.is_complete:
            return "COMPLETED"
        if visit.is_active:
            return "ACTIVE"
        now = utc_now()
        if visit.end < now:
            return "LATE"
        today = now.astimezone(self.zone).date()
        begins = visit.start.astimezone(self.zone).date()
        return "TODAY" if begins <= today else "UPCOMING"

    def instant(self, local: Json) -> datetime:
        """Read LocalDateTimeAttributes."""
        clock = time.fromisoformat(local.get("time") or "00:00:00")
        day = datetime.fromisoformat(local["date"]).date()
        zone = ZoneInfo(local["timezone"])
        return datetime.combine(day, clock, zone).astimezone(UTC)
