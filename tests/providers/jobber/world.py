"""The fake Jobber as the world of an exam, and its owner at the consent page."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from email.utils import format_datetime
from urllib.parse import parse_qs, urlsplit
from uuid import uuid5

import httpx2

from tests.contracts.drafts import TENANT
from tests.contracts.schedules import ExaminedPlatform
from tests.contracts.world import Seen
from tests.providers.google.wire import Answer, Trouble
from tests.providers.jobber.company import Client, Visit
from tests.providers.jobber.owner import Owner
from tests.providers.jobber.server import JobberServer
from tests.providers.means import means_of
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import Instant, from_datetime
from universal_calendar.core.interval import Interval
from universal_calendar.outgoing.http import Sender
from universal_calendar.providers.registry import PROVIDERS
from universal_calendar.services.ports.calendars import Access, PushDelivery
from universal_calendar.services.ports.visits import Customer

SCHEDULE = "schedule"
ZONE = "America/New_York"
NOT_GIVEN = "No address given"
MANY = 1_000_000.0
_MARK = re.compile(r"\s*\[Universal Calendar [^]]*\]$")
# The last step of each thing that is written.
_STEPS = "visitCreate|visitEdit|visitDelete"


@dataclass(frozen=True)
class JobberWorld:
    """Disturbs a fake Jobber from behind."""

    server: JobberServer
    owner: Owner

    def events(self, calendar: str) -> Sequence[Seen]:
        assert calendar == SCHEDULE
        return [_seen(each) for each in self.owner.visits if each.start is not None]

    def owner_adds(self, calendar: str, interval: Interval, **traits: str) -> str:
        assert not traits
        return self.owner.adds_visit(interval)

    def owner_moves(self, calendar: str, event_id: str, interval: Interval) -> None:
        self.owner.moves(event_id, interval)

    def owner_deletes(self, calendar: str, event_id: str) -> None:
        self.owner.deletes(event_id)

    def owner_assigns(self, event_id: str, *technicians: str) -> None:
        self.owner.assigns(event_id, *technicians)

    def owner_unschedules(self, event_id: str) -> None:
        self.owner.moves(event_id, None)

    def employs(self, name: str) -> str:
        return self.owner.employs(name)

    def customers(self) -> Mapping[str, Customer]:
        return {each.id: _customer(each) for each in self.owner.clients}

    def owner_edits_customer(self, customer_id: str, *, email: str) -> None:
        self.owner.edits_client(self._client(customer_id), email=email)

    def owner_deletes_customer(self, customer_id: str) -> None:
        self.owner.removes_client(self._client(customer_id))

    def _client(self, client_id: str) -> Client:
        return next(each for each in self.owner.clients if each.id == client_id)

    def told(self) -> Sequence[PushDelivery]:
        return self.server.do(lambda: list(self.server.jobber.hooks.deliveries))

    def signed(self, content: bytes, at: Instant) -> PushDelivery:
        return self.server.jobber.hooks.signed(content)

    def notes(self, event_id: str) -> str:
        company = self.owner.company
        visits = [*company.visits, *company.deleted]
        return "\n".join(
            note for each in visits if each.id == event_id for note in each.job.notes
        )

    def loses_answers(self, times: int) -> None:
        self.server.jobber.lost += [_STEPS] * times

    def is_slow(self, seconds: float) -> None:
        self._trouble(Trouble(seconds=seconds))

    def hangs(self) -> None:
        self._trouble(Trouble(seconds=3600, is_done=False, is_answered=False))

    def breaks_off(self) -> None:
        self._trouble(Trouble(is_done=False, is_answered=False))

    def fails(self, status: int) -> None:
        self._trouble(Trouble(answer=Answer(status, {"error": "down"})))

    def throttles(self, seconds: int, *, as_date: bool) -> None:
        until = utc_now() + timedelta(seconds=seconds)
        text = format_datetime(until, usegmt=True) if as_date else str(seconds)
        self._trouble(Trouble(answer=Answer(429, {}, {"retry-after": text})))

    def _trouble(self, trouble: Trouble) -> None:
        self.server.do(lambda: self.server.jobber.wire.troubles.append(trouble))

    def expires_tokens(self) -> None:
        self.owner.expires_tokens()

    def revokes(self) -> None:
        self.server.do(lambda: self.server.jobber.consents.end(self.owner.account))

    def forgets_changes(self, calendar: str) -> None:
        """Do nothing: it never knew what changed."""

    def dies(self) -> None:
        self.server.do(self.server.jobber.wire.die)

    def rises(self) -> None:
        self.server.do(self.server.jobber.wire.rise)


def _seen(visit: Visit) -> Seen:
    assert visit.start is not None
    assert visit.end is not None
    street = visit.job.property.address.get("street1")
    details = _MARK.sub("", visit.instructions or "")
    return Seen(
        visit.id,
        str(visit.title),
        details or None,
        None if street == NOT_GIVEN else street,
        Interval(from_datetime(visit.start), from_datetime(visit.end)),
    )


def _customer(client: Client) -> Customer:
    address = client.properties[0].address if client.properties else {}
    region = f"{address.get('province')} {address.get('postalCode')}"
    line = f"{address.get('street1')}, {address.get('city')}, {region}"
    return Customer(
        client.name,
        client.phones[0].number if client.phones else None,
        client.emails[0].address if client.emails else None,
        line if address else None,
    )


@dataclass
class JobberConsent:
    """The owner at Jobber's consent page."""

    owner: Owner
    needed_scope: str = ""

    async def gives(self, url: str, *, unticks: str | None = None) -> str:
        assert unticks is None, "an app is let in with all its scopes, or not at all"
        assert parse_qs(urlsplit(url).query)["response_type"] == ["code"]
        async with httpx2.AsyncClient(trust_env=False) as client:
            answer = await client.post(url, data={"account": self.owner.account})
        return str(answer.headers["location"])


@asynccontextmanager
async def examined_at(
    server: JobberServer, owner: Owner, **secrets: str
) -> AsyncIterator[ExaminedPlatform]:
    """Connect to a company, by OAuth unless other secrets are given."""
    # Exams ask more than a business does.
    owner.has_points(10_000, a_second=MANY)
    sender = Sender(is_guarded=False)
    try:
        means = means_of(
            sender, {"jobber": server.registration}, {"jobber": server.platform}
        )
        provider = PROVIDERS["jobber"](means)
        assert provider is not None
        given = secrets or owner.credentials()
        foreign = dict.fromkeys(given, "a" * 32) | {"expiresAt": "4000000000"}
        access = Access(TENANT, uuid5(TENANT, owner.account), given)
        world = JobberWorld(server, owner)
        yield ExaminedPlatform(
            provider,
            access,
            SCHEDULE,
            "another schedule",
            foreign,
            world,
            remembers_deleted=False,
        )
    finally:
        await sender.close()
