"""kill -9 of service and worker in the middle of bookings, moves and cancellations.

Every client asks again until it is answered. In the end clients, database, provider
and mailbox tell the same of every appointment: nothing is lost, nothing there twice.
"""

import asyncio
import logging
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from email.message import EmailMessage

import httpx2
from icalendar import Calendar

from tests.harness.crowd import clients
from tests.harness.machines.agreement import check_agreement
from tests.harness.machines.clerk import Clerk, Json, Reply, ask
from tests.harness.machines.town import Serving, Town, Working
from tests.harness.running import SERVICE_KEY
from tests.harness.waiting import until
from tests.notify.mailbox import Mailbox, mailbox, read

KILLS = 10
RETRIES = 100
LONGEST_ANSWER = 5.0
# Who asks again waits three seconds for the dead, and a moment for a hundred others.
LONGEST_WAIT = 4.5
# A lease of the dead, and their last task, must end before it goes on.
RECOVERED_SECONDS = 90.0

_log = logging.getLogger(__name__)


async def strike_at_random(
    victim: Serving | Working, clerk: Clerk, kills: int, chance: random.Random
) -> None:
    """Kill it in the middle of work, start it again, and so on."""
    for _ in range(kills):
        await progress(clerk, chance.randint(4, 12))
        await asyncio.sleep(chance.uniform(0, 0.3))
        await asyncio.to_thread(victim.crash)


async def progress(clerk: Clerk, replies: int) -> None:
    """Wait for so many more replies."""
    goal = len(clerk.replies) + replies
    await until(lambda: len(clerk.replies) >= goal, 30)


async def serve_through_kills(
    clerk: Clerk, victims: list[Serving | Working], kills: int
) -> None:
    """Serve at eight desks until each victim was killed so often."""
    closed = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(clerk.serve_until(closed, desks=8))
        async with asyncio.TaskGroup() as killers:
            for number, victim in enumerate(victims):
                chance = random.Random(number)  # noqa: S311 - when to strike
                killers.create_task(strike_at_random(victim, clerk, kills, chance))
        assert not serving.done()
        closed.set()
    _log.info("%d visits, %s", len(clerk.visits), dict(clerk.statuses))
    _log.info("slowest: %s after %.2f s", clerk.slowest.what, clerk.slowest.seconds)
    assert clerk.slowest.seconds < LONGEST_ANSWER


class Post:
    """What reached customers, by appointment and version."""

    def __init__(self, box: Mailbox) -> None:
        self._box, self._read = box, 0
        self.mails: dict[tuple[str, int], list[EmailMessage]] = defaultdict(list)

    @property
    def settings(self) -> dict[str, str]:
        """Return what makes a service send here."""
        return {
            "SMTP_URL": f"smtp+plain://127.0.0.1:{self._box.port}",
            "SMTP_FROM": "bookings@acme.test",
        }

    def has_mail(self, appointment_id: str, version: int) -> bool:
        self._sort()
        return (appointment_id, version) in self.mails

    def _sort(self) -> None:
        fresh = self._box.envelopes[self._read :]
        self._read += len(fresh)
        for mail in map(read, fresh):
            (event,) = Calendar.from_ical(invitation_in(mail)).walk("VEVENT")
            self.mails[str(event["UID"]), int(str(event["SEQUENCE"]))].append(mail)

    def check(self, clerk: Clerk) -> None:
        """Assert that each customer knows the last of it, by one message."""
        self._sort()
        last = {(visit.appointment_id, visit.version) for visit in clerk.visits}
        assert last <= self.mails.keys(), last - self.mails.keys()
        known = {visit.appointment_id: visit.version for visit in clerk.visits}
        for (appointment_id, version), mails in self.mails.items():
            assert version <= known[appointment_id]
            assert len({mail["Message-ID"] for mail in mails}) == 1

    def check_attempts(self, town: Town) -> None:
        """Assert that nothing came twice that was attempted once."""
        deliveries = town.rows(
            "SELECT delivery_id::text, status, attempts, last_error FROM deliveries"
        )
        copies = Counter(each["Message-ID"] for m in self.mails.values() for each in m)
        for each in deliveries:
            number = copies.pop(f"<{each['delivery_id']}@acme.test>", 0)
            is_done = each["status"] == "delivered"
            assert is_done or each["last_error"] == "superseded", each
            assert is_done <= number <= each["attempts"], (number, each)
        assert not copies
        again = sum(each["attempts"] - 1 for each in deliveries)
        twice = sum(len(each) > 1 for each in self.mails.values())
        _log.info("%d attempted again, %d came twice", again, twice)


def invitation_in(mail: EmailMessage) -> str:
    (part,) = [p for p in mail.walk() if p.get_content_type() == "text/calendar"]
    return str(part.get_content())


