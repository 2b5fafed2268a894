"""A service in a world of its own, and everybody whom it speaks to."""

import asyncio
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from queue import Queue
from typing import Any, Final
from urllib.parse import quote

import httpx2
import orjson
import psycopg

from tests.harness.canaries.companies import (
    Company,
    HousecallProCompany,
    JobberCompany,
)
from tests.harness.canaries.every_request import endpoints
from tests.harness.canaries.flood import ALWAYS_OPEN, Answer, Flood, House
from tests.harness.canaries.jobs import Branch
from tests.harness.canaries.strings import Canaries
from tests.harness.command_line import CommandLine
from tests.harness.island import Island, island
from tests.harness.outside.sandbox import Sandbox, SandboxAccount, running_sandbox
from tests.harness.running import RunningService, running_service
from tests.harness.scenes.business import Business, open_business
from tests.notify.mailbox import PASSWORD, USER, Mailbox, mailbox
from tests.notify.receiver import Receiver, receiver
from tests.providers.housecallpro.server import running_housecallpro
from tests.providers.jobber.server import running_jobber
from universal_calendar.bootstrap.parts import Server, open_parts, start_server

Superuser = psycopg.Connection[tuple[Any, ...]]

# What a row ever was, also where it was overwritten or deleted since.
_KEEP_HISTORY: Final = """
CREATE SCHEMA history;
CREATE TABLE history.rows (relation text, content text);
CREATE FUNCTION history.keep() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO history.rows VALUES (TG_TABLE_NAME, to_jsonb(NEW)::text);
    RETURN NULL;
END $$;
DO $$
DECLARE name text;
BEGIN
    FOR name IN SELECT c.oid::regclass FROM pg_class c
        WHERE c.relkind = 'r' AND c.relnamespace = 'universal_calendar'::regnamespace
    LOOP
        EXECUTE format('CREATE TRIGGER zz_history AFTER INSERT OR UPDATE ON %s'
            ' FOR EACH ROW EXECUTE FUNCTION history.keep()', name);
    END LOOP;
END $$;
"""
_KEEP_NO_HISTORY: Final = """
CREATE OR REPLACE FUNCTION history.keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RETURN NULL;
END $$
"""
_FORGIVE: Final = """
UPDATE connections SET next_try_at = NULL, status = 'active';
DELETE FROM rate_limits;
"""
_WATCHED: Final = {"RUN_WORKER": "true", "PYTHONASYNCIODEBUG": "1"}
_UNWATCHED: Final = {"RUN_WORKER": "false"}
CALENDARS: Final = 3
"""So many businesses have a calendar each: they are flooded side by side."""


@dataclass(frozen=True)
class Outside:
    """Everybody whom the service speaks to."""

    companies: Sequence[Company]
    sandbox: Sandbox
    account: SandboxAccount
    mail: Mailbox
    hooks: Receiver

    @classmethod
    def begin(cls, stack: ExitStack, canaries: Canaries, place: Island) -> "Outside":
        """Run all of them until the stack is left."""
        sandbox = stack.enter_context(running_sandbox(_folder(place)))
        return cls(
            _companies(stack, canaries),
            sandbox,
            sandbox.account("owner@calendar.test"),
            stack.enter_context(_running_mailbox()),
            stack.enter_context(receiver()),
        )

    @property
    def settings(self) -> Mapping[str, str]:
        """Return those of a service that is to find them."""
        settings = _settings(self.mail, self.hooks)
        for each in self.companies:
            settings |= each.settings
        return settings


@dataclass
class World:
    """The service and everybody whom it speaks to."""

    place: Island
    server: Server
    services: Sequence[RunningService]
    """The first works through what is due, and says all that asyncio can say."""
    floods: Sequence[Flood]
    """Of businesses with a calendar each."""
    branches: Sequence[Branch]
    """Of businesses with a platform each."""
    outside: Outside
    printed: list[str]
    """What commands printed."""

    @property
    def flood(self) -> Flood:
        """Return the one of the business that meets all the trouble."""
        return self.floods[0]

    @property
    def lines(self) -> Sequence[str]:
        """Return what services have printed so far."""
        return [line for each in self.services for line in each.lines]

    @property
    def others(self) -> Sequence[str]:
        """Return the operations that are of no platform."""
        return [
            name
            for name, each in self.flood.endpoints.items()
            if not each.path.startswith("/integrations/")
        ]

    @property
    def canaries(self) -> Canaries:
        """Return what was sent."""
        return self.flood.canaries

    def told(self) -> dict[str, bytes]:
        """Return what has reached the outside, by who was told."""
        outside = self.outside
        by_hook = {kind: self.hooked(kind) for kind in ("sms", "broadcast", "webhook")}
        mails = outside.mail.envelopes
        recipients = "\n".join(name for each in mails for name in each.rcpt_tos)
        events = outside.sandbox.history(outside.account.calendar_id)
        there = {each.slug: each.memory() for each in outside.companies}
        calendar = orjson.dumps(events)
        return {**by_hook, "mail": recipients.encode(), "calendar": calendar, **there}

    def hooked(self, kind: str) -> bytes:
        """Return what was sent to the paths that begin so."""
        received = list(self.outside.hooks.received)
        return b"\n".join(e.body for e in received if e.path.startswith(f"/{kind}"))

    def superuser(self) -> Superuser:
        """Connect past row-level security."""
        return superuser_of(self.server)

    def command(self, *words: object) -> None:
        """Run a command of the operator's, and keep what it prints."""
        line = CommandLine(self.place.home.parent, self.place.home)
        done = line(*words)
        self.printed += [done.out, done.err]


