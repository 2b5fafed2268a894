"""One-line addresses in parts, and when two are the same place."""

import time

import pytest

from universal_calendar.providers._addresses import (
    UNKNOWN,
    Address,
    parse_address,
    read_address,
)

READ = {
    # The specification's own.
    "123 Main St, Los Angeles, CA 90210": (
        Address("123 Main St", "", "Los Angeles", "CA", "90210", "US")
    ),
    "123 Main St, Los Angeles, CA": (
        Address("123 Main St", "", "Los Angeles", "CA", "", "US")
    ),
    "123 Main St Los Angeles CA 90210": (
        Address("123 Main St", "", "Los Angeles", "CA", "90210", "US")
    ),
    "12 Elm Avenue Apt 4B, Springfield, Illinois 62704": (
        Address("12 Elm Avenue", "Apt 4B", "Springfield", "Illinois", "62704", "US")
    ),
    "225 E. John Carpenter Freeway, Suite 1500, Irving, Texas 75062": Address(
        "225 E. John Carpenter Freeway", "Suite 1500", "Irving", "Texas", "75062", "US"
    ),
    "500 W 5th St #200, Austin TX 78701": (
        Address("500 W 5th St", "#200", "Austin", "TX", "78701", "US")
    ),
    "PO Box 12, Reno, NV 89501": Address("PO Box 12", "", "Reno", "NV", "89501", "US"),
    "1600 Pennsylvania Ave NW, Washington, DC 20500-0003, USA": Address(
        "1600 Pennsylvania Ave NW", "", "Washington", "DC", "20500-0003", "US"
    ),
    "1 Broadway,\n New York, NY, 10004": (
        Address("1 Broadway", "", "New York", "NY", "10004", "US")
    ),
    "10 King Street West, Toronto, ON M5H 1A1, Canada": (
        Address("10 King Street West", "", "Toronto", "ON", "M5H 1A1", "CA")
    ),
    "1 Elm St, Unit 5,  Toronto, Ontario M5V 2T6, Canada": (
        Address("1 Elm St", "Unit 5", "Toronto", "Ontario", "M5V 2T6", "CA")
    ),
}
LEFT_WHOLE = [
    "742 Evergreen Terrace",
    "12 Straße",
    "New York, NY",
    "CA 90210",
    ", , CA 90210",
    "the blue house behind the church",
    "12B Baker Street, London NW1 6XE",
    "1 Main St, Austin, TX 78701 ring twice",
    "1 Main St, Austin, TX 78701 and 2 Oak St, Austin, TX 78701",
    UNKNOWN,
]
HOME = "123 Main St, Los Angeles, CA 90210"


@pytest.mark.parametrize(("text", "address"), READ.items())
def test_address_that_is_read(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", LEFT_WHOLE)
def test_address_that_is_left_whole(text: str) -> None:
    assert parse_address(text) == Address(text)


@pytest.mark.parametrize("text", [*READ, *LEFT_WHOLE])
def test_line_is_read_as_the_same(text: str) -> None:
    found = parse_address(text)
    again = parse_address(found.line)
    assert again.is_same(found)
    assert (again.city, again.postal_code) == (found.city, found.postal_code)


@pytest.mark.parametrize(
    "text", ["1 " * 500, "One Two " * 125, "12 N W " * 140, "1 Main St " * 100]
)
def test_hostile_text_takes_no_time(text: str) -> None:
    parse_address("1 Main St, Austin, TX")  # what reads it is made ready once
    began = time.perf_counter()
    for length in (1000, 300, 250):
        parse_address(text[:length])
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        (HOME, "123 main st., los angeles, ca 90210, USA", True),
        (HOME, "123 MAIN ST, L.A., California 90210", True),
        (HOME, "123 Main St, Los Angeles, CA 90211", False),
        (HOME, "124 Main St, Los Angeles, CA 90210", False),
        (HOME, "123 Main St", False),
        (HOME, "123 Main St, Los Angeles, California", True),
        (HOME, "123 Main St, Portland, CA", False),
        ("1 Elm St, Portland, OR", "1 Elm St, Portland, Oregon", True),
        ("1 Elm St, Portland, OR", "1 Elm St, Portland, ME", False),
        ("1 Elm St, Portland, Oregon", "1 Elm St, Portland, Maine", False),
        ("12 Elm Ave Apt 4B, Reno, NV", "12 Elm Ave, Apt 4B, Reno, NV", True),
        ("12 Elm Ave Apt 4B, Reno, NV", "12 Elm Ave Apt 4C, Reno, NV", False),
        ("12 Straße", "12 STRASSE", True),
    ],
)
def test_same_place(one: str, other: str, is_same: bool) -> None:
    first, second = parse_address(one), parse_address(other)
    assert first.is_same(second) is second.is_same(first) is is_same


def test_parts_by_a_platforms_names() -> None:
    names = ("street1", "street2", "city", "province", "zip")
    told = {"street1": "1 Elm\0 St", "street2": "Unit 5", "city": None, "more": "x"}
    found = read_address(told, names)
    assert found == Address("1 Elm St", "Unit 5")
    assert found.line == "1 Elm St Unit 5"
    assert found.named(names) == dict(zip(names, ["1 Elm St", "Unit 5", *[""] * 3], strict=True))  # fmt: skip  # noqa: E501
    # Platforms need not tell a unit apart from its street.
    assert found.is_same(Address("1 Elm St Unit 5"))


@pytest.mark.parametrize("told", [None, {}, {"street": None}, {"street": UNKNOWN}])
def test_place_that_nobody_told(told: dict[str, str | None] | None) -> None:
    assert not read_address(told, ("street", "unit")).is_known
    assert read_address({"street": "1 Elm St"}, ("street", "unit")).is_known
