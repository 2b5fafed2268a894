"""Customers in Housecall Pro's words; no I/O.

Its numbers are of the United States or Canada unless they say otherwise.
"""

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import phonenumbers

from universal_calendar.core.phone import normalized_phone
from universal_calendar.providers.housecallpro.addresses import read_address
from universal_calendar.services.ports.visits import Customer, Technician

Json: TypeAlias = dict[str, Any]
_REGION: Final = "US"
_PHONES: Final = ("mobile_number", "home_number", "work_number")


def international(text: str | None) -> str | None:
    """Return a number as it is compared: E.164 where it can be read, else digits."""
    if not text:
        return None
    try:
        number = phonenumbers.parse(text, _REGION)
    except phonenumbers.NumberParseException:
        return normalized_phone(text) or None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def searched_phone(text: str) -> str:
    """Return what finds a number, however it is written there: without its country."""
    try:
        number = phonenumbers.parse(text, _REGION)
    except phonenumbers.NumberParseException:
        return normalized_phone(text)
    return phonenumbers.national_significant_number(number)


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


def text_of(told: object) -> str | None:
    """Return a text without what no database keeps, None for an empty one."""
    return str(told).replace("\0", "") or None if told else None


def name_of(told: Json) -> str | None:
    """Return a person's name, or else their company's."""
    both = (text_of(told.get(each)) for each in ("first_name", "last_name"))
    return " ".join(filter(None, both)) or text_of(told.get("company"))


def customer_of(told: Json, address: Json | None) -> Customer:
    """Return a customer as the platform tells of them, with this address."""
    found = read_address(address)
    phones = (international(told.get(name)) for name in _PHONES)
    return Customer(
        name_of(told),
        next((each for each in phones if each), None),
        text_of(told.get("email")),
        found.line if found else None,
        text_of(told.get("notes")),
    )


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


def id_of(told: Json) -> str:
    """Return the id of anything; raise ValueError for what can be none."""
    found = told["id"]
    if not isinstance(found, str) or not found or "\0" in found:
        raise ValueError("an id is a text that is not empty")
    return found


def ids_of(employees: Sequence[Json] | None) -> tuple[str, ...]:
    """Return the ids of employees."""
    return tuple(id_of(each) for each in employees or ())
