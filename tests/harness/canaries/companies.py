"""Companies at platforms, full of canaries, and what they do there."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Protocol
from urllib.parse import urlsplit

from tests.harness.canaries.strings import Canaries
from tests.providers.housecallpro.server import FakeHousecallPro
from tests.providers.housecallpro.webhooks import signed
from tests.providers.jobber.hooks import body_of
from tests.providers.jobber.server import JobberServer
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import HOUR, from_datetime
from universal_calendar.core.interval import Interval

Json = dict[str, Any]

_PLENTY = 1_000_000.0
_NAMES = ("first_name", "last_name")


class Company(Protocol):
    """A company at a platform; whatever people there write is a canary."""

    slug: str
    technician_id: str
    customer_id: str

    @property
    def settings(self) -> Mapping[str, str]:
        """Return those of a service that is to find the platform."""

    def credentials(self) -> Mapping[str, str]:
        """Return what opens the account, as requests to connect it name it."""

    def secrets(self) -> Sequence[str]:
        """Return all that opened the account at any time, and what signs webhooks."""

    def opens(self) -> None:
        """Let people work there: technicians, a customer, jobs."""

    def tells(self, url: str) -> None:
        """Tell this URL of everything from now on."""

    def delivery(self, kind: str, item: str, told: Json, account: str = "") -> bytes:
        """Return what a webhook says of an item; `told` is all else that it says."""

    def signed(self, content: bytes) -> Mapping[str, str]:
        """Return the headers that prove a delivery."""

    def renames_everybody(self) -> None:
        """Call each customer something else."""

    def expires(self) -> None:
        """Let what opens the account be renewed, where it can be."""

    def dies(self) -> int:
        """Listen no more; return the port that is free now."""

    def rises(self) -> None:
        """Listen again."""

    def memory(self) -> bytes:
        """Return all that is known there."""


class _Writes:
    """What people at a company write, each time something that nobody has written."""

    def __init__(self, slug: str, canaries: Canaries) -> None:
        self.slug, self.canaries = slug, canaries

    def word(self, what: str) -> str:
        return self.canaries.text(f"{self.slug} {what}")

    def phone(self) -> str:
        return self.canaries.phone(f"{self.slug} customer phone")

    def email(self) -> str:
        return self.canaries.email(f"{self.slug} customer email")


def _tomorrow(hour: int) -> Interval:
    """Return a time before all that are booked by the flood."""
    day = utc_now().replace(hour=0, minute=0, second=0, microsecond=0)
    start = from_datetime(day + timedelta(days=1, hours=hour))
    return Interval(start, start + HOUR)


class JobberCompany:
    """A company at Jobber."""

    slug = "jobber"

    def __init__(self, server: JobberServer, canaries: Canaries) -> None:
        self._server, self._writes = server, _Writes(self.slug, canaries)
        name, owner = (self._writes.word(each) for each in ("company", "owner"))
        self.owner = server.open(name, "America/Los_Angeles", owner)
        self.owner.has_points(10_000, a_second=_PLENTY)
        self.technician_id = self.customer_id = ""
        self._used = set[str]()

    @property
    def settings(self) -> Mapping[str, str]:
        return self._server.settings | {"JOBBER_RATE_LIMIT": "1000000"}

    def credentials(self) -> Mapping[str, str]:
        return {"apiKey": self.owner.api_key(), **self.owner.credentials()}

    def secrets(self) -> Sequence[str]:
        consents = self._server.jobber.consents
        for tokens in (consents.passing, consents.lasting, consents.keys):
            self._used |= tokens.keys()
        return [*self._used, self._server.registration.client_secret]

    def opens(self) -> None:
        write, owner = self._writes, self.owner
        name = write.word("technician")
        self.technician_id = owner.employs(name)
        names = write.word("customer first name"), write.word("customer last name")
        client = owner.adds_client(
            *names,
            phone=write.phone(),
            email=write.email(),
            street=write.word("customer street"),
        )
        self.customer_id = client.id
        note, instructions = write.word("customer note"), write.word("job instructions")
        visit = owner.adds_visit(
            _tomorrow(9), name, title=write.word("job title"), client=client, value=9.5
        )
        job = owner.visit(visit).job

        def notes() -> None:
            client.notes.append(note)
            job.instructions = instructions

        owner.do(notes)
        owner.adds_visit(_tomorrow(11), title=write.word("job title"), client=client)
        owner.adds_item("Event", _tomorrow(13), name, title=write.word("event title"))

    def tells(self, url: str) -> None:
        def listen() -> None:
            self._server.jobber.hooks.url = url

        self._server.do(listen)

    def delivery(self, kind: str, item: str, told: Json, account: str = "") -> bytes:
        topics = {"customer": "CLIENT_UPDATE", "job": "VISIT_UPDATE"}
        whose = account or self.owner.account
        body = json.loads(body_of(topics.get(kind, kind), whose, item))
        body["data"]["webHookEvent"] |= told
        return json.dumps(body).encode()

    def signed(self, content: bytes) -> Mapping[str, str]:
        return self._server.jobber.hooks.signed(content).headers

    def renames_everybody(self) -> None:
        for each in self.owner.clients:
            name = f"{self._writes.word('new name')} {self._writes.word('new name')}"
            self.owner.edits_client(each, name=name)

    def expires(self) -> None:
        self.secrets()
        self.owner.expires_tokens()

    def dies(self) -> int:
        self._do(self._server.jobber.wire.die)
        return _port_of(self._server.url)

    def rises(self) -> None:
        self._do(self._server.jobber.wire.rise)

    def memory(self) -> bytes:
        return repr((self.owner.clients, self.owner.jobs)).encode()

    def _do(self, act: Callable[[], object]) -> None:
        self._server.do(act)


class HousecallProCompany:
    """A company at Housecall Pro."""

    slug = "housecallpro"

    def __init__(self, house: FakeHousecallPro, canaries: Canaries) -> None:
        self._house, self._writes = house, _Writes(self.slug, canaries)
        house.company.name = self._writes.word("company")
        self.technician_id = self.customer_id = ""

    @property
    def settings(self) -> Mapping[str, str]:
        return self._house.environment | {"HOUSECALLPRO_RATE_LIMIT": "1000000"}

    def credentials(self) -> Mapping[str, str]:
        return {"apiKey": self._house.api_key, "companyId": self._house.company_id}

    def secrets(self) -> Sequence[str]:
        return [*self._house.keys, *self._house.tokens, self._house.webhook_secret]

    def opens(self) -> None:
        write, owner = self._writes, self._house.owner
        self.technician_id = owner.hires(
            f"{write.word('technician')} {write.word('technician')}"
        )
        address = {
            "street": write.word("customer street"),
            "city": write.word("customer city"),
            "state": "CA",
            "zip": "90210",
            "country": "US",
        }
        self.customer_id = owner.adds_customer(
            address,
            first_name=write.word("customer first name"),
            last_name=write.word("customer last name"),
            mobile_number=write.phone(),
            email=write.email(),
            company=write.word("customer company"),
            notes=write.word("customer note"),
        )
        for hour, technicians in ((9, [self.technician_id]), (11, [])):
            job = owner.adds_job(
                _tomorrow(hour),
                *technicians,
                title=write.word("job title"),
                customer_id=self.customer_id,
            )
            with self._house.lock:
                self._house.company.add_note(owner.job(job), write.word("job note"))
        owner.adds_event(_tomorrow(13), self.technician_id)

    def tells(self, url: str) -> None:
        self._house.webhooks.url = url

    def delivery(self, kind: str, item: str, told: Json, account: str = "") -> bytes:
        events = {"customer": "customer.updated", "job": "job.scheduled"}
        body = {
            "event": events.get(kind, kind),
            "event_occurred_at": utc_now().isoformat(),
            "company_id": account or self._house.company_id,
            kind: {"id": item, **told},
        }
        return json.dumps(body).encode()

    def signed(self, content: bytes) -> Mapping[str, str]:
        return signed(self._house.webhook_secret, content)

    def renames_everybody(self) -> None:
        for each in list(self._house.company.customers):
            names = {name: self._writes.word("new name") for name in _NAMES}
            self._house.owner.edits_customer(each, **names)

    def expires(self) -> None:
        """Do nothing: its keys last."""

    def dies(self) -> int:
        self._house.dies()
        return _port_of(self._house.url)

    def rises(self) -> None:
        self._house.rises()

    def memory(self) -> bytes:
        with self._house.lock:
            return repr(self._house.company).encode()


def _port_of(url: str) -> int:
    return urlsplit(url).port or 0
