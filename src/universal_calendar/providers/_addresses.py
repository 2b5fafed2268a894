"""One-line addresses, as the tenant API has them, in the parts that platforms keep.

What reads them is `pyap2`, for addresses of the United States and Canada. It wants a
street, a city and a state or province. Whatever it cannot make out whole stays whole,
as the street: nothing is guessed, and nothing of what somebody wrote is lost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Final

import pyap
from pyap.address import Address as Found

UNKNOWN: Final = "No address given"
"""Stands for the street where nobody told one: a job cannot be without."""
_COUNTRIES: Final = ("US", "CA")
_LONGEST: Final = 300
"""Of what is longer nothing is made out: reading it could take too long."""
_COUNTRY_NAMES: Final = {"us", "usa", "u.s.a.", "united states", "ca", "canada"}
_CODE_LENGTH: Final = 2


@dataclass(frozen=True, slots=True)
class Address:
    """An address in parts, empty where the text had none."""

    street: str
    unit: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: str = ""

    def named(self, names: Sequence[str]) -> dict[str, str]:
        """Return its parts by a platform's names, in the order of ours."""
        return dict(zip(names, astuple(self), strict=False))

    @property
    def line(self) -> str:
        """Return it in one line, as the tenant API has it."""
        street = " ".join(filter(None, (self.street, self.unit)))
        state = " ".join(filter(None, (self.state, self.postal_code)))
        return ", ".join(filter(None, (street, self.city, state)))

    @property
    def is_known(self) -> bool:
        """Tell whether somebody told it."""
        return self.street not in ("", UNKNOWN)

    def is_same(self, other: "Address") -> bool:
        """Tell whether it is the same place, however its parts are written.

        Platforms may write a state out: where both have postal codes, those count.
        """
        if _key(self.street + self.unit) != _key(other.street + other.unit):
            return False
        if self.postal_code and other.postal_code:
            return _key(self.postal_code) == _key(other.postal_code)
        return _key(self.city) == _key(other.city) and self._may_share_state(other)

    def _may_share_state(self, other: "Address") -> bool:
        states = [_key(each.state) for each in (self, other)]
        # A code beside a name, or beside nothing, says neither yes nor no.
        codes = [len(each) == _CODE_LENGTH for each in states]
        return states[0] == states[1] or codes[0] != codes[1] or "" in states


def _key(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


def read_address(
    told: Mapping[str, str | None] | None, names: Sequence[str]
) -> Address:
    """Return an address whose parts a platform tells by these names."""
    found = told or {}
    return Address(*(str(found.get(name) or "").replace("\0", "") for name in names))


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
