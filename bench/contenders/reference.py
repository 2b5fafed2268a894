"""The implementation that the agent guide describes, well written.

One SQL function call per day for the free slots; check, then insert, for a booking.
What the guide's sample leaves to its database is in `reference.sql`.
"""

import hmac
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import FastAPI, Header, HTTPException
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from pydantic import BaseModel, Field

from bench.contenders.serving import serve
from universal_calendar.store.database import Connection, Database

LONGEST_RANGE_DAYS: Final = 90
_INSERT: Final = """
    INSERT INTO calendar_events (agent_id, title, description, event_type, event_date,
        event_time, duration_minutes, participant_name, participant_email,
        participant_phone, status, created_via, metadata)
    VALUES (%s, %s, %s, 'appointment', %s, %s, %s, %s, %s, %s, 'confirmed', 'api', %s)
    RETURNING id
"""

ApiKey = Annotated[str | None, Header()]
Row = dict[str, Any]


class ExternalBookingRequest(BaseModel):
    """The guide's own model."""

    agent_id: UUID
    participant_name: str
    participant_email: str | None = None
    participant_phone: str | None = None
    booking_date: date
    booking_time: time
    duration_minutes: int = Field(default=30, gt=0, le=480)
    description: str | None = None
    external_reference_id: str | None = None
    api_key: str | None = None


def build(database: Database, api_key: str) -> FastAPI:
    """Build the guide's two endpoints."""
    app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})

    @app.get("/api/calendar/free-slots/{agent_id}")
    async def free_slots(
        agent_id: UUID,
        start_date: date,
        end_date: date,
        duration_minutes: int = 30,
        x_api_key: ApiKey = None,
    ) -> Any:
        _check_key(x_api_key, api_key)
        _check_range(start_date, end_date)
        async with database.connection() as connection:
            hours = await _hours(connection, agent_id)
            days = await _days(
                connection, agent_id, start_date, end_date, duration_minutes
            )
        return {
            "agent_id": agent_id,
            "start_date": start_date,
            "end_date": end_date,
            "timezone": hours["timezone"],
            "slot_duration_minutes": duration_minutes,
            "total_days_with_availability": len(days),
            "available_slots": days,
        }

    @app.post("/api/calendar/external-booking", status_code=201)
    async def external_booking(
        request: ExternalBookingRequest, x_api_key: ApiKey = None
    ) -> Any:
        _check_key(x_api_key or request.api_key, api_key)
        async with database.connection() as connection:
            _check_time(request, await _hours(connection, request.agent_id))
            await _check_free(connection, request)
            booking_id = await _insert(connection, request)
        return _answer(request, booking_id)

    return app


def _check_key(given: str | None, expected: str) -> None:
    if given is None or not hmac.compare_digest(given, expected):
        raise HTTPException(401, "Invalid API key")


def _check_range(first: date, last: date) -> None:
    if last < first:
        raise HTTPException(400, "end_date must be after start_date")
    if (last - first).days > LONGEST_RANGE_DAYS:
        raise HTTPException(400, "Date range cannot exceed 90 days")


async def _hours(connection: Connection, agent_id: UUID) -> Row:
    cursor = connection.cursor(row_factory=dict_row)
    await cursor.execute(
        "SELECT min_advance_booking_hours, max_advance_booking_days, timezone"
        " FROM business_hours WHERE agent_id = %s",
        [agent_id],
    )
    row = await cursor.fetchone()
    if row is None:
        raise HTTPException(404, f"Business hours not found for agent {agent_id}")
    return row


async def _days(
    connection: Connection, agent_id: UUID, first: date, last: date, minutes: int
) -> list[Row]:
    days = []
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        slots = await _slots(connection, agent_id, day, minutes)
        if slots:
            days.append(
                {
                    "date": day.isoformat(),
                    "day_of_week": day.strftime("%A"),
                    "total_slots": len(slots),
                    "slots": slots,
                }
            )
    return days


async def _slots(
    connection: Connection, agent_id: UUID, day: date, minutes: int
) -> list[Row]:
    cursor = await connection.execute(
        "SELECT start_time, end_time, is_available"
        " FROM get_available_slots(%s, %s, %s)",
        [agent_id, day, minutes],
    )
    return [
        {"start": start, "end": end, "duration_minutes": minutes}
        for start, end, is_available in await cursor.fetchall()
        if is_available
    ]


def _check_time(request: ExternalBookingRequest, hours: Row) -> None:
    zone = ZoneInfo(hours["timezone"])
    now = datetime.now(zone)  # noqa: TID251 - as the guide does, but in the zone
    if request.booking_date < now.date():
        raise HTTPException(400, "Cannot book in the past")
    least, most = hours["min_advance_booking_hours"], hours["max_advance_booking_days"]
    wanted = datetime.combine(request.booking_date, request.booking_time, zone)
    if wanted - now < timedelta(hours=least):
        message = f"Bookings must be made at least {least} hours in advance"
        raise HTTPException(400, message)
    if (request.booking_date - now.date()).days > most:
        raise HTTPException(400, f"Cannot book more than {most} days in advance")


async def _check_free(connection: Connection, request: ExternalBookingRequest) -> None:
    cursor = await connection.execute(
        "SELECT check_time_slot_available(%s, %s, %s, %s)",
        [
            request.agent_id,
            request.booking_date,
            request.booking_time,
            request.duration_minutes,
        ],
    )
    if await cursor.fetchone() != (True,):
        time = f"{request.booking_time:%H:%M} on {request.booking_date}"
        raise HTTPException(409, f"Time slot {time} is not available")


async def _insert(connection: Connection, request: ExternalBookingRequest) -> UUID:
    metadata = {
        "external_reference_id": request.external_reference_id,
        "booking_source": "external_api",
    }
    cursor = await connection.execute(
        _INSERT,
        [
            request.agent_id,
            f"External Booking - {request.participant_name}",
            request.description or "Booked via external API",
            request.booking_date,
            request.booking_time,
            request.duration_minutes,
            request.participant_name,
            request.participant_email,
            request.participant_phone,
            Jsonb(metadata),
        ],
    )
    row = await cursor.fetchone()
    if row is None:
        raise HTTPException(500, "Failed to create booking")
    booking_id: UUID = row[0]
    return booking_id


def _answer(request: ExternalBookingRequest, booking_id: UUID) -> Row:
    day, time = request.booking_date.isoformat(), f"{request.booking_time:%H:%M}"
    return {
        "status": "success",
        "booking_id": booking_id,
        "message": f"Booking confirmed for {day} at {time}",
        "details": {
            "event_id": booking_id,
            "agent_id": request.agent_id,
            "participant_name": request.participant_name,
            "booking_date": day,
            "booking_time": time,
            "duration_minutes": request.duration_minutes,
            "external_reference_id": request.external_reference_id,
        },
    }


if __name__ == "__main__":
    serve(build)
