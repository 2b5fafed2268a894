"""The figures: what each measures, and what is to be reached."""

from collections.abc import Callable
from typing import Final

from bench.arena import Arena
from bench.figures import (
    bookings,
    contention,
    free_slots,
    growth,
    syncs,
    tenant_api,
)
from bench.report import Figure

Measure = Callable[[Arena], Figure]

FIGURES: Final[dict[str, Measure]] = {
    "free-slots-90": free_slots.ninety_days,
    "free-slots-90-unchanged": free_slots.ninety_days_unchanged,
    "free-slots-90-first": free_slots.ninety_days_first,
    "free-slots-7": free_slots.seven_days,
    "free-slots-90-busy": free_slots.ninety_days_busy,
    "sync": syncs.rows,
    "sync-beside": syncs.beside,
    "contention": contention.one_slot,
    "availability-check": tenant_api.availability,
    "booking": bookings.booking,
    "booking-connected": bookings.booking_connected,
    "appointments": tenant_api.booking,
    "growth": growth.growth,
}
"""In the order of the report. Bookings come late: they change the agents."""
