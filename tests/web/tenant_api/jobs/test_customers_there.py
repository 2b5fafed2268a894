"""Customers who change at a platform that sends no webhooks: appointments follow."""

from tests.web.api import wait_for
from tests.web.tenant_api.jobs.conftest import Office
from tests.web.tenant_api.jobs.crew import appointment, customer_of
from tests.web.tenant_api.jobs.there import believed, calls_customer


def name_of(office: Office, appointment_id: str) -> str:
    return str(appointment(office, appointment_id)["customerInfo"]["name"])


async def test_a_name_that_was_corrected(office: Office) -> None:
    office.connect()
    office.sync()
    made = office.create(data={"customer": customer_of(office)})
    await believed(office)
    office.sync()
    assert name_of(office, made["appointmentId"]) == "John Smith"
    calls_customer(office, made, "Joan Smythe")
    office.sync()
    (job,) = office.listed()
    assert job["customer"]["name"] == "Joan Smythe"
    wait_for(
        "the new name", lambda: name_of(office, made["appointmentId"]) == "Joan Smythe"
    )
