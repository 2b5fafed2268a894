"""Pages that are not as they were asked for: nothing is missed, and nobody hangs."""

import pytest

from tests.contracts.drafts import NINE, SECONDS, WINDOW, at
from tests.contracts.schedules import ExaminedPlatform, OnSchedule
from tests.providers.housecallpro.server import FakeHousecallPro
from universal_calendar.core.instant import HOUR
from universal_calendar.core.provider_errors import ProviderDown

read = OnSchedule().read


async def test_pages_that_are_shorter_than_they_say(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    """Nothing is believed of a schedule of which a part is missing."""
    for number in range(120):
        house.owner.adds_job(at(NINE + number * HOUR))
    house.bend = lambda body: {**body, "jobs": body.get("jobs", [])[:100]}
    with pytest.raises(ProviderDown):
        await read(examined)
    with pytest.raises(ProviderDown):
        await examined.platform.taken(
            examined.access, [examined.calendar], WINDOW, seconds=SECONDS
        )


@pytest.mark.parametrize("largest", [1, 7, 50])
async def test_lists_in_smaller_pages_than_asked_for(
    house: FakeHousecallPro, examined: ExaminedPlatform, largest: int
) -> None:
    house.has_pages_of(largest)
    ids = {house.owner.hires(f"Mike {number}") for number in range(60)}
    found = await examined.platform.technicians(examined.access, seconds=SECONDS)
    assert len(found) == 60
    assert {each.technician_id for each in found} == ids


async def test_list_that_never_ends(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    house.owner.hires("Mike Johnson")
    house.bend = lambda body: {**body, "total_items": 1_000_000}
    with pytest.raises(ProviderDown):
        await examined.platform.technicians(examined.access, seconds=SECONDS)
    assert len(house.requests) == 2


async def test_pages_of_another_size(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    house.bend = lambda body: {**body, "page_size": 50}
    with pytest.raises(ProviderDown):
        await read(examined)
