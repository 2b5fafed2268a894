"""Clients: found by phone, then by e-mail, exactly; never made twice."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.contracts.drafts import SECONDS
from tests.contracts.schedules import JOHN, ExaminedPlatform
from tests.providers.jobber.owner import Owner
from tests.providers.jobber.server import JobberServer
from universal_calendar.core.provider_errors import ProviderDown
from universal_calendar.providers._addresses import UNKNOWN
from universal_calendar.services.ports.visits import Customer


async def put(examined: ExaminedPlatform, customer: Customer) -> tuple[str, bool]:
    found = await examined.platform.put_customer(
        examined.access, customer, seconds=SECONDS
    )
    return found.customer_id, found.is_new


async def test_phone_comes_before_the_e_mail(
    examined: ExaminedPlatform, owner: Owner
) -> None:
    by_mail = owner.adds_client("John", "A", email=str(JOHN.email))
    assert await put(examined, JOHN) == (by_mail.id, False)
    by_mail.phones.clear()
    by_phone = owner.adds_client("John", "B", phone="212 555 1234")
    assert await put(examined, JOHN) == (by_phone.id, False)


async def test_what_is_only_alike_is_not_found(
    examined: ExaminedPlatform, server: JobberServer, owner: Owner
) -> None:
    """Jobber's search gives all of these; none of them is John."""
    owner.adds_client("John", "Smith", phone="+12125551235", email="john@example.co")
    owner.adds_client("John", "Smith", phone="+1 212 555 12345")
    owner.adds_client("John", "Smith", email="xjohn@example.com")
    _, is_new = await put(examined, JOHN)
    assert is_new
    assert server.jobber.asked == ["Find", "MakeClient"]


async def test_oldest_of_several_that_is_not_archived(
    examined: ExaminedPlatform, owner: Owner
) -> None:
    first, second, _ = (
        owner.adds_client("John", "Smith", phone=str(JOHN.phone)) for _ in range(3)
    )
    first.is_archived = True
    first.created_at = second.created_at = first.created_at - timedelta(days=1)
    assert await put(examined, JOHN) == (second.id, False)


@pytest.mark.parametrize("step", ["clientCreate", "clientEdit", "clientCreateNote"])
async def test_repeat_after_a_lost_answer(
    examined: ExaminedPlatform, server: JobberServer, owner: Owner, step: str
) -> None:
    if step == "clientEdit":
        owner.adds_client("John", "Smith", phone=str(JOHN.phone))
    noted = replace(JOHN, notes="Two dogs")
    server.jobber.lost.append(step)
    with pytest.raises(ProviderDown):
        await put(examined, noted)
    assert not (await put(examined, noted))[1]
    (client,) = owner.clients
    assert [each.address for each in client.emails] == [JOHN.email]
    assert [each.number for each in client.phones] == [JOHN.phone]
    # Notes cannot be read back: one whose answer was lost is there twice.
    assert len(client.notes) == (2 if step == "clientCreateNote" else 1)


async def test_nothing_new_is_no_mutation(
    examined: ExaminedPlatform, server: JobberServer
) -> None:
    await put(examined, JOHN)
    server.jobber.done.clear()
    await put(examined, JOHN)
    assert server.jobber.done == []


async def test_new_name_and_address(examined: ExaminedPlatform, owner: Owner) -> None:
    await put(examined, JOHN)
    moved = replace(JOHN, name="John Q. Smith", address="7 Oak Ave")
    assert not (await put(examined, moved))[1]
    (client,) = owner.clients
    assert client.name == "John Q. Smith"
    streets = [each.address["street1"] for each in client.properties]
    assert streets == ["123 Main St", "7 Oak Ave"]


async def test_parts_of_an_address(examined: ExaminedPlatform, owner: Owner) -> None:
    at_home = "1 Elm St, Unit 5, Toronto, Ontario M5V 2T6, Canada"
    await put(examined, replace(JOHN, address=at_home))
    ((place,),) = (each.properties for each in owner.clients)
    parts = ("1 Elm St", "Unit 5", "Toronto", "Ontario", "M5V 2T6")
    names = ("street1", "street2", "city", "province", "postalCode")
    assert place.address == dict(zip(names, parts, strict=True))
    await put(examined, replace(JOHN, address=at_home.replace(", Unit", " Unit")))
    assert len(owner.clients[0].properties) == 1


async def test_address_of_one_who_has_several(
    examined: ExaminedPlatform, owner: Owner
) -> None:
    """Nobody can tell at which of them a visit is; one that stands for none is none."""
    number, _ = await put(examined, JOHN)

    async def address() -> str | None:
        found = await examined.platform.customer(
            examined.access, number, seconds=SECONDS
        )
        assert found is not None
        return found.address

    assert await address() == JOHN.address
    await put(examined, replace(JOHN, address="7 Oak Ave"))
    assert await address() is None
    (client,) = owner.clients
    del client.properties[1]
    client.properties[0].address.update(street1=UNKNOWN)
    assert await address() is None
