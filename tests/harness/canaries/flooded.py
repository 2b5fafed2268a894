"""A service in a world of its own; canaries go through it, in calm and in trouble."""

import asyncio
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Queue
from typing import Any, Final
from urllib.parse import quote

import httpx2
import orjson
import psycopg

from tests.harness.canaries.every_request import Endpoint, Wish, endpoints
from tests.harness.canaries.flood import ALWAYS_OPEN, Flood, House
from tests.harness.canaries.strings import Canaries
from tests.harness.command_line import CommandLine
from tests.harness.island import Island, island, wait_for
from tests.harness.outside.sandbox import Sandbox, SandboxAccount, running_sandbox
from tests.harness.running import RunningService, running_service
from tests.harness.scenes.business import Business, open_business
from tests.notify.mailbox import PASSWORD, USER, Mailbox, mailbox
from tests.notify.receiver import Receiver, receiver
from universal_calendar.bootstrap.parts import Server, open_parts, start_server
from universal_calendar.web.app import openapi_document

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
_REFUSE: Final = "ALTER TABLE {} ADD CONSTRAINT refuses CHECK ({}) NOT VALID"
_ACCEPT: Final = "ALTER TABLE {} DROP CONSTRAINT refuses"
# Rows that are refused later are reached only where earlier ones are not refused.
_REFUSING: Final = (
    ("claims", "agents", "tenants", "api_keys"),
    ("appointments", "schedules", "blocks", "webhook_endpoints"),
    ("notices", "audit_entries", "idempotency_keys"),
)
_TAKEN_UP: Final = ("links", "deliveries")
_BOOK: Final = "POST /appointments"
_BOOK_BY_AGENT_API: Final = "POST /api/calendar/external-booking"


def flooded_endpoints() -> list[Endpoint]:
    """Return the operations that are gone through.

    Not those of platforms: in this world there is none that could be connected.
    """
    known = endpoints(openapi_document())
    return [each for each in known if not each.path.startswith("/integrations/")]


@dataclass
class World:
    """The service and everybody whom it speaks to."""

    place: Island
    server: Server
    service: RunningService
    flood: Flood
    sandbox: Sandbox
    account: SandboxAccount
    mail: Mailbox
    hooks: Receiver
    printed: list[str]
    """What commands printed."""

    @property
    def canaries(self) -> Canaries:
        """Return what was sent."""
        return self.flood.canaries

    def told(self) -> dict[str, bytes]:
        """Return what has reached the outside, by who was told."""
        by_hook = {kind: self.hooked(kind) for kind in ("sms", "broadcast", "webhook")}
        recipients = [name for each in self.mail.envelopes for name in each.rcpt_tos]
        events = self.sandbox.history(self.account.calendar_id)
        mail, calendar = "\n".join(recipients).encode(), orjson.dumps(events)
        return {**by_hook, "mail": mail, "calendar": calendar}

    def hooked(self, kind: str) -> bytes:
        """Return what was sent to the paths that begin so."""
        received = list(self.hooks.received)
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


@contextmanager
def world() -> Iterator[World]:
    """Run all of it for a block; the business is always open."""
    canaries = Canaries()
    secrets = _secrets(canaries)
    with ExitStack() as stack:
        place = stack.enter_context(island())
        server = start_server(place.settings)
        assert server.embedded is not None
        stack.callback(server.embedded.stop)
        business = _settle(place, server)
        sandbox = stack.enter_context(running_sandbox(_folder(place)))
        mail = stack.enter_context(_running_mailbox())
        hooks = stack.enter_context(receiver())
        settings = secrets | _settings(mail, hooks)
        service = stack.enter_context(running_service(place.home, **settings))
        http = stack.enter_context(httpx2.Client(trust_env=False, timeout=30))
        house = _house(service, business, secrets, f"{hooks.url}/webhook")
        known = {each.name: each for each in flooded_endpoints()}
        flood = Flood(house, canaries, known, http)
        canaries.secret(house.api_key, "API key")
        account = sandbox.account("owner@calendar.test")
        yield World(place, server, service, flood, sandbox, account, mail, hooks, [])


