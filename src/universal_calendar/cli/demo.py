"""Demo data: an agent that can be booked at once, and a key to do it with."""

import json
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID

from pydantic import SecretStr

from universal_calendar.cli import wording
from universal_calendar.cli.booking import booking_request
from universal_calendar.cli.dialect import (
    Bookable,
    BookingDocument,
    RefusalDocument,
    SlotDocument,
    book_slot,
    bookable,
    find_slots,
    refusal_document,
)
from universal_calendar.cli.options import AsJson, Home
from universal_calendar.cli.output import print_json
from universal_calendar.cli.session import now, with_parts
from universal_calendar.clock import utc_now
from universal_calendar.core.errors import (
    AgentNotFound,
    AlreadyExists,
    BookingRefused,
    TenantNotFound,
    Unauthorized,
    UniversalCalendarError,
)
from universal_calendar.core.localtime import local_date
from universal_calendar.core.wire import parse_time
from universal_calendar.services.ports.agendas import AgendaQuery
from universal_calendar.services.ports.appointments import Person
from universal_calendar.services.ports.identity import Caller
from universal_calendar.services.ports.tenants import Agent
from universal_calendar.settings import Settings
from universal_calendar.store.private_file import kept_private, write_private

if TYPE_CHECKING:
    from universal_calendar.bootstrap.parts import Parts

TENANT_ID: Final = UUID("00000000-0000-7000-8000-000000000002")
# The agent of the guide's own examples.
AGENT_ID: Final = UUID("47addfec-f4cd-41e2-b6ec-6a5e949fe754")
ZONE: Final = "America/New_York"
MINUTES: Final = 30
_SERVICE_KEY_FILE: Final = "service.key"
_CUSTOMER: Final = "John Doe"
_SHOWN_DAYS: Final = timedelta(days=4)


class BookedOut(UniversalCalendarError):
    """The demo agent has no free slot for two months; give it hours or another home."""


@dataclass(frozen=True, slots=True)
class Demo:
    """The demo agent, its key, and a slot that is free."""

    who: Bookable
    api_key: str = field(repr=False)
    key_file: Path
    slot: SlotDocument


async def seed(parts: "Parts") -> Demo:
    """Make sure of the demo agent and of a key for it; what is there stays."""
    agent = await _agent(parts)
    if await parts.tenants.hours(agent) is None:
        await parts.tenants.set_hours(agent, {})
    who = await bookable(parts, agent.agent_id, agent.tenant_id, MINUTES)
    key_file = parts.settings.uc_home / "demo.key"
    secret = await _key(parts, who, key_file)
    return Demo(who, secret, key_file, await _free_slot(parts, who))


async def _free_slot(parts: "Parts", who: Bookable) -> SlotDocument:
    tomorrow = local_date(now(), who.zone) + timedelta(days=1)
    found = await find_slots(parts, who, tomorrow, tomorrow + timedelta(days=60))
    if not found["slots"]:
        raise BookedOut
    return found["slots"][0]


async def _agent(parts: "Parts") -> Agent:
    with suppress(AgentNotFound):
        return await parts.tenants.agent(AGENT_ID, TENANT_ID)
    try:
        await parts.tenants.get(TENANT_ID)
    except TenantNotFound:
        # Several processes may start at once; the first to come adds it.
        with suppress(AlreadyExists):
            await parts.tenants.add("Demo business", ZONE, now(), TENANT_ID)
    with suppress(AlreadyExists):
        await parts.tenants.add_agent(TENANT_ID, "Demo agent", ZONE, now(), AGENT_ID)
    return await parts.tenants.agent(AGENT_ID, TENANT_ID)


