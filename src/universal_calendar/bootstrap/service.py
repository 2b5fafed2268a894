"""The running service: what surrounds its requests, from the first to the last."""

import gc
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from socket import socket
from types import FrameType
from typing import Final

import uvicorn
import uvloop
from starlette.requests import Request
from starlette.types import ASGIApp
from typing_extensions import override

from universal_calendar.bootstrap.channels import webhooks
from universal_calendar.bootstrap.connecting import connecting_pages
from universal_calendar.bootstrap.hours import keep_hours, platform_hours
from universal_calendar.bootstrap.housekeeping import keep_house
from universal_calendar.bootstrap.live_check import live_check
from universal_calendar.bootstrap.outside import Outside, open_outside
from universal_calendar.bootstrap.parts import (
    MINUTE,
    Parts,
    Server,
    follow_environment,
    new_id,
    open_parts,
    start_server,
)
from universal_calendar.bootstrap.providers import providers
from universal_calendar.bootstrap.tenant_api import dispatcher, tenant_api
from universal_calendar.bootstrap.worker import (
    beside,
    calendar_writes,
    notices,
    watching,
    working,
)
from universal_calendar.clock import utc_now
from universal_calendar.core.errors import Unauthorized
from universal_calendar.core.instant import Instant, from_datetime
from universal_calendar.services.booking.appointments import Announcing, Appointments
from universal_calendar.services.booking.availability import Availability
from universal_calendar.services.booking.live_check import LiveCheck
from universal_calendar.services.booking.settling import Settlement
from universal_calendar.services.ports.identity import Caller
from universal_calendar.settings import Settings
from universal_calendar.store.housekeeping import Housekeeping
from universal_calendar.store.rate_limits import RateLimit
from universal_calendar.web.addresses import address_of
from universal_calendar.web.agent_api.answers import booking_answer, free_slots_body
from universal_calendar.web.agent_api.routes import AgentApi
from universal_calendar.web.app import Handlers, create_app
from universal_calendar.web.health import Health
from universal_calendar.web.security_headers import BrowserPolicy

GRACE_SECONDS: Final = 20
_STOPPING: Final = (signal.SIGINT, signal.SIGTERM)

Announce = Callable[[str, Parts], None]
"""Tells people that the service answers, and at which URL."""


def run_service(settings: Settings, announce: Announce) -> None:
    """Serve until SIGINT or SIGTERM, then finish what was begun."""
    _on_stop(_leave)
    server = start_server(settings)
    try:
        uvloop.run(_serve(settings, server, announce))
    finally:
        if server.embedded is not None:
            server.embedded.stop()


async def _serve(settings: Settings, server: Server, announce: Announce) -> None:
    async with (
        open_parts(settings, server) as parts,
        open_outside(settings) as outside,
        watching(server),
        beside(keep_house(Housekeeping(parts.database))),
        beside(keep_hours(platform_hours(parts, outside))),
        working(parts, outside) if settings.run_worker else nullcontext(),
        _settling(parts, outside) as settlement,
    ):
        await follow_environment(parts)
        config = uvicorn.Config(
            application(parts, outside, settlement),
            host=settings.host,
            port=settings.port,
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        # What stays for good, the code itself above all, is never looked through again:
        # a full collection would hold up every answer for a tenth of a second.
        gc.collect()
        gc.freeze()
        # Once it has shut down, uvicorn raises the signal again that stopped it.
        _on_stop(_carry_on)
        await _AnnouncedServer(config, lambda url: announce(url, parts)).serve()


def _on_stop(handler: Callable[[int, FrameType | None], None]) -> None:
    for each in _STOPPING:
        signal.signal(each, handler)


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _carry_on(_number: int, _frame: FrameType | None) -> None:
    """Let the blocks around the server close."""


class _AnnouncedServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, announce: Callable[[str], None]) -> None:
        super().__init__(config)
        self._announce = announce

    @override
    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            self._announce(f"http://{f'[{host}]' if ':' in host else host}:{port}")


@asynccontextmanager
async def _settling(parts: Parts, outside: Outside) -> AsyncIterator[Settlement]:
    """Settle what requests change; at the end, finish what was begun."""
    offered = providers(parts, outside)
    settlement = Settlement(calendar_writes(parts, offered), notices(parts, outside))
    try:
        yield settlement
    finally:
        await settlement.finish()


def application(parts: Parts, outside: Outside, settlement: Settlement) -> ASGIApp:
    """Build the HTTP application on open parts."""
    settings = parts.settings
    policy = BrowserPolicy(settings.cors_origin, settings.hsts_seconds)
    return create_app(
        Handlers(
            _agent_api(parts, live_check(parts, providers(parts, outside))),
            _health(parts),
            _count_failure(parts),
            tenant_api(parts, outside, settlement),
            dispatcher(parts, outside),
            webhooks(parts, providers(parts, outside)),
            connecting_pages(parts, providers(parts, outside)),
        ),
        policy,
    )


def _now() -> Instant:
    return from_datetime(utc_now())


def _agent_api(parts: Parts, checking: LiveCheck) -> AgentApi:
    async def admit(caller: Caller, now: Instant) -> None:
        if caller.api_key is None:
            raise Unauthorized
        await parts.api_key_table.admit(caller.api_key, now)

    announcing = Announcing(parts.settings.has_channels)
    return AgentApi(
        Availability(parts.agendas, free_slots_body),
        Appointments(parts.agendas, new_id, booking_answer, announcing, checking),
        admit,
        _now,
        lambda request: address_of(request, parts.settings.trusted_proxies),
    )


def _health(parts: Parts) -> Health:
    async def ping() -> None:
        await parts.database.call("SELECT 1", [])

    return Health(parts.settings.service_name, utc_now(), utc_now, ping)


def _count_failure(parts: Parts) -> Callable[[Request], Awaitable[None]]:
    limit = RateLimit(parts.settings.auth_failure_limit, MINUTE)

    async def count(request: Request) -> None:
        address = address_of(request, parts.settings.trusted_proxies)
        bucket = parts.keyring.fingerprint(f"address\0{address}".encode())
        await parts.rate_limits.take(bucket, limit, _now())

    return count
