"""Every body that the adapter can send is as the contract has it."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contracts.drafts import a_draft
from tests.contracts.schedules import JOHN
from tests.providers.housecallpro.contract import CONTRACT, read_contract
from tests.providers.microsoft.loopback import Ask
from universal_calendar.providers._addresses import parse_address
from universal_calendar.providers.housecallpro import mapping, people
from universal_calendar.services.ports.visits import Customer, VisitDraft

# What people may type, and what the services let through: no NUL, no surrogates.
TEXTS = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=80
)
NAMES = TEXTS.filter(lambda text: bool(text.strip()))
CUSTOMERS = st.builds(
    Customer,
    st.none() | NAMES,
    st.none() | TEXTS,
    st.none() | NAMES,
    st.none() | TEXTS,
    st.none() | TEXTS,
)
DRAFTS = st.builds(
    replace,
    st.just(a_draft()),
    title=NAMES,
    description=st.none() | TEXTS,
    location=st.none() | TEXTS,
    visit=st.none()
    | st.builds(
        VisitDraft,
        CUSTOMERS,
        st.lists(st.just("pro_1"), max_size=2),
        st.none() | TEXTS,
        st.none() | TEXTS,
        st.none() | st.decimals(0, 99_999, places=2),
    ),
)


def check(method: str, path: str, body: dict[str, Any]) -> None:
    headers = {"authorization": "Token a", "content-type": "application/json"}
    ask = Ask(method, path, headers, orjson.dumps(body), None)  # type: ignore[arg-type] # nobody hangs up
    read_contract().check_request(ask)


@given(DRAFTS)
def test_bodies_of_jobs(draft: Any) -> None:
    employees = mapping.employees_for(draft, ("pro_2",))
    check("POST", "/jobs", mapping.new_job(draft, "cus_1", "adr_1"))
    schedule = mapping.new_schedule(draft.interval, employees)
    check("PUT", "/jobs/job_1/schedule", schedule)
    check("PUT", "/jobs/job_1/dispatch", mapping.new_dispatch(employees))
    appointment = mapping.new_appointment(draft.interval, employees)
    check("POST", "/jobs/job_1/appointments", appointment)
    check("PUT", "/jobs/job_1/appointments/appt_1", appointment)
    items = [{"id": "rli_1", "name": draft.title}]
    body = {"line_items": items, "append_line_items": True}
    check("PUT", "/jobs/job_1/line_items/bulk_update", body)
    check("POST", "/jobs/job_1/notes", {"content": mapping.details_of(draft)})
    assert [each.is_of(draft) for each in marks(draft)] == [True]


def marks(draft: Any) -> list[mapping.Mark]:
    notes = mapping.new_job(draft, "cus_1", "adr_1")["notes"]
    return list(mapping.marks_of({"notes": [{"id": "note_1", "content": notes}]}))


@given(CUSTOMERS, NAMES)
def test_bodies_of_customers(customer: Customer, name: str) -> None:
    made = people.new_customer(customer, name, customer.notes)
    check("POST", "/customers", made)
    changed = people.changes_of(made, JOHN)
    check("PUT", "/customers/cus_1", changed)
    assert people.changes_of({**made, **changed}, JOHN) == {}
    assert "first_name" in made


@given(TEXTS)
def test_bodies_of_addresses(text: str) -> None:
    body = people.address_body(parse_address(text))
    check("POST", "/customers/cus_1/addresses", body)


@pytest.mark.parametrize(
    ("value", "cents"),
    [("350.00", 35_000), ("0", 0), ("19.99", 1999), ("0.1", 10), ("1234.5", 123_450)],
)
def test_money_is_cents(value: str, cents: int) -> None:
    draft = replace(a_draft(), visit=VisitDraft(JOHN, value=Decimal(value)))
    assert mapping.new_job(draft, "c", "a")["line_items"][0]["unit_price"] == cents


def test_every_body_of_the_contract_is_checked_here() -> None:
    """Whoever adds an operation with a body adds its check above."""
    document = read_contract().document
    described = {
        (method.upper(), path)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if "requestBody" in operation
    }
    assert CONTRACT.exists()
    assert described == {
        ("POST", "/customers"),
        ("PUT", "/customers/{customer_id}"),
        ("POST", "/customers/{customer_id}/addresses"),
        ("POST", "/jobs"),
        ("PUT", "/jobs/{job_id}/schedule"),
        ("PUT", "/jobs/{job_id}/dispatch"),
        ("POST", "/jobs/{job_id}/appointments"),
        ("PUT", "/jobs/{job_id}/appointments/{appointment_id}"),
        ("POST", "/jobs/{job_id}/notes"),
        ("PUT", "/jobs/{job_id}/line_items/bulk_update"),
    }
