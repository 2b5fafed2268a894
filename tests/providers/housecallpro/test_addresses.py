"""One-line addresses in parts."""

import time

import pytest

from universal_calendar.providers.housecallpro.addresses import Address, parse_address

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
}
LEFT_WHOLE = [
    "742 Evergreen Terrace",
    "12 Straße",
    "New York, NY",
    "the blue house behind the church",
    "12B Baker Street, London NW1 6XE",
    "1 Main St, Austin, TX 78701 ring twice",
    "1 Main St, Austin, TX 78701 and 2 Oak St, Austin, TX 78701",
    "No address given",
]


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
    assert (again.key, again.city, again.zip) == (found.key, found.city, found.zip)


@pytest.mark.parametrize(
    "text", ["1 " * 500, "One Two " * 125, "12 N W " * 140, "1 Main St " * 100]
)
def test_hostile_text_takes_no_time(text: str) -> None:
    parse_address("1 Main St, Austin, TX")  # what reads it is made ready once
    began = time.perf_counter()
    for length in (1000, 300, 250):
        parse_address(text[:length])
    assert time.perf_counter() - began < 1


def test_same_address_written_otherwise() -> None:
    key = parse_address("123 Main St., Los Angeles, CA 90210").key
    assert parse_address("123 main st, los angeles, ca 90210").key == key
    assert parse_address("124 Main St, Los Angeles, CA 90210").key != key
