"""One-line addresses, as the tenant API has them, in the parts that jobs need.

What reads them is `pyap2`, for addresses of the United States and Canada. It wants a
street, a city and a state or province. Whatever it cannot make out whole stays whole,
as the street: nothing is guessed, and nothing of what somebody wrote is lost.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

import pyap
from pyap.address import Address as Found

NO_ADDRESS: Final = "No address given"
"""Stands for the street where nobody told one: a job cannot be without."""
_COUNTRIES: Final = ("US", "CA")
_LONGEST: Final = 300
"""Of what is longer nothing is made out: reading it could take too long."""
_COUNTRY_NAMES: Final = {"us", "usa", "u.s.a.", "united states", "ca", "canada"}


@dataclass(frozen=True, slots=True)
class Address:
    """An address in Housecall Pro's parts, empty where the text had none."""

    street: str
    street_line_2: str = ""
    city: str = ""
    state: str = ""
    zip: str = ""
    country: str = ""

    @property
    def body(self) -> dict[str, str]:
        """Return it as requests have it."""
        found = asdict(self)
        if not found["street_line_2"]:
            del found["street_line_2"]  # the one that may be left out
        return found

    @property
    def key(self) -> tuple[str, ...]:
        """Return what is equal for two ways to write the same address."""
        parts = (self.street, self.street_line_2, self.city, self.state, self.zip)
        return tuple("".join(filter(str.isalnum, each.casefold())) for each in parts)

    @property
    def line(self) -> str:
        """Return it in one line, as the tenant API has it."""
        street = " ".join(filter(None, (self.street, self.street_line_2)))
        state = " ".join(filter(None, (self.state, self.zip)))
        return ", ".join(filter(None, (street, self.city, state)))


def parse_address(text: str) -> Address:
    """Return the parts of an address; all of it as the street where there are none."""
    line = " ".join(text.split())
    for country in _COUNTRIES if len(line) <= _LONGEST else ():
        found = pyap.parse(line, country=country)
        if len(found) == 1 and _is_all(line, found[0]):
            return _address_of(found[0], country)
    return Address(line)


def _is_all(line: str, found: Found) -> bool:
    """Tell whether nothing but a country's name is left beside what was made out."""
    rest = line.replace(found.full_address, "").strip(" ,.")
    return found.full_address in line and (
        not rest or rest.casefold() in _COUNTRY_NAMES
    )


def _address_of(found: Found, country: str) -> Address:
    street, unit = found.full_street or "", found.occupancy or ""
    if unit and street.endswith(unit):
        street = street.removesuffix(unit)
    else:
        unit = ""
    return Address(
        street.strip(" ,"),
        unit.strip(" ,"),
        found.city or "",
        found.region1 or "",
        found.postal_code or "",
        country,
    )


def read_address(told: Mapping[str, str | None] | None) -> Address | None:
    """Return an address as Housecall Pro tells it; None where it has no street."""
    if told is None or told.get("street") in (None, "", NO_ADDRESS):
        return None
    names = ("street", "street_line_2", "city", "state", "zip", "country")
    return Address(*(str(told.get(name) or "") for name in names))
