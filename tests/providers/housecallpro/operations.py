"""The operations of the contract, each from a request to its answer."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

from tests.providers.housecallpro.contract import Json
from tests.providers.housecallpro.shown import (
    shown_address,
    shown_appointment,
    shown_company,
    shown_customer,
    shown_employee,
    shown_event,
    shown_job,
)
from tests.providers.housecallpro.state import Appointment, Company, Customer, Job
from tests.providers.microsoft.loopback import Answer, Ask

Tell = Callable[[str, Json], None]
Entry = TypeVar("Entry")
_NUMBERS = ("mobile_number", "home_number", "work_number")


class Refusal(Exception):
    """The answer is an error."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(status, message)
        self.answer = Answer.of(status, {"error": {"message": message}}, **headers)


class Operations:
    """What each operation does to a company; `tell` sends webhooks."""

    def __init__(self, company: Company, tell: Tell) -> None:
        self.company, self._tell = company, tell
        self.largest_page = 200

    def answer(self, name: str, ask: Ask, template: str) -> Answer:
        """Do what an operation of the contract says."""
        places = _places(template, ask.path)
        method = getattr(self, name.replace("-", "_"))
        answer: Answer = method(ask, *places)
        return answer

    # Company and employees

    def get_company(self, _ask: Ask) -> Answer:
        return Answer.of(200, shown_company(self.company))

    def get_employees(self, ask: Ask) -> Answer:
        all_of_them = list(self.company.employees.values())
        return self._paged(ask, "employees", all_of_them, shown_employee)

    # Customers

    def get_v1_customers(self, ask: Ask) -> Answer:
        wanted = ask.query.get("q", "").casefold()
        found = [
            each
            for each in self.company.customers.values()
            if not each.is_archived and _matches(each, wanted)
        ]
        return self._paged(ask, "customers", found, shown_customer)

    def post_customers(self, ask: Ask) -> Answer:
        return self._told_customer(self.company.add_customer(ask.body), 201)

    def get_customers_customerId(self, _ask: Ask, number: str) -> Answer:  # noqa: N802
        return Answer.of(200, shown_customer(self._customer(number)))

    def put_customers_customer_id(self, ask: Ask, number: str) -> Answer:
        customer = self._customer(number)
        customer.fields.update(ask.body)
        return self._told_customer(customer, 200)

    def _told_customer(self, customer: Customer, status: int) -> Answer:
        shown = shown_customer(customer)
        verb = "created" if status == 201 else "updated"
        self._tell(f"customer.{verb}", {"customer": shown})
        return Answer.of(status, shown)

    def get_customer_customer_id_addresses(self, ask: Ask, number: str) -> Answer:
        found = self._customer(number).addresses
        return self._paged(ask, "addresses", found, shown_address)

    def post_customer_customer_id_addresses(self, ask: Ask, number: str) -> Answer:
        if not ask.body["street"]:
            raise Refusal(422, "Street can't be blank")
        made = self.company.add_address(self._customer(number), ask.body)
        return Answer.of(200, shown_address(made))

    def _customer(self, number: str) -> Customer:
        found = self.company.customers.get(number)
        if found is None:
            raise Refusal(404, "Customer not found")
        if found.is_archived:
            raise Refusal(410, "Customer is archived")
        return found

    # Jobs

    def get_jobs(self, ask: Ask) -> Answer:
        found = list(self.company.standing(_filter(ask.query)))
        expanded = _is_expanded(ask)
        return self._paged(
            ask,
            "jobs",
            found,
            lambda job: shown_job(self.company, job, expanded=expanded),
        )

    def get_jobs_id(self, ask: Ask, number: str) -> Answer:
        shown = shown_job(self.company, self._job(number), expanded=_is_expanded(ask))
        return Answer.of(200, shown)

    def post_jobs(self, ask: Ask) -> Answer:
        body = ask.body
        customer = self.company.customers.get(body["customer_id"])
        if customer is None or customer.is_archived:
            raise Refusal(422, "Customer not found")
        if body["address_id"] not in [each["id"] for each in customer.addresses]:
            raise Refusal(422, "Address is not the customer's")
        employees = self._employees(body.get("assigned_employee_ids", []))
        times = body.get("schedule", {})
        job = self.company.add_job(customer.id, body["address_id"])
        job.employees = employees
        for each in body.get("line_items", ()):
            self.company.add_line_item(job, each)
        if "notes" in body:
            self.company.add_note(job, body["notes"])
        if "scheduled_start" in times:
            span = _span(times["scheduled_start"], times["scheduled_end"])
            self.company.schedule(job, *span, employees)
        return self._told_job("job.created", job, 201)

    def update_job_schedule(self, ask: Ask, number: str) -> Answer:
        job, body = self._open_job(number), ask.body
        if len(job.appointments) > 1:
            raise Refusal(422, "Job has more than one appointment")
        employees = job.assigned()
        if "dispatched_employees" in body:
            employees = self._dispatched(body)
        job.appointments.clear()
        self.company.schedule(
            job, *_span(body["start_time"], body["end_time"]), employees
        )
        self._told_job("job.scheduled", job, 200)
        answered: Json = {
            "start_time": body["start_time"],
            "end_time": body["end_time"],
            "arrival_window_minutes": 0,
        }
        return Answer.of(200, answered)

    def delete_job_schedule(self, _ask: Ask, number: str) -> Answer:
        job = self._open_job(number)
        self.company.unschedule(job)
        self._told_job("job.updated", job, 200)
        return Answer.of(200, {"object": "schedule", "deleted": True})

    def update_job_dispatch(self, ask: Ask, number: str) -> Answer:
        job = self._open_job(number)
        job.employees = employees = self._dispatched(ask.body)
        for each in job.appointments:
            each.employees = employees
        self._told_job("job.updated", job, 200)
        shown = [shown_employee(self.company.employees[each]) for each in employees]
        return Answer.of(200, {"assigned_employees": shown})

    def _told_job(self, event: str, job: Job, status: int) -> Answer:
        shown = shown_job(self.company, job, expanded=False)
        self._tell(event, {"job": shown})
        return Answer.of(status, shown)

    def _job(self, number: str) -> Job:
        found = self.company.jobs.get(number)
        if found is None:
            raise Refusal(404, "Job not found")
        if found.is_archived:
            raise Refusal(410, "Job is archived")
        return found

    def _open_job(self, number: str) -> Job:
        job = self._job(number)
        if job.work_status.endswith("canceled") or job.work_status.startswith("comple"):
            raise Refusal(422, f"Job is {job.work_status}")
        return job

    def _dispatched(self, body: Json) -> list[str]:
        ids = [each["employee_id"] for each in body["dispatched_employees"]]
        return self._employees(ids)

    def _employees(self, ids: Sequence[str]) -> list[str]:
        if not set(ids) <= set(self.company.employees):
            raise Refusal(422, "Employee not found")
        return list(ids)

    # Appointments

    def post_jobs_job_id_appointments(self, ask: Ask, number: str) -> Answer:
        job, body = self._open_job(number), ask.body
        employees = self._employees(body["dispatched_employees_ids"])
        span = _span(body["start_time"], body["end_time"])
        made = self.company.schedule(job, *span, employees)
        return self._told_appointment("scheduled", made, 201)

    def update_jobs_job_id_appointments(
        self, ask: Ask, number: str, appointment_id: str
    ) -> Answer:
        body = ask.body
        found = self._appointment(self._open_job(number), appointment_id)
        found.employees = self._employees(body["dispatched_employees_ids"])
        found.start, found.end = _span(body["start_time"], body["end_time"])
        return self._told_appointment("rescheduled", found, 200)

    def delete_jobs_job_id_appointments(
        self, _ask: Ask, number: str, appointment_id: str
    ) -> Answer:
        job = self._open_job(number)
        found = self._appointment(job, appointment_id)
        if len(job.appointments) == 1:
            self.company.unschedule(job)
        else:
            job.appointments.remove(found)
        self._told_appointment("appointment_discarded", found, 200)
        return Answer(200)

    def _told_appointment(
        self, verb: str, appointment: Appointment, status: int
    ) -> Answer:
        shown = shown_appointment(appointment)
        self._tell(f"job.appointment.{verb}", {"appointment": shown})
        return Answer.of(status, shown)

    @staticmethod
    def _appointment(job: Job, number: str) -> Appointment:
        for each in job.appointments:
            if each.id == number:
                return each
        raise Refusal(404, "Appointment not found")

    # Notes, line items, events

    def post_jobs_job_id_notes(self, ask: Ask, number: str) -> Answer:
        note = self.company.add_note(self._job(number), ask.body["content"])
        return Answer.of(201, note)

    def get_jobs_job_id_line_items(self, ask: Ask, number: str) -> Answer:
        return _line_items(ask, self._job(number))

    def put_jobs_job_id_line_items(self, ask: Ask, number: str) -> Answer:
        job, body = self._job(number), ask.body
        known = {each["id"]: each for each in job.line_items}
        given = [known.get(each.get("id"), {}) | each for each in body["line_items"]]
        if body.get("append_line_items"):
            changed = {each.get("id"): each for each in given}
            given = [changed.pop(number, item) for number, item in known.items()]
            given += changed.values()
        job.line_items.clear()
        for each in given:
            self.company.add_line_item(job, each)
        self._told_job("job.updated", job, 200)
        return _line_items(ask, job)

    def get_events(self, ask: Ask) -> Answer:
        found = list(self.company.events.values())
        return self._paged(
            ask, "events", found, lambda each: shown_event(self.company, each)
        )

    def _paged(
        self,
        ask: Ask,
        name: str,
        entries: list[Entry],
        shown: Callable[[Entry], Json],
    ) -> Answer:
        page, size = (
            int(ask.query.get(n, d)) for n, d in (("page", 1), ("page_size", 10))
        )
        size = min(size, self.largest_page)
        if ask.query.get("sort_direction", "desc") == "desc":
            entries = entries[::-1]
        chosen = entries[(page - 1) * size : page * size]
        body = {
            "page": page,
            "page_size": size,
            "total_pages": -(-len(entries) // size),
            "total_items": len(entries),
            name: [shown(each) for each in chosen],
        }
        return Answer.of(200, body)


def _places(template: str, path: str) -> list[str]:
    pattern = re.sub(r"\{\w+\}", "([^/]+)", template)
    found = re.fullmatch(pattern, path)
    return [unquote(each) for each in found.groups()] if found else []


def _matches(customer: Customer, wanted: str) -> bool:
    fields = customer.fields
    name = f"{fields.get('first_name')} {fields.get('last_name')}"
    numbers = [re.sub(r"\D", "", str(fields.get(each))) for each in _NUMBERS]
    texts = [name, fields.get("email"), *numbers, *map(str, customer.addresses)]
    return any(wanted in str(each).casefold() for each in texts if each)


def _filter(query: dict[str, str]) -> Callable[[Job], bool]:
    edges = {
        name: datetime.fromisoformat(query[name])
        for name in ("scheduled_start_max", "scheduled_end_min")
        if name in query
    }

    def is_wanted(job: Job) -> bool:
        if query.get("customer_id", job.customer_id) != job.customer_id:
            return False
        if not edges:
            return True
        if job.start is None or job.end is None:
            return False
        return job.start <= edges.get(
            "scheduled_start_max", job.start
        ) and job.end >= edges.get("scheduled_end_min", job.end)

    return is_wanted


def _is_expanded(ask: Ask) -> bool:
    asked = parse_qs(urlsplit(ask.target).query).get("expand[]", ())
    return "appointments" in asked


def _span(start: str, end: str) -> tuple[datetime, datetime]:
    first, last = datetime.fromisoformat(start), datetime.fromisoformat(end)
    if first.tzinfo is None or last <= first:
        raise Refusal(422, "Schedule is invalid")
    return first, last


def _line_items(ask: Ask, job: Job) -> Answer:
    return Answer.of(200, {"url": ask.path, "data": job.line_items})
