"""The owner's hand at either platform, as tests that follow it want it."""

from collections.abc import Mapping
from typing import Protocol

from tests.providers.housecallpro.server import FakeHousecallPro
from tests.providers.jobber.owner import Owner
from tests.providers.jobber.server import JobberServer
from universal_calendar.core.interval import Interval


class Hand(Protocol):
    """Acts in an account; each act is told by a webhook."""

    slug: str

    @property
    def credentials(self) -> Mapping[str, str]:
        """Return what opens the account."""

    @property
    def statuses(self) -> set[int | str]:
        """Return what its webhooks were answered."""

    def listen(self, url: str) -> None:
        """Have everything told there from now on; to nobody, if it is empty."""

    def adds(self, interval: Interval) -> str:
        """Add a job that nobody is assigned to; return its id."""

    def removes(self, job_id: str) -> None:
        """Take a job off the schedule."""

    def edits(self, customer_id: str, name: str, phone: str) -> None:
        """Change a customer's name and phone."""

    def moves_in(self, customer_id: str, street: str, phone: str) -> None:
        """Give a customer another place before those they have, and a phone."""

    def phone_of(self, customer_id: str) -> str:
        """Return a customer's phone as it is written there."""

    def customer_writes(self) -> int:
        """Return how often a customer was made or changed by the app."""


class HousecallProHand:
    """At Housecall Pro."""

    slug = "housecallpro"

    def __init__(self, house: FakeHousecallPro) -> None:
        """Take whose hand it is."""
        self._house = house

    @property
    def credentials(self) -> Mapping[str, str]:
        """Return a key."""
        return {"apiKey": self._house.api_key}

    @property
    def statuses(self) -> set[int | str]:
        """Return what its webhooks were answered."""
        return set(self._house.webhooks.statuses)

    def listen(self, url: str) -> None:
        """Have everything told there from now on; to nobody, if it is empty."""
        self._house.webhooks.settle()
        self._house.webhooks.url = url or None

    def adds(self, interval: Interval) -> str:
        """Add a job that nobody is assigned to; return its id."""
        return self._house.owner.adds_job(interval)

    def removes(self, job_id: str) -> None:
        """Take a job off the schedule."""
        self._house.owner.unschedules(job_id)

    def edits(self, customer_id: str, name: str, phone: str) -> None:
        """Change a customer's name and phone."""
        first, _, last = name.partition(" ")
        self._house.owner.edits_customer(
            customer_id, first_name=first, last_name=last, mobile_number=phone
        )

    def moves_in(self, customer_id: str, street: str, phone: str) -> None:
        """Give a customer another place before those they have, and a phone."""
        known = self._house.owner.customer(customer_id)
        place = {**known.addresses[0], "id": "adr_first", "street": street}
        known.addresses.insert(0, place)
        self._house.owner.edits_customer(customer_id, mobile_number=phone)

    def phone_of(self, customer_id: str) -> str:
        """Return a customer's phone as it is written there."""
        return str(self._house.owner.customer(customer_id).fields["mobile_number"])

    def customer_writes(self) -> int:
        """Return how often a customer was made or changed by the app."""
        asked = self._house.counted().items()
        return sum(
            count
            for name, count in asked
            if "/customers" in name and not name.startswith("GET")
        )


class JobberHand:
    """At Jobber."""

    slug = "jobber"

    def __init__(self, server: JobberServer, owner: Owner) -> None:
        """Take whose hand it is."""
        self._server, self._owner = server, owner

    @property
    def credentials(self) -> Mapping[str, str]:
        """Return tokens as an owner's consent gives them."""
        return self._owner.credentials()

    @property
    def statuses(self) -> set[int | str]:
        """Return what its webhooks were answered."""
        return set(self._server.jobber.hooks.answers)

    def listen(self, url: str) -> None:
        """Have everything told there from now on; to nobody, if it is empty."""
        self._server.run(self._server.jobber.hooks.close())
        self._server.jobber.hooks.url = url

    def adds(self, interval: Interval) -> str:
        """Add a visit that nobody is assigned to; return its id."""
        return self._owner.adds_visit(interval)

    def removes(self, job_id: str) -> None:
        """Delete a visit."""
        self._owner.deletes(job_id)

    def edits(self, customer_id: str, name: str, phone: str) -> None:
        """Change a client's name and phone."""
        (client,) = [each for each in self._owner.clients if each.id == customer_id]
        self._owner.edits_client(client, phone=phone, name=name)

    def moves_in(self, customer_id: str, street: str, phone: str) -> None:
        """Give a client another property before those they have, and a phone."""
        (client,) = [each for each in self._owner.clients if each.id == customer_id]

        def add() -> None:
            self._owner.company.add_property(
                client, street1=street, city="Springfield", postalCode="90210"
            )
            client.properties.insert(0, client.properties.pop())

        self._owner.do(add)
        self._owner.edits_client(client, phone=phone)

    def phone_of(self, customer_id: str) -> str:
        """Return a client's phone as it is written there."""
        (client,) = [each for each in self._owner.clients if each.id == customer_id]
        return client.phones[0].number

    def customer_writes(self) -> int:
        """Return how often a client was made or changed by the app."""
        names = {"clientCreate", "clientEdit", "propertyCreate", "propertyEdit"}
        return sum(each in names for each in self._server.jobber.done)

    def leaves(self) -> None:
        """Take the app's access away."""
        self._owner.disconnects()
