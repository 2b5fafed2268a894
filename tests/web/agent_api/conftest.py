"""What people do with a calendar beside the agent API: hold time, cancel, look."""

from collections.abc import Awaitable, Callable
from datetime import date
from uuid import UUID

import pytest

from tests.harness.scenes.business import Business
from tests.harness.scenes.front_desk import FrontDesk
from universal_calendar.bootstrap.parts import Parts, new_id
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import MINUTE, from_datetime
from universal_calendar.core.interval import Interval
from universal_calendar.core.localtime import from_wall_clock, zone_named
from universal_calendar.services.booking.holds import Holds
from universal_calendar.services.ports.agendas import NewHold
from universal_calendar.services.ports.identity import Caller

Cancel = Callable[[Business, str], Awaitable[None]]
"""Cancels an appointment by the id that its booking was answered with."""

Hold = Callable[..., Awaitable[NewHold]]
"""Holds 30 minutes of a business's agent: day, minute of the day, seconds."""


@pytest.fixture
def cancel(parts: Parts) -> Cancel:
    """Return what cancels."""
    desk = FrontDesk(parts)

    async def cancel(business: Business, booking_id: str) -> None:
        now = from_datetime(utc_now())
        await desk.cancel(business.agent, UUID(booking_id), now)

    return cancel


@pytest.fixture
def hold(parts: Parts) -> Hold:
    """Return what places a hold."""
    holds = Holds(parts.agendas, parts.appointments, new_id)

    async def hold(
        business: Business, day: date, minute: int, ttl_seconds: int = 300
    ) -> NewHold:
        start = from_wall_clock(day, minute, zone_named(business.agent.timezone))
        wanted = Interval(start, start + 30 * MINUTE)
        caller = Caller(tenant_id=business.tenant_id)
        agent_id, now = business.agent.agent_id, from_datetime(utc_now())
        return await holds.place(caller, agent_id, wanted, now, ttl_seconds)

    return hold