async def _key(parts: "Parts", who: Bookable, file: Path) -> str:
    """Return the key in the file, or a new one that is put there.

    The database has only hashes, so the file is what lets a later start show it again.
    """
    kept = _kept(file)
    if kept and await _works(parts, who, kept):
        return kept
    _, secret = await parts.api_keys.create(
        TENANT_ID, utc_now(), label="demo", agent_ids=[AGENT_ID]
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    write_private(file, secret + "\n")
    return secret


def _kept(file: Path) -> str:
    return file.read_text().strip() if file.exists() else ""


async def _works(parts: "Parts", who: Bookable, secret: str) -> bool:
    today = local_date(now(), who.zone)
    query = AgendaQuery(Caller(api_key=secret), AGENT_ID, today, today, now())
    try:
        await parts.agendas.read(query)
    except (Unauthorized, AgentNotFound):
        return False
    return True


def with_service_key(settings: Settings) -> Settings:
    """Return settings with which the tenant API can be tried.

    Without a key of the settings one is made, once, in a 0600 file in the home.
    """
    if settings.internal_service_key:
        return settings
    path = settings.uc_home / _SERVICE_KEY_FILE
    key = SecretStr(kept_private(path, lambda: f"us_{secrets.token_urlsafe(32)}"))
    return settings.model_copy(update={"internal_service_key": (key,)})


def greeting(demo: Demo, url: str) -> str:
    """Say what there is to try, with lines to paste."""
    first = date.fromisoformat(demo.slot["date"])
    question = (
        f"start_date={first}&end_date={first + _SHOWN_DAYS}&duration_minutes={MINUTES}"
    )
    booking = {
        "agent_id": str(AGENT_ID),
        "booking_date": demo.slot["date"],
        "booking_time": demo.slot["time"],
        "duration_minutes": MINUTES,
        "participant_name": _CUSTOMER,
    }
    return f"""
{_introduction(demo)}

When is the agent free?
  curl -H 'X-API-Key: {demo.api_key}' \\
    '{url}/api/calendar/free-slots/{AGENT_ID}?{question}'

Book it:
  curl -H 'X-API-Key: {demo.api_key}' -H 'Content-Type: application/json' \\
    -d '{json.dumps(booking)}' \\
    {url}/api/calendar/external-booking

The same agent by the tenant API, for the business's own software:
  curl -H "X-Service-Key: $(cat {demo.key_file.with_name(_SERVICE_KEY_FILE)})" \\
    '{url}/availability/check?tenantId={TENANT_ID}&{_check(first)}'

All routes: {url}/docs
"""


def _check(first: date) -> str:
    return f"startDate={first}&endDate={first + _SHOWN_DAYS}&duration={MINUTES}"


def _introduction(demo: Demo) -> str:
    return (
        f"Demo agent, Monday to Friday 09:00-17:00 in {ZONE}\n"
        f"  agent id  {AGENT_ID}\n"
        f"  API key   {demo.api_key}\n"
        f"            (kept in {demo.key_file}, readable by you alone)"
    )


@dataclass(frozen=True, slots=True)
class _Play:
    demo: Demo
    booked: BookingDocument
    refused: RefusalDocument


def demo(home: Home = None, *, as_json: AsJson = False) -> None:
    """Add demo data, book a slot, try to book it again, and tell what happened.

    Example: universal-calendar demo
    """
    play = with_parts(home, _play)
    if as_json:
        print_json(
            {
                "tenant_id": TENANT_ID,
                "agent_id": AGENT_ID,
                "key": play.demo.api_key,
                "booking": play.booked,
                "second_attempt": play.refused,
            }
        )
    else:
        print(_story(play))


async def _play(parts: "Parts") -> _Play:
    demo = await seed(parts)
    who, slot = demo.who, demo.slot
    request = booking_request(
        who,
        date.fromisoformat(slot["date"]),
        parse_time(slot["time"]),
        Person(f"Appointment with {_CUSTOMER}", _CUSTOMER),
    )
    booked = await book_slot(parts, who, request)
    try:
        await book_slot(parts, who, request)
    except BookingRefused as refusal:
        return _Play(demo, booked, refusal_document(refusal))
    raise AssertionError("one slot was booked twice")


def _story(play: _Play) -> str:
    agent = play.demo.who.agent.name
    return f"""\
{_introduction(play.demo)}

{wording.confirmation(play.booked, agent, _CUSTOMER)}

The same time once more:
{wording.refusal(play.refused)}

Next: universal-calendar serve --demo, which prints lines to paste
"""
