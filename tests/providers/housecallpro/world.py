"""The fake Housecall Pro as the world of an exam."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid5

from tests.contracts.drafts import TENANT
from tests.contracts.schedules import ExaminedPlatform
from tests.contracts.world import Seen
from tests.providers.housecallpro.server import FakeHousecallPro
from tests.providers.housecallpro.shown import shown_customer
from tests.providers.housecallpro.state import Job
from tests.providers.housecallpro.webhooks import signed
from tests.providers.means import means_of
from universal_calendar.core.instant import Instant, to_datetime
from universal_calendar.core.interval import Interval
from universal_calendar.outgoing.http import Sender
from universal_calendar.providers.housecallpro.people import customer_of
from universal_calendar.providers.registry import PROVIDERS
from universal_calendar.services.ports.calendars import Access, PushDelivery
from universal_calendar.services.ports.visits import Customer

SCHEDULE = "schedule"
NOT_GIVEN = "No address given"
_REF = re.compile(r"\s*Universal Calendar ref \S+$")
_STEPS = r"POST /jobs$|PUT|DELETE"


@dataclass(frozen=True)
class HousecallProWorld:
    """Disturbs a fake Housecall Pro from behind."""

    house: FakeHousecallPro

    def events(self, calendar: str) -> Sequence[Seen]:
        assert calendar == SCHEDULE
        with self.house.lock:
            return [self._seen(each) for each in self.house.owner.scheduled()]

    def _seen(self, job: Job) -> Seen:
        owner = self.house.owner
        (interval,) = owner.times(job.id)
        addresses = owner.customer(job.customer_id).addresses
        street = next(e["street"] for e in addresses if e["id"] == job.address_id)
        details = _REF.sub("", job.notes[-1][1]) if job.notes else ""
        location = None if street == NOT_GIVEN else street
        return Seen(job.id, str(job.title), details or None, location, interval)

    def owner_adds(self, calendar: str, interval: Interval, **traits: str) -> str:
        assert not traits
        return self.house.owner.adds_job(interval)

    def owner_moves(self, calendar: str, event_id: str, interval: Interval) -> None:
        self.house.owner.moves(event_id, interval)

    def owner_deletes(self, calendar: str, event_id: str) -> None:
        self.house.owner.deletes(event_id)

    def owner_assigns(self, event_id: str, *technicians: str) -> None:
        self.house.owner.assigns(event_id, *technicians)

    def owner_unschedules(self, event_id: str) -> None:
        self.house.owner.unschedules(event_id)

    def employs(self, name: str) -> str:
        return self.house.owner.hires(name)

    def customers(self) -> Mapping[str, Customer]:
        shown = map(shown_customer, self.house.company.customers.values())
        return {
            each["id"]: customer_of(each, next(iter(each["addresses"]), None))
            for each in shown
        }

    def owner_edits_customer(self, customer_id: str, *, email: str) -> None:
        self.house.owner.edits_customer(customer_id, email=email)

    def owner_deletes_customer(self, customer_id: str) -> None:
        self.house.owner.deletes_customer(customer_id)

    def told(self) -> Sequence[PushDelivery]:
        return self.house.webhooks.deliveries

    def signed(self, content: bytes, at: Instant) -> PushDelivery:
        timestamp = str(int(to_datetime(at).timestamp()))
        headers = signed(self.house.webhook_secret, content, timestamp=timestamp)
        return PushDelivery(headers, content)

    def notes(self, event_id: str) -> str:
        return "\n".join(text for _, text in self.house.owner.job(event_id).notes)

    def loses_answers(self, times: int) -> None:
        self.house.loses_answers(times, _STEPS)

    def is_slow(self, seconds: float) -> None:
        self.house.is_slow(seconds)

    def hangs(self) -> None:
        self.house.hangs()

    def breaks_off(self) -> None:
        self.house.breaks_off()

    def fails(self, status: int) -> None:
        self.house.fails(status)

    def throttles(self, seconds: int, *, as_date: bool) -> None:
        self.house.throttles(seconds, as_date=as_date)

    def expires_tokens(self) -> None:
        """Do nothing: keys do not expire."""

    def revokes(self) -> None:
        self.house.revokes()

    def forgets_changes(self, calendar: str) -> None:
        """Do nothing: it never knew what changed."""

    def dies(self) -> None:
        self.house.dies()

    def rises(self) -> None:
        self.house.rises()


@asynccontextmanager
async def examined_at(
    house: FakeHousecallPro, **secrets: str
) -> AsyncIterator[ExaminedPlatform]:
    """Connect to a company, by its application key unless other secrets are given."""
    sender = Sender(is_guarded=False)
    try:
        means = means_of(sender, platforms={"housecallpro": house.config})
        provider = PROVIDERS["housecallpro"](means)
        assert provider is not None
        access = Access(
            TENANT,
            uuid5(TENANT, house.company_id),
            secrets or {"apiKey": house.api_key},
        )
        yield ExaminedPlatform(
            provider,
            access,
            SCHEDULE,
            "another schedule",
            {"apiKey": "a" * 40},
            HousecallProWorld(house),
            remembers_deleted=False,
        )
    finally:
        await sender.close()
