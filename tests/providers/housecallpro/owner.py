"""What the company does in its own Housecall Pro."""

from collections.abc import Callable, Sequence
from datetime import datetime

from tests.providers.housecallpro.contract import Json
from tests.providers.housecallpro.shown import (
    shown_appointment,
    shown_customer,
    shown_employee,
    shown_job,
)
from tests.providers.housecallpro.state import Company, Customer, Event, Job
from universal_calendar.core.instant import from_datetime, to_datetime
from universal_calendar.core.interval import Interval

ADDRESS = {
    "street": "500 W 5th St",
    "city": "Austin",
    "state": "TX",
    "zip": "78701",
    "country": "US",
}


class Owner:
    """The hand of the company: each act is told by webhooks, as Housecall Pro would."""

    def __init__(self, company: Company, tell: Callable[[str, Json], None]) -> None:
        self._company, self._tell = company, tell

    def hires(self, name: str, *, role: str = "field tech") -> str:
        """Add an employee; return their id."""
        employee = self._company.add_employee(name, role=role)
        self._tell("employee.created", {"employee": shown_employee(employee)})
        return employee.id

    def dismisses(self, employee_id: str) -> None:
        """Remove an employee who has no job."""
        employee = self._company.employees.pop(employee_id)
        self._tell("employee.deleted", {"employee": shown_employee(employee)})

    # Customers

    def adds_customer(self, address: Json | None = None, **fields: str) -> str:
        """Add a customer with fields of the contract; return their id."""
        found = self._company.add_customer(
            fields, [ADDRESS if address is None else address]
        )
        self._tell("customer.created", {"customer": shown_customer(found)})
        return found.id

    def edits_customer(self, customer_id: str, **fields: str | None) -> None:
        """Change fields of a customer."""
        customer = self._company.customers[customer_id]
        customer.fields.update(fields)
        self._tell("customer.updated", {"customer": shown_customer(customer)})

    def deletes_customer(self, customer_id: str) -> None:
        """Archive a customer."""
        customer = self._company.customers[customer_id]
        customer.is_archived = True
        self._tell("customer.deleted", {"customer": {"id": customer_id}})

    def customer(self, customer_id: str) -> Customer:
        """Return a customer to look at."""
        return self._company.customers[customer_id]

    # Jobs

    def adds_job(
        self,
        interval: Interval | None,
        *employees: str,
        title: str = "Private",
        customer_id: str | None = None,
    ) -> str:
        """Add a job, of nobody where no employee is named; return its id.

        Without an interval it needs scheduling.
        """
        owner = self._company.customers[customer_id or self._anybody()]
        job = self._company.add_job(owner.id, owner.addresses[0]["id"])
        self._company.add_line_item(job, {"name": title, "unit_price": 12_500})
        job.employees = list(employees)
        if interval is not None:
            self._company.schedule(job, *_span(interval), list(employees))
        self._tell_of("job.created", job)
        return job.id

    def _anybody(self) -> str:
        for each in self._company.customers.values():
            if each.fields.get("last_name") == "Walker":
                return each.id
        fields = {"first_name": "Sue", "last_name": "Walker"}
        return self._company.add_customer(fields, [ADDRESS]).id

    def moves(self, job_id: str, interval: Interval) -> None:
        """Give a job's first appointment another time, or its only."""
        job = self._company.jobs[job_id]
        if job.appointments:
            job.appointments[0].start, job.appointments[0].end = _span(interval)
        else:
            self._company.schedule(job, *_span(interval), job.employees)
        self._tell_of("job.scheduled", job)

    def adds_appointment(self, job_id: str, interval: Interval, *employees: str) -> str:
        """Give a job one more appointment; return its id."""
        job = self._company.jobs[job_id]
        made = self._company.schedule(job, *_span(interval), list(employees))
        shown = shown_appointment(made)
        self._tell("job.appointment.scheduled", {"appointment": shown})
        return made.id

    def makes_anytime(self, job_id: str) -> None:
        """Let a job be done at any time of its day."""
        for each in self._company.jobs[job_id].appointments:
            each.anytime = True
        self._tell_of("job.updated", self._company.jobs[job_id])

    def assigns(self, job_id: str, *employees: str) -> None:
        """Give a job to these employees."""
        job = self._company.jobs[job_id]
        job.employees = list(employees)
        for each in job.appointments:
            each.employees = list(employees)
        self._tell_of("job.updated", job)

    def unschedules(self, job_id: str) -> None:
        """Take a job off the schedule."""
        self._company.unschedule(self._company.jobs[job_id])
        self._tell_of("job.updated", self._company.jobs[job_id])

    def marks(self, job_id: str, work_status: str) -> None:
        """Give a job a work status of the contract, such as `pro canceled`."""
        self._company.jobs[job_id].work_status = work_status
        self._tell_of("job.updated", self._company.jobs[job_id])

    def deletes(self, job_id: str) -> None:
        """Archive a job."""
        self._company.jobs[job_id].is_archived = True
        self._tell("job.deleted", {"job": {"id": job_id, "deleted": True}})

    def job(self, job_id: str) -> Job:
        """Return a job to look at."""
        return self._company.jobs[job_id]

    def scheduled(self) -> Sequence[Job]:
        """Return the jobs that are on the schedule, oldest first."""
        return [each for each in self._company.jobs.values() if each.is_on_schedule]

    def times(self, job_id: str) -> Sequence[Interval]:
        """Return the times of a job's appointments."""
        found = self._company.jobs[job_id].appointments
        return sorted(
            Interval(from_datetime(each.start), from_datetime(each.end))
            for each in found
        )

    def _tell_of(self, event: str, job: Job) -> None:
        shown = shown_job(self._company, job, expanded=False)
        self._tell(event, {"job": shown})

    # Events

    def adds_event(
        self,
        interval: Interval,
        *employees: str,
        rule: str | None = None,
        all_day: bool = False,
    ) -> str:
        """Add an event that is no job, `rule` such as `FREQ=WEEKLY;COUNT=3`."""
        number = self._company.new_id("event")
        start, end = _span(interval)
        self._company.events[number] = Event(
            number, "Private", start, end, list(employees), rule, all_day
        )
        return number

    def deletes_event(self, event_id: str) -> None:
        """Remove an event."""
        del self._company.events[event_id]


def _span(interval: Interval) -> tuple[datetime, datetime]:
    return to_datetime(interval.start), to_datetime(interval.end)