def _secrets(canaries: Canaries) -> dict[str, str]:
    canaries.secret(PASSWORD, "SMTP_URL")
    names = ("INTERNAL_SERVICE_KEY", "JWT_SECRET", "CALENDAR_API_KEY")
    return {name: canaries.text(name) * 4 for name in names}


def _folder(place: Island) -> Path:
    folder = place.home.parent / "sandbox"
    folder.mkdir()
    return folder


def _house(
    service: RunningService,
    business: Business,
    secrets: Mapping[str, str],
    hooks_url: str,
) -> House:
    return House(
        service.url,
        str(business.tenant_id),
        business.agent_id,
        business.api_key,
        secrets["INTERNAL_SERVICE_KEY"],
        secrets["JWT_SECRET"],
        hooks_url,
    )


def _settle(place: Island, server: Server) -> Business:
    with superuser_of(server) as connection:
        connection.execute(_KEEP_HISTORY)

    async def add() -> Business:
        async with open_parts(place.settings, server) as parts:
            return await open_business(parts, hours=ALWAYS_OPEN)

    return asyncio.run(add())


def _settings(mail: Mailbox, hooks: Receiver) -> dict[str, str]:
    login = f"{USER}:{quote(PASSWORD, safe='')}"
    return {
        "LOG_LEVEL": "debug",
        "RUN_WORKER": "true",
        "PYTHONWARNINGS": "default",
        "PYTHONASYNCIODEBUG": "1",
        "SMTP_URL": f"smtp+plain://{login}@127.0.0.1:{mail.port}",
        "SMTP_FROM": "bookings@acme.test",
        "SMS_GATEWAY_URL": f"{hooks.url}/sms",
        "SMS_FROM": "+12125551234",
        "AS_CONNECTION_SERVICE_URL": f"{hooks.url}/broadcast",
        "AS_ALERTS_SERVICE_URL": f"{hooks.url}/alerts",
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


def connect_calendar(world: World) -> None:
    """Connect the sandbox's account; its tokens are canaries too."""
    credentials = world.account.credentials
    world.flood.credentials = credentials
    for name, value in credentials.items():
        if name.endswith("Token"):
            world.canaries.secret(value, f"calendar {name}")
    add_calendar(world)


def add_calendar(world: World) -> None:
    """Connect the account, or renew it."""
    credentials = world.account.credentials
    tenant = world.flood.house.tenant_id
    file = world.place.home.parent / "credentials.json"
    file.write_bytes(orjson.dumps(credentials))
    world.command(
        *("connections", "add", "--tenant", tenant, "--provider", "fake"),
        *("--credentials-file", file),
    )


def go_through(world: World) -> None:
    """Send canaries through everything, and everything through trouble."""
    connect_calendar(world)
    flood = world.flood
    for endpoint in flood.endpoints.values():
        flood.try_everything(endpoint)
    add_calendar(world)  # it was disconnected among all that
    send_bad_hours(flood)
    ask_for_taken_times(flood)
    look_after_a_customer(flood)
    wait_for("all were told", lambda: all(world.told().values()))
    fail_outside(world)
    refuse_every_row(world)
    add_calendar(world)
    lose_the_database(world)


def send_bad_hours(flood: Flood) -> None:
    """Send hours with canaries where days, times and rules have their names."""
    name = "PUT /agents/{agentId}/hours"
    word = flood.canaries.text(f"{name} hours")
    bad: tuple[dict[str, object], ...] = (
        {word: []},
        {"working_hours": {word: []}},
        {"working_hours": {"monday": [{word: "09:00"}]}},
        {"working_hours": {"monday": [{"start": word, "end": "10:00"}]}},
        {"working_hours": {"monday": word}},
        {"overrides": {word: []}},
        {"timezone": word},
        {"alignment": word},
        {"max_appointments_per_day": word},
        {word + "x" * 20_000: []},
    )
    for hours in bad:
        flood.send(flood.wish(name, hours=hours))


def ask_for_taken_times(flood: Flood) -> None:
    """Book twice in each dialect: the second is refused, however much it insists."""
    for name in (_BOOK, _BOOK_BY_AGENT_API):
        first = flood.wish(name)
        again = flood.wish(name, **_same_time(first))
        assert flood.send(first).is_success
        assert flood.send(again).status_code == 409


def _same_time(wish: Wish) -> dict[str, object]:
    body = wish.body or {}
    times = body.get("appointmentData", body)
    names = ("startTime", "endTime", "booking_date", "booking_time")
    return {name: times[name] for name in names if name in times}


def look_after_a_customer(flood: Flood) -> None:
    """Find, export and forget somebody who is there; a user does it by a token."""
    booking = flood.wish(_BOOK)
    assert flood.send(booking).is_success
    assert booking.body is not None
    person = booking.body["appointmentData"]["customerInfo"]
    for name in ("POST /appointments/search", "POST /customers/export"):
        found = flood.send(flood.wish(name, phone=person["phone"], email=None))
        assert person["name"] in found.text
    owner = flood.bearer(flood.house.tenant_id, _BOOK, flood.house.jwt_secret)
    assert flood.send(flood.wish(_BOOK), owner).is_success
    erase = flood.wish("POST /customers/erase", phone=person["phone"])
    assert flood.send(erase, owner).json()["data"]["appointments"] == 1


def fail_outside(world: World) -> None:
    """Book while calendar, mail and hooks fail, and say canaries while they do."""
    flood, mail, hooks = world.flood, world.mail, world.hooks
    word = flood.canaries.text("told by the outside")
    hooks.status, hooks.headers = 500, {"X-Trouble": word}
    mail.recipient_answer = f"550 no such person {word}"
    for fault in ("failure", "throttle", "drop", "expired_token"):
        world.sandbox.fault(fault, times=1)
        flood.send(flood.wish(_BOOK))
    mail.recipient_answer, mail.data_answer = "250 OK", f"451 later {word}"
    flood.send(flood.wish(_BOOK))
    with world.superuser() as connection:
        for table in _TAKEN_UP:
            wait_for(f"{table} failed", partial(_failed, connection, table))
    hooks.status, hooks.headers, mail.data_answer = 200, {}, "250 OK"


def _failed(connection: Superuser, table: str) -> bool:
    failures = connection.execute(
        "SELECT FROM history.rows WHERE relation = %s"
        " AND content::jsonb ->> 'last_error' IS NOT NULL LIMIT 1",
        [table],
    )
    return failures.fetchone() is not None


def refuse_every_row(world: World) -> None:
    """Have PostgreSQL refuse whatever is written: errors that nobody expects."""
    flood = world.flood
    wishes = [flood.wish(name) for name in flood.endpoints]
    for tables in _REFUSING:
        with _refusing(world, tables, "false"):
            assert 500 in {flood.send(wish).status_code for wish in wishes}
    with _refusing(world, _TAKEN_UP, "attempts = 0"):
        assert flood.send(flood.wish(_BOOK)).is_success
        lines = world.service.lines
        wait_for(
            "a task failed", lambda: any("procrastinate" in each for each in lines)
        )


@contextmanager
def _refusing(world: World, tables: Sequence[str], check: str) -> Iterator[None]:
    with world.superuser() as connection:
        for table in tables:
            connection.execute(_REFUSE.format(table, check).encode())
        yield
        for table in tables:
            connection.execute(_ACCEPT.format(table).encode())


def lose_the_database(world: World) -> None:
    """Kill PostgreSQL amid requests, and wait until it is back."""
    flood = world.flood
    wishes = [flood.wish(name) for name in (_BOOK, _BOOK_BY_AGENT_API) * 4]
    postmaster = world.place.postmaster()
    assert postmaster is not None
    postmaster.kill()
    assert 503 in {flood.send(wish).status_code for wish in wishes}
    again = flood.wish(_BOOK)
    wait_for("the database is back", lambda: flood.send(again).is_success)


def finish(world: World) -> None:
    """Wait until whatever was printed has arrived."""
    headers = {"X-Request-ID": "the-last-one"}
    world.flood.raw("(the last)", "GET", "/nowhere", headers=headers)
    lines = world.service.lines
    wait_for("the last line", lambda: any("the-last-one" in line for line in lines))