def superuser_of(server: Server) -> Superuser:
    """Connect past row-level security."""
    assert server.embedded is not None
    return psycopg.connect(
        server.embedded.admin_url,
        dbname="universal_calendar",
        options="-c search_path=universal_calendar",
        autocommit=True,
    )


def forget_history(connection: Superuser) -> None:
    """Let what rows ever were be gone; whoever writes now may go on."""
    connection.execute(_KEEP_NO_HISTORY)
    connection.execute("TRUNCATE history.rows")


@contextmanager
def world() -> Iterator[World]:
    """Run all of it for a block; each business is always open."""
    canaries = Canaries()
    secrets = _secrets(canaries)
    with ExitStack() as stack:
        place = stack.enter_context(island())
        with ThreadPoolExecutor() as pool:
            starting = pool.submit(start_server, place.settings)
            outside = Outside.begin(stack, canaries, place)
            server = starting.result()
        assert server.embedded is not None
        stack.callback(server.embedded.stop)
        businesses = _settle(place, server, CALENDARS + len(outside.companies))
        services = _start(stack, place, {**secrets, **outside.settings})
        urls = [each.url for each in services]
        http = stack.enter_context(httpx2.Client(trust_env=False, timeout=30))
        people = _People(canaries, http, urls, secrets, outside.hooks.url)
        floods = [people.flood(each) for each in businesses]
        forgive, printed = partial(_forgive, server), partial(_printed, services)
        asking = zip(outside.companies, floods[CALENDARS:], strict=True)
        branches = [
            Branch(replace(flood, provider=each.slug), each, turn, forgive, printed)
            for turn, (each, flood) in enumerate(asking)
        ]
        yield World(place, server, services, floods[:CALENDARS], branches, outside, [])
        for service in services:
            service.kill()  # nobody waits for what they had still to do


def _companies(stack: ExitStack, canaries: Canaries) -> list[Company]:
    jobber = stack.enter_context(running_jobber())
    house = stack.enter_context(running_housecallpro())
    return [JobberCompany(jobber, canaries), HousecallProCompany(house, canaries)]


def _start(
    stack: ExitStack, place: Island, settings: Mapping[str, str]
) -> list[RunningService]:
    """Run two processes: asyncio's own checks make all that it does thrice as slow."""
    starting = [
        partial(running_service, place.home, **{**settings, **more})
        for more in (_WATCHED, _UNWATCHED)
    ]
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda each: stack.enter_context(each()), starting))


def _printed(services: Sequence[RunningService], word: str) -> int:
    return sum(word in line for each in services for line in each.lines)


def _forgive(server: Server) -> None:
    with superuser_of(server) as connection:
        connection.execute(_FORGIVE)


@dataclass(frozen=True)
class _People:
    """Whoever sends the requests of a business; all answers are kept together."""

    canaries: Canaries
    http: httpx2.Client
    urls: Sequence[str]
    secrets: Mapping[str, str]
    hooks_url: str
    answers: list[Answer] = field(default_factory=list)

    def flood(self, business: Business) -> Flood:
        known = {each.name: each for each in endpoints()}
        self.canaries.secret(business.api_key, "API key")
        house = House(
            self.urls[0],
            self.urls[1],
            str(business.tenant_id),
            business.agent_id,
            business.api_key,
            self.secrets["INTERNAL_SERVICE_KEY"],
            self.secrets["JWT_SECRET"],
            f"{self.hooks_url}/webhook",
        )
        return Flood(house, self.canaries, known, self.http, self.answers)


def _secrets(canaries: Canaries) -> dict[str, str]:
    canaries.secret(PASSWORD, "SMTP_URL")
    names = ("INTERNAL_SERVICE_KEY", "JWT_SECRET", "CALENDAR_API_KEY")
    return {name: canaries.text(name) * 4 for name in names}


def _folder(place: Island) -> Path:
    folder = place.home.parent / "sandbox"
    folder.mkdir()
    return folder


def _settle(place: Island, server: Server, count: int) -> list[Business]:
    with superuser_of(server) as connection:
        connection.execute(_KEEP_HISTORY)

    async def add() -> list[Business]:
        async with open_parts(place.settings, server) as parts:
            return [await open_business(parts, hours=ALWAYS_OPEN) for _ in range(count)]

    return asyncio.run(add())


def _settings(mail: Mailbox, hooks: Receiver) -> dict[str, str]:
    login = f"{USER}:{quote(PASSWORD, safe='')}"
    return {
        "LOG_LEVEL": "debug",
        "PYTHONWARNINGS": "default",
        "SMTP_URL": f"smtp+plain://{login}@127.0.0.1:{mail.port}",
        "SMTP_FROM": "bookings@acme.test",
        "SMS_GATEWAY_URL": f"{hooks.url}/sms",
        "SMS_FROM": "+12125551234",
        "AS_CONNECTION_SERVICE_URL": f"{hooks.url}/broadcast",
        "AS_ALERTS_SERVICE_URL": f"{hooks.url}/alerts",
        "CONNECTION_RATE_LIMIT": "1000000",
        "WEBHOOK_RATE_LIMIT": "1000000",
        "WEBHOOKS_ALLOW_PRIVATE": "true",
        "PUBLIC_BASE_URL": "http://127.0.0.1:9",
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"{hooks.url}/spans",
    }


@contextmanager
def _running_mailbox() -> Iterator[Mailbox]:
    """Run a mail server beside the test, on a loop of its own."""
    opened: Queue[tuple[Mailbox, asyncio.AbstractEventLoop, asyncio.Event]] = Queue()

    async def serve() -> None:
        stopped = asyncio.Event()
        async with mailbox() as box:
            opened.put((box, asyncio.get_running_loop(), stopped))
            await stopped.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    box, loop, stopped = opened.get(timeout=10)
    try:
        yield box
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join()