async def open_and_shut(gate: asyncio.Event) -> None:
    """Let mail wait for a while, again and again, so that kills fall into sending."""
    while True:
        gate.clear()
        await asyncio.sleep(0.1)
        gate.set()
        await asyncio.sleep(0.2)


@dataclass
class Hundredfold:
    """One request under one key, asked a hundred times at once."""

    http: httpx2.AsyncClient
    services: Sequence[Serving]
    key: str
    body: Json
    first: Reply | None = None

    @property
    def appointment_id(self) -> str:
        """Return what was booked."""
        assert self.first is not None
        return str(self.first.data["appointmentId"])

    async def check(self, victims: Sequence[Serving] = ()) -> None:
        """Assert that all are answered alike, however many die meanwhile."""
        replies = await self._ask_through_kills(victims)
        answered = [reply for reply in replies if reply.status is not None]
        self.first = self.first or answered[0]
        assert Counter((each.status, each.content) for each in answered) == {
            (200, self.first.content): RETRIES
        }
        slowest, broken = max(map(_seconds, answered)), len(replies) - RETRIES
        _log.info("%s: %d broken; slowest %.2f s", self.key, broken, slowest)
        assert slowest < LONGEST_WAIT

    async def _ask_through_kills(self, victims: Sequence[Serving]) -> list[Reply]:
        chance = random.Random(self.key)  # noqa: S311 - when to strike

        async def strike(victim: Serving) -> None:
            await asyncio.sleep(chance.uniform(0.05, 0.6))
            await asyncio.to_thread(victim.crash)

        # All services are asked, but the first of them first.
        doors = len(self.services)
        asking = asyncio.gather(*(self._insist(n % doors) for n in range(RETRIES)))
        await asyncio.gather(*map(strike, victims))
        return [reply for replies in await asking for reply in replies]

    async def _insist(self, door: int) -> list[Reply]:
        """Ask one service after the other until one answers."""
        replies: list[Reply] = []
        headers = {"X-Service-Key": SERVICE_KEY, "Idempotency-Key": self.key}
        await asyncio.sleep(door * 0.1)
        async with asyncio.timeout(60):
            while not replies or replies[-1].status is None:
                service = self.services[door % len(self.services)]
                url = f"{service.url}/appointments"
                replies.append(
                    await ask(self.http, "POST", url, headers, json=self.body)
                )
                door += 1
                await asyncio.sleep(0.1)
        return replies


def _seconds(reply: Reply) -> float:
    return reply.seconds


async def ask_through_kills(town: Town, clerk: Clerk) -> list[Hundredfold]:
    """Have a hundred ask two services at once, of which one dies, or both."""
    wishes = []
    with town.serving() as one, town.serving() as other:
        for number, victims in enumerate(([one], [one, other], [other, one])):
            visit = clerk.new_visit()
            data = visit.data(visit.start)
            body = {"tenantId": clerk.shop.tenant_id, "appointmentData": data}
            wish = Hundredfold(clerk.http, [one, other], f"round-{number}", body)
            await wish.check(victims)
            await wish.check()
            visit.appointment_id = wish.appointment_id
            wishes.append(wish)
    return wishes


async def test_everybody_is_killed(town: Town) -> None:
    """Killed are a service with its worker inside, a worker, and two services.

    The two have no worker: they are asked for the same thing by a hundred at once,
    while what the first two left behind waits for the leases of the dead to end.
    """
    ann, bob = await town.settle("ann", "bob")
    town.sandbox.fault("latency", seconds=0.15, probability=0.5)
    async with mailbox() as box, clients(RETRIES) as http:
        post, opening = Post(box), asyncio.create_task(open_and_shut(box.gate))
        with (
            town.serving(RUN_WORKER="true", **post.settings) as service,
            town.working(**post.settings) as worker,
        ):
            clerk = Clerk(http, service.url, town.sandbox.url, ann, may_break=True)
            clerk.has_mail, clerk.pause = post.has_mail, 0.1
            await serve_through_kills(clerk, [service, worker], KILLS)
            town.sandbox.clear_faults()
            town.sandbox.fault("latency", seconds=0.9, calendarId=bob.calendar)
            other_clerk = Clerk(http, service.url, town.sandbox.url, bob)
            wishes = await ask_through_kills(town, other_clerk)
            await town.settled(RECOVERED_SECONDS)
            await check_agreement(town, clerk)
            await check_agreement(town, other_clerk)
            # What became of the event since must not show.
            for wish in wishes:
                await replace(wish, services=[service]).check()
        opening.cancel()
        post.check(clerk)
        post.check_attempts(town)
        _log.info("%d mails, %d answers told of one", len(box.envelopes), clerk.told)
