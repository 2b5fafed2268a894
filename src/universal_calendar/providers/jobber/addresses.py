"""One-line addresses, as the tenant API has them, in the parts that Jobber keeps.

What is made out is a street, a city, and a state or province with its code, of the
United States or Canada. Whatever is written otherwise stays whole, as the street:
nothing is guessed, and nothing of what somebody wrote is lost.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

UNKNOWN: Final = "No address given"
"""The street of a property whose address nobody told us."""
_COUNTRIES: Final = {"us", "usa", "u.s.a.", "united states", "ca", "canada"}
_POSTAL: Final = r"\d{5}(?:-\d{4})?|[A-Za-z]\d[A-Za-z] ?\d[A-Za-z]\d"
_REGION: Final = re.compile(rf"([A-Za-z][A-Za-z .]{{1,30}}?) ({_POSTAL})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Address:
    """An address in Jobber's parts, empty where there is none."""

    street: str
    city: str = ""
    province: str = ""
    postal_code: str = ""

    @property
    def body(self) -> dict[str, str]:
        """Return it as AddressAttributes."""
        parts = {
            "street1": self.street,
            "city": self.city,
            "province": self.province,
            "postalCode": self.postal_code,
        }
        return {name: text for name, text in parts.items() if text}

    @property
    def line(self) -> str:
        """Return it in one line."""
        region = " ".join(filter(None, (self.province, self.postal_code)))
        return ", ".join(filter(None, (self.street, self.city, region)))

    @property
    def is_known(self) -> bool:
        """Tell whether somebody told it."""
        return bool(self.street) and self.street != UNKNOWN

    def is_same(self, other: "Address") -> bool:
        """Tell whether it is the same place, however its parts are written.

        Jobber may write a province out: where both have postal codes, those count.
        """
        if _key(self.street) != _key(other.street):
            return False
        if self.postal_code and other.postal_code:
            return _key(self.postal_code) == _key(other.postal_code)
        return _key(self.city) == _key(other.city)


def _key(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


def parse_address(text: str) -> Address:
    """Return the parts of an address; all of it as the street where there are none."""
    line = " ".join(text.split())
    parts = [each.strip() for each in line.split(",")]
    if len(parts) > 3 and parts[-1].casefold() in _COUNTRIES:
        del parts[-1]
    region = _REGION.fullmatch(parts[-1])
    if len(parts) < 3 or region is None or not all(parts):
        return Address(line)
    return Address(", ".join(parts[:-2]), parts[-2], region[1], region[2])


def read_address(told: Mapping[str, str | None] | None) -> Address:
    """Return an address as Jobber tells it."""
    found = told or {}
    streets = (found.get(name) for name in ("street1", "street2"))
    rest = (str(found.get(name) or "") for name in ("city", "province", "postalCode"))
    return Address(" ".join(str(each) for each in streets if each), *rest)
