"""Customers and their addresses: found, or made; a repetition makes no second one."""

from collections.abc import AsyncIterator, Callable
from typing import Final

from universal_calendar.core.provider_errors import ProviderDown
from universal_calendar.providers._addresses import UNKNOWN, parse_address
from universal_calendar.providers._http import json_of
from universal_calendar.providers._json import Json, id_of
from universal_calendar.providers._phones import international, searched
from universal_calendar.providers.housecallpro import people
from universal_calendar.providers.housecallpro.api import Ask, Question, path_of
from universal_calendar.services.ports.visits import Customer, PutCustomer

PAGE_SIZE: Final = 200
NEWEST: Final = (("sort_by", "created_at"), ("sort_direction", "desc"))
NO_NAME: Final = "Unknown"


class Customers:
    """The customers of one company, for one call."""

    def __init__(self, ask: Ask) -> None:
        """Take what asks."""
        self._ask = ask

    async def find(self, customer: Customer, ref: str = "") -> Json | None:
        """Return the customer with this phone, else with this e-mail.

        With neither, the one of this name whose notes have `ref`: whom we made.
        """
        phone, email = international(customer.phone), customer.email
        found = None
        if phone:
            text = searched(phone)
            found = await self._first(text, lambda each: people.has_phone(each, phone))
        if found is None and email:
            found = await self._first(email, lambda each: people.has_email(each, email))
        if not phone and not email and ref and customer.name:
            found = await self._first(
                customer.name, lambda each: ref in str(each.get("notes") or "")
            )
        return found

    async def _first(self, text: str, is_it: Callable[[Json], bool]) -> Json | None:
        """Return the oldest that fits: what is searched for is found by likeness."""
        parameters = (("q", text), ("sort_by", "created_at"), ("sort_direction", "asc"))
        question = Question("GET", "/customers", parameters)
        async for each in entries(self._ask, question, "customers"):
            if is_it(each):
                return each
        return None

    async def newest(self, ref: str) -> Json | None:
        """Return whom we made with this reference, whatever they are called now."""
        async for each in newest(self._ask, "customers"):
            if ref in str(each.get("notes") or ""):
                return each
        return None

    async def make(self, customer: Customer, name: str, ref: str = "") -> Json:
        """Make a customer, called so where nobody told their name."""
        is_findable = international(customer.phone) or customer.email
        notes = (customer.notes, None if is_findable else ref)
        text = "\n".join(filter(None, notes)) or None
        body = people.new_customer(customer, name, text)
        return json_of(await self._ask(Question("POST", "/customers", body=body)))

    async def address_id(self, customer: Json, text: str | None) -> str:
        """Return the customer's address that the text tells, made if there is none.

        Without a text the first address that they have.
        """
        known = [each for each in customer.get("addresses") or () if each.get("id")]
        text = (text or "").strip()
        if not text and known:
            return id_of(known[0])
        wanted = parse_address(text or UNKNOWN)
        for each in known:
            if people.address_of(each).is_same(wanted):
                return id_of(each)
        path = path_of("customers", id_of(customer), "addresses")
        answer = await self._ask(
            Question("POST", path, body=people.address_body(wanted))
        )
        return id_of(json_of(answer))

    async def put(self, customer: Customer) -> PutCustomer:
        """Find the customer and update them, or make them."""
        found = await self.find(customer)
        told = found or await self.make(customer, NO_NAME)
        customer_id = id_of(told)
        changes = people.changes_of(told, customer) if found else {}
        if changes:
            path = path_of("customers", customer_id)
            await self._ask(Question("PUT", path, body=changes))
        if customer.address and customer.address.strip():
            await self.address_id(told, customer.address)
        return PutCustomer(customer_id, is_new=found is None)

    async def read(self, customer_id: str) -> Customer | None:
        """Return a customer as they are now; None: there is none any more."""
        path = path_of("customers", customer_id)
        answer = await self._ask(Question("GET", path, expected=(404, 410)))
        if answer.status != 200:
            return None
        told = json_of(answer)
        addresses = told.get("addresses") or []
        # Of several, nobody can tell at which of them a job is done.
        only = addresses[0] if len(addresses) == 1 else None
        return people.customer_of(told, only)


async def newest(ask: Ask, name: str, *wanted: tuple[str, str]) -> AsyncIterator[Json]:
    """Tell of the entries of a list that were made last, a page of them."""
    paging = (("page", "1"), ("page_size", str(PAGE_SIZE)))
    asked = Question("GET", f"/{name}", (*wanted, *NEWEST, *paging))
    page = json_of(await ask(asked))
    for each in page[name]:
        yield each


async def entries(ask: Ask, question: Question, name: str) -> AsyncIterator[Json]:
    """Ask for page after page of a list, and tell of each entry.

    Raises ProviderDown where there are more entries than pages have.
    """
    number, told, is_more = 1, 0, True
    while is_more:
        paging = (("page", str(number)), ("page_size", str(PAGE_SIZE)))
        asked = Question("GET", question.path, (*question.parameters, *paging))
        page = json_of(await ask(asked))
        for each in page[name]:
            yield each
        number, told = number + 1, told + len(page[name])
        # Pages may be smaller than what was asked for.
        if "total_items" in page:
            is_more = told < int(page["total_items"])
        else:
            is_more = len(page[name]) == PAGE_SIZE
        if is_more and not page[name]:
            raise ProviderDown
