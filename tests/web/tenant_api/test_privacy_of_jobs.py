"""Customers whose appointments are jobs at a platform are forgotten."""

from dataclasses import replace

import pytest

from tests.harness.scenes.business import Business
from tests.harness.scenes.fitters import JANE, Fitters, connect_account
from tests.web.conftest import Superuser
from tests.web.tenant_api.conftest import Desk
from tests.web.tenant_api.people import (
    EMAIL,
    PHONE,
    TRACES,
    data_of,
    dump,
    erase,
    everything_known,
    export,
    make_past,
    traces_in,
)
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.core.instant import HOUR
from universal_calendar.core.interval import Interval
from universal_calendar.services.ports.appointments import Person
from universal_calendar.services.ports.visits import Customer, Visit, VisitStatus
from universal_calendar.store.field_service.visits import VisitTable

QWYNNETH = Person(
    "Boiler of Qwynneth",
    "Qwynneth Canaryfield",
    PHONE,
    EMAIL,
    "allergic to peppercorn",
    address="1 Marzipan Lane",
    notes="peppercorn",
)


@pytest.fixture
async def fitters(parts: Parts, business: Business) -> Fitters:
    """Connect a platform's account to the desk's business."""
    return await connect_account(parts, business, f"account-{business.tenant_id}")


async def test_nothing_of_whom_jobs_were_for_remains(
    desk: Desk, fitters: Fitters, superuser: Superuser
) -> None:
    past, coming = [await fitters.written(hour, QWYNNETH) for hour in (0, 1)]
    other = await fitters.written(2, JANE)
    make_past(superuser, str(past))
    for each in fitters.platform.customers:
        await fitters.tell(customer_id=each)
    assert len(export(desk, phone=PHONE)["visits"]) == 2
    assert erase(desk, phone=PHONE).status_code == 409
    done = data_of(erase(desk, phone=PHONE, cancelFuture=True))
    assert (done["appointments"], done["visits"]) == (2, 2)
    assert done["cancelledAppointments"] == 1
    await assert_forgotten(desk, fitters, superuser)
    (visit,) = await fitters.rows("SELECT appointment_id, customer_id FROM visits")
    changes = await fitters.rows("SELECT customer_id FROM changed_customers")
    assert (visit[0], changes) == (other, [(visit[1],)])
    assert export(desk, phone=PHONE, email=EMAIL)["visits"] == []
    assert coming != other


async def assert_forgotten(desk: Desk, fitters: Fitters, superuser: Superuser) -> None:
    known = await everything_known(fitters.parts, desk.tenant_id)
    assert traces_in(known, TRACES) == []
    assert "Jane Doe" in known
    for table, text in dump(superuser).items():
        rows = "\n".join(row for row in text.splitlines() if desk.tenant_id in row)
        assert traces_in(rows, TRACES) == [], table


async def test_a_job_to_come_is_taken_off_the_schedule(
    desk: Desk, fitters: Fitters, superuser: Superuser
) -> None:
    appointment_id = await fitters.written(0, QWYNNETH)
    erase(desk, email=EMAIL, cancelFuture=True)
    assert len(fitters.platform.visits) == 1
    fitters.wait()
    await fitters.write(appointment_id)
    assert fitters.platform.visits == {}
    await fitters.written(2, JANE)
    await assert_forgotten(desk, fitters, superuser)
    (link,) = await fitters.rows(
        "SELECT is_wanted, status FROM links WHERE appointment_id = %s", appointment_id
    )
    assert link == (False, "synced")


async def test_a_visit_to_somebody_whom_we_never_booked(
    desk: Desk, fitters: Fitters
) -> None:
    """What is still to be asked about them is forgotten too; nobody else's is."""
    began, parts = fitters.now, fitters.parts
    hers = Visit(
        *("job-1", "visit-1", VisitStatus.SCHEDULED, ("t-1",)),
        Interval(began + HOUR, began + 2 * HOUR),
        "Boiler",
        "customer-1",
        Customer("Qwynneth", PHONE, None, "1 Marzipan Lane"),
    )
    others = replace(hers, customer_id="customer-2", customer=Customer("John"))
    visits = {"visit-1": hers, "visit-2": others}
    await VisitTable(parts.database, parts.keyring).keep(
        fitters.tenant_id, fitters.calendar_id, visits, began
    )
    for each in ("customer-1", "customer-2"):
        await fitters.tell(customer_id=each)
    done = data_of(erase(desk, phone=PHONE))
    assert (done["appointments"], done["visits"]) == (0, 1)
    left = await fitters.rows("SELECT customer_id FROM changed_customers")
    assert left == [("customer-2",)]
    await fitters.settle()
    assert await fitters.due() == {}
