"""Customers in Housecall Pro's words; no I/O."""

from collections.abc import Mapping, Sequence
from typing import Final

from universal_calendar.providers._addresses import Address, read_address
from universal_calendar.providers._json import Json, id_of, text_of
from universal_calendar.providers._phones import international
from universal_calendar.services.ports.visits import Customer, Technician

_PHONES: Final = ("mobile_number", "home_number", "work_number")
_UNIT: Final = "street_line_2"
_ADDRESS: Final = ("street", _UNIT, "city", "state", "zip", "country")


def has_phone(told: Json, phone: str | None) -> bool:
    """Tell whether one of a customer's numbers is this one."""
    wanted = international(phone)
    return wanted is not None and wanted in [
        international(told.get(name)) for name in _PHONES
    ]


def has_email(told: Json, email: str | None) -> bool:
    """Tell whether it is the customer's address."""
    known = str(told.get("email") or "").strip().casefold()
    return bool(known) and known == (email or "").strip().casefold()


def name_of(told: Json) -> str | None:
    """Return a person's name, or else their company's."""
    both = (text_of(told.get(each)) for each in ("first_name", "last_name"))
    return " ".join(filter(None, both)) or text_of(told.get("company"))


def customer_of(told: Json, address: Json | None) -> Customer:
    """Return a customer as the platform tells of them, with this address."""
    place = address_of(address)
    phones = (international(told.get(name)) for name in _PHONES)
    return Customer(
        name_of(told),
        next((each for each in phones if each), None),
        text_of(told.get("email")),
        place.line if place.is_known else None,
        text_of(told.get("notes")),
    )


def address_of(told: Mapping[str, str | None] | None) -> Address:
    """Return an address as it is told, of which nothing may be known."""
    return read_address(told, _ADDRESS)


def address_body(address: Address) -> Json:
    """Return an address as requests have it."""
    found: Json = address.named(_ADDRESS)
    if not found[_UNIT]:
        del found[_UNIT]  # the one that may be left out
    return found


def new_customer(customer: Customer, name: str, notes: str | None) -> Json:
    """Return the body that makes a customer."""
    body = _names(customer.name or name)
    phone = international(customer.phone)
    if phone:
        body["mobile_number"] = phone
    if customer.email:
        body["email"] = customer.email
    if notes:
        body["notes"] = notes
    return body


def changes_of(told: Json, customer: Customer) -> Json:
    """Return the body that updates a customer; empty where there is nothing to do.

    What others wrote into the notes stays: ours are added.
    """
    body: Json = {}
    if customer.name and customer.name != name_of(told):
        body |= _names(customer.name)
    phone = international(customer.phone)
    if phone and not has_phone(told, phone):
        body["mobile_number"] = phone
    if customer.email and not has_email(told, customer.email):
        body["email"] = customer.email
    notes = str(told.get("notes") or "")
    if customer.notes and customer.notes not in notes:
        body["notes"] = f"{notes}\n{customer.notes}".strip()
    return body


def _names(name: str) -> Json:
    first, _, last = " ".join(name.split()).rpartition(" ")
    return {"first_name": first or last, "last_name": last if first else ""}


def technician_of(told: Json) -> Technician:
    """Return an employee; only those who are active are ever told."""
    name = name_of(told) or id_of(told)
    return Technician(id_of(told), name, text_of(told.get("email")))


def ids_of(employees: Sequence[Json] | None) -> tuple[str, ...]:
    """Return the ids of employees."""
    return tuple(id_of(each) for each in employees or ())
