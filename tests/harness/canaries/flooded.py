"""Canaries go through everything, in calm and in trouble."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from typing import Final

import orjson

from tests.harness.canaries.every_request import Endpoint, Wish
from tests.harness.canaries.flood import Flood, Sent
from tests.harness.canaries.trouble import (
    BOOK,
    BOOK_BY_AGENT_API,
    fail_outside,
    lose_the_database,
    refuse_every_row,
)
from tests.harness.canaries.world import World
from tests.harness.island import wait_for
from tests.harness.running import RunningService

_LAST: Final = "the-last-one"


def go_through(world: World) -> None:
    """Send canaries through everything, and everything through trouble."""
    connect_calendars(world)
    first, *others = _shares(world)
    with ThreadPoolExecutor() as pool:
        doing = [pool.submit(_begin, world, first)]
        doing += [pool.submit(each.go_through) for each in world.branches]
        trying = pool.map(_try, world.floods[1:], others)
        wishes = [each for done in doing for each in done.result()]
        list(trying)
    wait_for("all were told", lambda: all(world.told().values()))
    refuse_every_row(world, wishes)
    connect(world.flood)
    lose_the_database(world)


def connect_calendars(world: World) -> None:
    """Connect an account of the sandbox's for each; its tokens are canaries too."""
    outside = world.outside
    world.flood.credentials = outside.account.credentials
    add_calendar(world)
    for number, each in enumerate(world.floods[1:]):
        account = outside.sandbox.account(f"owner-{number}@calendar.test")
        each.credentials = account.credentials
        connect(each)
    for each in world.floods:
        for name, value in each.credentials.items():
            if name.endswith("Token"):
                world.canaries.secret(value, f"calendar {name}")


def add_calendar(world: World) -> None:
    """Connect the account by a command."""
    tenant = world.flood.house.tenant_id
    file = world.place.home.parent / "credentials.json"
    file.write_bytes(orjson.dumps(world.flood.credentials))
    world.command(
        *("connections", "add", "--tenant", tenant, "--provider", "fake"),
        *("--credentials-file", file),
    )


def connect(flood: Flood) -> None:
    """Connect its account by requests, or renew it."""
    assert flood.send(flood.wish("GET /calendar/status/{tenantId}")).is_success


def _begin(world: World, share: Sequence[Endpoint]) -> list[Sent]:
    """Try a share, then what takes more than one operation, while others fail too."""
    flood = world.flood
    _try(flood, share)
    connect(flood)  # it was disconnected among all that
    send_bad_hours(flood)
    ask_for_taken_times(flood)
    look_after_a_customer(flood)
    fail_outside(world)
    return flood.good_ones(world.others)


def _try(flood: Flood, share: Sequence[Endpoint]) -> None:
    for each in share:
        flood.try_everything(each)


def _shares(world: World) -> list[list[Endpoint]]:
    """Deal operations out: whatever changes a calendar's connection to one alone."""
    first, *others = shares = [list[Endpoint]() for _ in world.floods]
    dealt = cycle([*others, *others, first])
    for name in world.others:
        endpoint = world.flood.endpoints[name]
        is_of_calendars = endpoint.path.startswith(("/calendar/", "/sync/"))
        (first if is_of_calendars else next(dealt)).append(endpoint)
    return shares


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
    for name in (BOOK, BOOK_BY_AGENT_API):
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
    booking = flood.wish(BOOK)
    assert flood.send(booking).is_success
    assert booking.body is not None
    person = booking.body["appointmentData"]["customerInfo"]
    for name in ("POST /appointments/search", "POST /customers/export"):
        found = flood.send(flood.wish(name, phone=person["phone"], email=None))
        assert person["name"] in found.text
    owner = flood.bearer(flood.house.tenant_id, BOOK, flood.house.jwt_secret)
    assert flood.send(flood.wish(BOOK), owner).is_success
    erase = flood.wish("POST /customers/erase", phone=person["phone"])
    assert flood.send(erase, owner).json()["data"]["appointments"] == 1


def finish(world: World) -> None:
    """Wait until whatever was printed has arrived; look for all secrets there were."""
    for each in world.branches:
        for secret in each.company.secrets():
            world.canaries.secret(secret, f"{each.company.slug} secret")
    for flood in (world.flood, world.flood.beside):
        flood.raw("(last)", "GET", "/nowhere", headers={"X-Request-ID": _LAST})
    wait_for("the last lines", lambda: all(map(_is_over, world.services)))


def _is_over(service: RunningService) -> bool:
    return any(_LAST in each for each in service.lines)
