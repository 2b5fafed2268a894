"""A customer changes again before what followed from the first change is written."""

from dataclasses import replace

import pytest

from tests.harness.scenes.business import Business
from tests.harness.scenes.calendars import now
from tests.harness.scenes.fitters import Fitters, connect_account
from universal_calendar.bootstrap.parts import Parts, new_id


@pytest.fixture
async def fitters(parts: Parts, business: Business) -> Fitters:
    return await connect_account(parts, business, f"acc-{new_id(now())}")


async def edited(fitters: Fitters, name: str) -> None:
    """Have the owner rename the customer there, and whatever is due done."""
    known = fitters.platform.customers["c-1"]
    fitters.platform.customers["c-1"] = replace(known, name=name)
    await fitters.tell(customer_id="c-1")
    await fitters.settle()


async def test_the_second_change_is_followed_too(fitters: Fitters) -> None:
    appointment_id = await fitters.written()
    await edited(fitters, "Jane Roe")
    assert (await fitters.person(appointment_id)).name == "Jane Roe"
    # Within the second that the worker takes to write the first to the visit.
    await edited(fitters, "Jane Poe")
    for _ in range(3):
        fitters.wait()
        await fitters.settle()
    assert (await fitters.person(appointment_id)).name == "Jane Poe"
