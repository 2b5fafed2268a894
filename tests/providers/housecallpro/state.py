"""What a company has at Housecall Pro: employees, customers, jobs, events."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID

from tests.providers.housecallpro.contract import Json
from universal_calendar.clock import utc_now

CANCELED = {"user canceled", "pro canceled"}


@dataclass
class Employee:
    id: str
    first_name: str
    last_name: str
    email: str
    role: str = "field tech"


@dataclass
class Customer:
    """`fields` are as the contract has them; `addresses` too."""

    id: str
    fields: Json
    addresses: list[Json]
    created_at: datetime
    is_archived: bool = False


@dataclass
class Appointment:
    id: str
    start: datetime
    end: datetime
    employees: list[str]
    anytime: bool = False


@dataclass
class Job:
    id: str
    customer_id: str
    address_id: str | None
    created_at: datetime
    appointments: list[Appointment] = field(default_factory=list)
    employees: list[str] = field(default_factory=list)
    """Of the job as a whole, also while it has no time."""
    notes: list[tuple[str, str]] = field(default_factory=list)
    line_items: list[Json] = field(default_factory=list)
    work_status: str = "needs scheduling"
    job_type: str | None = None
    is_archived: bool = False

    @property
    def is_on_schedule(self) -> bool:
        is_over = self.is_archived or self.work_status in CANCELED
        return bool(self.appointments) and not is_over

    @property
    def start(self) -> datetime | None:
        return min((each.start for each in self.appointments), default=None)

    @property
    def end(self) -> datetime | None:
        return max((each.end for each in self.appointments), default=None)

    @property
    def title(self) -> str | None:
        return self.line_items[0]["name"] if self.line_items else None

    def assigned(self) -> list[str]:
        """Return everybody who has any of its appointments."""
        if not self.appointments:
            return self.employees
        return list(
            dict.fromkeys(e for each in self.appointments for e in each.employees)
        )


@dataclass
class Event:
    """Time that employees are away from jobs."""

    id: str
    name: str
    start: datetime
    end: datetime
    employees: list[str]
    recurrence_rule: str | None = None
    all_day: bool = False


@dataclass
class Company:
    """A company with all that is in its account."""

    name: str = "XYZ Services"
    time_zone: str = "America/Los_Angeles"
    id: str = field(default_factory=lambda: str(UUID(hex=secrets.token_hex(16))))
    employees: dict[str, Employee] = field(default_factory=dict)
    customers: dict[str, Customer] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._numbers = count(1)
        self._began = utc_now()

    def new_id(self, kind: str) -> str:
        """Return an id as Housecall Pro's look, the same in every run."""
        return f"{kind}_{UUID(int=next(self._numbers)).hex}"

    def moment(self) -> datetime:
        """Return when something is made: never twice the same."""
        return self._began + timedelta(seconds=next(self._numbers))

    def add_employee(self, name: str, *, role: str = "field tech") -> Employee:
        first, _, last = name.partition(" ")
        email = f"{first.lower()}@example.com"
        employee = Employee(self.new_id("pro"), first, last, email, role)
        self.employees[employee.id] = employee
        return employee

    def add_customer(self, fields: Json, addresses: Sequence[Json] = ()) -> Customer:
        customer = Customer(self.new_id("cus"), dict(fields), [], self.moment())
        self.customers[customer.id] = customer
        for each in addresses:
            self.add_address(customer, each)
        return customer

    def add_address(self, customer: Customer, fields: Json) -> Json:
        address = {"id": self.new_id("adr"), "type": "service", **fields}
        customer.addresses.append(address)
        return address

    def add_job(self, customer_id: str, address_id: str | None) -> Job:
        job = Job(self.new_id("job"), customer_id, address_id, self.moment())
        self.jobs[job.id] = job
        return job

    def schedule(
        self, job: Job, start: datetime, end: datetime, employees: list[str]
    ) -> Appointment:
        """Give a job an appointment more."""
        made = Appointment(self.new_id("appt"), start, end, employees)
        job.appointments.append(made)
        job.work_status = "scheduled"
        return made

    def unschedule(self, job: Job) -> None:
        """Take a job off the schedule."""
        job.employees = job.assigned()
        job.appointments.clear()
        job.work_status = "needs scheduling"

    def add_note(self, job: Job, content: str) -> Json:
        note = (self.new_id("note"), content)
        job.notes.append(note)
        return {"id": note[0], "content": note[1]}

    def add_line_item(self, job: Job, fields: Json) -> Json:
        item = {
            "id": self.new_id("rli"),
            "description": None,
            "unit_price": 0,
            "quantity": 1,
            "kind": "labor",
            **fields,
        }
        job.line_items.append(item)
        return item

    def standing(self, is_wanted: Callable[[Job], bool]) -> Iterator[Job]:
        """Return the jobs of the lists, oldest first."""
        for each in self.jobs.values():
            if not each.is_archived and is_wanted(each):
                yield each
