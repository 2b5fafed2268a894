"""What a company has, in the words of the contract."""

from datetime import datetime

from tests.providers.housecallpro.contract import Json
from tests.providers.housecallpro.state import (
    Appointment,
    Company,
    Customer,
    Employee,
    Event,
    Job,
)

_FIELDS = (
    "first_name",
    "last_name",
    "email",
    "mobile_number",
    "home_number",
    "work_number",
    "company",
    "lead_source",
    "notes",
)


def text_of(moment: datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def shown_company(company: Company) -> Json:
    address = {"street": "1 Depot Rd", "city": "Los Angeles", "state": "CA"}
    return {
        "id": company.id,
        "name": company.name,
        "time_zone": company.time_zone,
        "address": {**address, "zip": "90001", "country": "US", "latitude": "34.05"},
    }


def shown_employee(employee: Employee) -> Json:
    return {
        "id": employee.id,
        "first_name": employee.first_name,
        "last_name": employee.last_name or None,
        "email": employee.email,
        "mobile_number": None,
        "color_hex": "EF9159",
        "role": employee.role,
    }


def shown_customer(customer: Customer) -> Json:
    return {
        "id": customer.id,
        **{name: customer.fields.get(name) for name in _FIELDS},
        "notifications_enabled": True,
        "created_at": text_of(customer.created_at),
        "updated_at": text_of(customer.created_at),
        "tags": [],
        "addresses": [shown_address(each) for each in customer.addresses],
    }


def shown_address(address: Json) -> Json:
    lacking = dict.fromkeys(("street_line_2", "city", "state", "zip", "country"))
    return {**lacking, **address}


def shown_appointment(appointment: Appointment) -> Json:
    is_timed = not appointment.anytime
    return {
        "id": appointment.id,
        "start_date": appointment.start.date().isoformat(),
        "start_time": text_of(appointment.start) if is_timed else None,
        "end_time": text_of(appointment.end) if is_timed else None,
        "anytime": appointment.anytime,
        "arrival_window_minutes": 0,
        "dispatched_employees_ids": appointment.employees,
    }


def shown_job(company: Company, job: Job, *, expanded: bool) -> Json:
    schedule: Json = {
        "scheduled_start": text_of(job.start),
        "scheduled_end": text_of(job.end),
        "arrival_window": 0,
    }
    if expanded:
        schedule["appointments"] = [shown_appointment(a) for a in job.appointments]
    customer = company.customers[job.customer_id]
    cents = sum(int(e["unit_price"] * e["quantity"]) for e in job.line_items)
    assigned = [company.employees[each] for each in job.assigned()]
    named = {"job_type": {"id": "jbt_1", "name": job.job_type}} if job.job_type else {}
    return {
        "id": job.id,
        "description": job.title,
        "customer": _customer_of_job(customer),
        "address": _address_of_job(customer, job.address_id),
        "notes": [{"id": number, "content": text} for number, text in job.notes],
        "work_status": job.work_status,
        "work_timestamps": {
            "on_my_way_at": None,
            "started_at": None,
            "completed_at": None,
        },
        "schedule": schedule,
        "total_amount": cents,
        "outstanding_balance": cents,
        "subtotal": cents,
        "assigned_employees": [shown_employee(each) for each in assigned],
        "tags": [],
        "job_fields": {"job_type": None, "business_unit": None, **named},
        "created_at": text_of(job.created_at),
        "updated_at": text_of(job.created_at),
        "canceled_at": None,
        "deleted_at": None,
        "company_name": company.name,
        "company_id": company.id,
    }


def _customer_of_job(customer: Customer) -> Json:
    shown = shown_customer(customer)
    del shown["addresses"]
    return shown


def _address_of_job(customer: Customer, address_id: str | None) -> Json:
    found = [each for each in customer.addresses if each["id"] == address_id]
    return shown_address(found[0]) if found else {"id": None, "type": "service"}


def shown_event(company: Company, event: Event) -> Json:
    assigned = [company.employees[each] for each in event.employees]
    return {
        "id": event.id,
        "name": event.name,
        "note": None,
        "recurrence_rule": event.recurrence_rule,
        "assigned_employees": [shown_employee(each) for each in assigned],
        "schedule": {
            "start_time": text_of(event.start),
            "end_time": text_of(event.end),
            "time_zone": company.time_zone,
        },
        "all_day": event.all_day,
    }
