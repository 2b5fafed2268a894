"""Jobber's clients: found by phone, then by e-mail, and made where there is none.

Jobber searches generously, so what it finds is compared here. Whoever has neither phone
nor e-mail is known by the name alone, to be the client of that name who has neither.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from universal_calendar.core.instant import Instant, instant_text
from universal_calendar.core.retry import SECOND
from universal_calendar.providers._addresses import UNKNOWN, parse_address
from universal_calendar.providers._json import Json, id_of
from universal_calendar.providers._phones import international, searched
from universal_calendar.providers.jobber.api import Ask
from universal_calendar.providers.jobber.documents import (
    CLIENT,
    EDIT_CLIENT,
    FIND,
    MAKE_CLIENT,
    MAKE_PROPERTY,
    NOTE_CLIENT,
    PROPERTIES,
)
from universal_calendar.providers.jobber.mapping import (
    address_body,
    address_of,
    customer_of,
)
from universal_calendar.services.ports.visits import Customer, PutCustomer

_NOBODY: Final = "No name given"


@dataclass(frozen=True, slots=True)
class Found:
    """What one search found: a client, and jobs with a visit at a time."""

    client: Json | None
    jobs: Sequence[Json] = field(default=())


class Customers:
    """The clients of one account, for one call."""

    def __init__(self, ask: Ask) -> None:
        """Take what asks Jobber."""
        self._ask = ask

    async def find(self, customer: Customer, start: Instant | None = None) -> Found:
        """Find a client, and besides the jobs whose visits start at this moment."""
        terms = list(_terms(customer))
        (term, fields), (other_term, other_fields) = (*terms, terms[0])[:2]
        data = await self._ask(
            FIND,
            term=term,
            fields=fields,
            otherTerm=other_term,
            otherFields=other_fields,
            hasOther=len(terms) > 1,
            startAt=_around(start or 0),
            hasStart=start is not None,
        )
        clients = [*data["clients"]["nodes"], *_nodes(data, "others")]
        jobs = [each["job"] for each in _nodes(data, "visits")]
        return Found(_match(clients, customer), jobs)

    async def make(self, customer: Customer, address: str | None) -> Json:
        """Make a client; with a property, where an address is given."""
        body: Json = {**_names(customer.name or _NOBODY), **_contacts(customer, "")}
        if address is not None:
            body["properties"] = [{"address": address_body(parse_address(address))}]
        data = await self._ask(MAKE_CLIENT, input=body)
        return dict(data["clientCreate"]["client"])

    async def property_id(self, client: Json, address: str | None) -> str:
        """Return the id of the property at this address, of those told or a new one.

        Without an address it is the client's first.
        """
        places = client["clientProperties"]["nodes"]
        for each in places:
            told = address_of(each["address"])
            if not address or told.is_same(parse_address(address)):
                return id_of(each)
        body = address_body(parse_address(address or UNKNOWN))
        data = await self._ask(MAKE_PROPERTY, id=id_of(client), address=body)
        return id_of(data["propertyCreate"]["properties"][0])

    async def put(self, customer: Customer) -> PutCustomer:
        """Find the client and update; make one if there is none."""
        client = (await self.find(customer)).client
        is_new = client is None
        if client is None:
            client = await self.make(customer, customer.address)
        else:
            await self._update(client, customer)
        number = id_of(client)
        if customer.notes:
            await self._ask(NOTE_CLIENT, id=number, message=customer.notes)
        return PutCustomer(number, is_new)

    async def _update(self, client: Json, customer: Customer) -> None:
        body: Json = _contacts(_news(client, customer), "ToAdd")
        if customer.name and customer.name.split() != client["name"].split():
            body |= _names(customer.name)
        if customer.address and not await self._has(client, customer.address):
            place = address_body(parse_address(customer.address))
            body["propertiesToAdd"] = [{"address": place}]
        if body:
            await self._ask(EDIT_CLIENT, id=id_of(client), input=body)

    async def _has(self, client: Json, address: str) -> bool:
        data = await self._ask(PROPERTIES, id=id_of(client))
        places = data["client"]["clientProperties"]["nodes"]
        sought = parse_address(address)
        return any(address_of(each["address"]).is_same(sought) for each in places)

    async def read(self, client_id: str) -> Customer | None:
        """Return a client as they are now; None: there is none any more."""
        client = (await self._ask(CLIENT, id=client_id))["client"]
        if client is None:
            return None
        places = client["clientProperties"]["nodes"]
        # Of several, nobody can tell at which of them a visit is.
        only = places[0]["address"] if len(places) == 1 else None
        return customer_of(client, only)


def _nodes(data: Json, name: str) -> list[Json]:
    """Return what a search found that may have been left out."""
    return list((data.get(name) or {}).get("nodes", ()))


def _terms(customer: Customer) -> Iterator[tuple[str, list[str]]]:
    """Yield what to search for, and where; one or two."""
    if international(customer.phone):
        yield searched(str(customer.phone)), ["PHONES"]
    if customer.email:
        yield customer.email.strip(), ["EMAILS"]
    if not international(customer.phone) and not customer.email:
        yield customer.name or _NOBODY, ["NAMES"]


def _around(start: Instant) -> dict[str, str]:
    """Return the second in which something starts."""
    edges = (start - SECOND, start + SECOND)
    return dict(zip(("after", "before"), map(instant_text, edges), strict=True))


def _match(clients: Sequence[Json], customer: Customer) -> Json | None:
    there = [each for each in clients if not each["isArchived"]]
    there.sort(key=lambda each: (str(each["createdAt"]), id_of(each)))
    phone, email = international(customer.phone), _folded(customer.email)
    if phone is None and not email:
        return next((each for each in there if _is_namesake(each, customer)), None)
    for each in there:
        if phone is not None and phone in _phones(each):
            return each
    return next((each for each in there if email and email in _emails(each)), None)


def _is_namesake(client: Json, customer: Customer) -> bool:
    name = _folded(customer.name or _NOBODY)
    has_contacts = client["phones"] or client["emails"]
    return _folded(client["name"]) == name and not has_contacts


def _folded(text: str | None) -> str:
    return " ".join((text or "").split()).casefold()


def _phones(client: Json) -> set[str | None]:
    told = (
        each[name]
        for each in client["phones"]
        for name in ("number", "normalizedPhoneNumber")
    )
    return {international(each) for each in told if each}


def _emails(client: Json) -> set[str]:
    return {_folded(each["address"]) for each in client["emails"]}


def _news(client: Json, customer: Customer) -> Customer:
    """Return the phone and the e-mail that a client has not yet."""
    phone, email = customer.phone, customer.email
    return Customer(
        phone=None if international(phone) in _phones(client) else phone,
        email=None if _folded(email) in _emails(client) else email,
    )


def _contacts(customer: Customer, suffix: str) -> Json:
    body: Json = {}
    if customer.phone and international(customer.phone):
        number = customer.phone.strip()
        body[f"phones{suffix}"] = [{"number": number, "primary": True}]
    if customer.email:
        address = customer.email.strip()
        body[f"emails{suffix}"] = [{"address": address, "primary": True}]
    return body


def _names(name: str) -> dict[str, str]:
    first, _, last = " ".join(name.split()).rpartition(" ")
    return {"firstName": first or last, "lastName": last if first else ""}
