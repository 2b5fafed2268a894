"""Between Jobber's JSON and ours; what is malformed raises ValueError and such.

Vendor's reference: https://developer.getjobber.com/docs
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from universal_calendar.core.busy import BusyType
from universal_calendar.core.interval import Interval
from universal_calendar.core.localtime import (
    local_date,
    local_day,
    zone_named,
)
from universal_calendar.providers._addresses import Address, read_address
from universal_calendar.providers._json import Json, id_of, text_of
from universal_calendar.providers._phones import international
from universal_calendar.providers.jobber.marks import (
    appointment_id_of,
    etag_of,
    instant_of,
    users_of,
)
from universal_calendar.services.ports.calendars import (
    ChangedEvent,
    ProviderAccount,
    ProviderCalendar,
    WrittenEvent,
)
from universal_calendar.services.ports.visits import (
    NOBODY,
    Customer,
    Technician,
    Visit,
    VisitStatus,
)

SCHEDULE: Final = "schedule"
"""The one calendar of an account."""
_STATUSES: Final = {
    "ACTIVE": VisitStatus.IN_PROGRESS,
    "COMPLETED": VisitStatus.COMPLETED,
    "LATE": VisitStatus.SCHEDULED,
    "TODAY": VisitStatus.SCHEDULED,
    "UNSCHEDULED": VisitStatus.CANCELLED,
    "UPCOMING": VisitStatus.SCHEDULED,
}
_ADDRESS: Final = ("street1", "street2", "city", "province", "postalCode")


def account_of(data: Json) -> ProviderAccount:
    """Read whose account it is; its schedule bears the company's name."""
    account, user = data["account"], data["user"] or {}
    name = text_of(account["name"]) or id_of(account)
    calendar = ProviderCalendar(
        SCHEDULE, name, is_primary=True, is_writable=True, is_schedule=True
    )
    return ProviderAccount(id_of(account), (calendar,), text_of(user.get("timezone")))


def technician_of(user: Json) -> Technician:
    """Read somebody who may be assigned to visits."""
    name = text_of(user["name"]["full"]) or id_of(user)
    email = text_of((user.get("email") or {}).get("raw"))
    return Technician(id_of(user), name, email, user["status"] != "DEACTIVATED")


def zone_of(data: Json) -> ZoneInfo:
    """Return the account's zone, in which its days begin and end."""
    return zone_named(str((data["user"] or {}).get("timezone") or "UTC"))


def interval_of(item: Json, zone: ZoneInfo) -> Interval | None:
    """Return when an item of the schedule is; None where it takes no time."""
    if item["startAt"] is None:
        return None
    start = instant_of(item["startAt"])
    end = start if item["endAt"] is None else instant_of(item["endAt"])
    if item["allDay"]:
        # Its last day is one that it ends in, however late.
        last = local_date(max(start, end - 1), zone)
        first = local_date(start, zone)
        return Interval(local_day(first, zone).start, local_day(last, zone).end)
    return Interval(start, end) if start < end else None


def technicians_of(item: Json) -> tuple[str, ...]:
    """Return whose time an item takes."""
    return tuple(users_of(item)) or (NOBODY,)


def busy_of(item: Json) -> BusyType | None:
    """Return how an item takes time: reminders of quotes and invoices take none."""
    return None if str(item["__typename"]).endswith("Reminder") else BusyType.BUSY


def changed_event(
    item: Json, zone: ZoneInfo, window: Interval, tenant_id: UUID
) -> ChangedEvent | None:
    """Read an item of the schedule; None for one of others outside the window."""
    interval, is_visit = interval_of(item, zone), item["__typename"] == "Visit"
    appointment_id = appointment_id_of(item, tenant_id)
    if interval and appointment_id is None and not interval.overlaps(window):
        return None
    return ChangedEvent(
        event_id=id_of(item),
        etag=etag_of(item) if is_visit else None,
        is_deleted=interval is None,
        is_all_day=bool(item["allDay"]),
        busy=busy_of(item) if interval else None,
        intervals=(interval,) if interval else (),
        appointment_id=appointment_id,
        technicians=technicians_of(item),
        visit=visit_of(item, interval) if is_visit else None,
    )


def visit_of(visit: Json, interval: Interval | None) -> Visit:
    """Read a visit, with its job's value and kind."""
    job, client = visit["job"], visit["client"]
    lines = job["lineItems"]["nodes"]
    status = _STATUSES.get(str(visit["visitStatus"]), VisitStatus.SCHEDULED)
    return Visit(
        job_id=id_of(job),
        visit_id=id_of(visit),
        status=status if interval else VisitStatus.CANCELLED,
        technicians=technicians_of(visit),
        interval=interval,
        title=text_of(visit["title"]) or text_of(job["title"]) or "",
        customer_id=id_of(client),
        customer=customer_of(client, visit["property"]["address"]),
        job_type=text_of(lines[0]["name"]) if lines else None,
        value=Decimal(str(job["total"])) if lines else None,
    )


def customer_of(client: Json, address: Mapping[str, str | None] | None) -> Customer:
    """Read a client, with this address."""
    place = address_of(address)
    return Customer(
        text_of(client["name"]),
        international(client.get("phone")),
        text_of(client.get("email")),
        place.line if place.is_known else None,
    )


def address_of(told: Mapping[str, str | None] | None) -> Address:
    """Read an address, of which nothing may be known."""
    return read_address(told, _ADDRESS)


def address_body(address: Address) -> dict[str, str]:
    """Return AddressAttributes."""
    parts = address.named(_ADDRESS)
    return {name: text for name, text in parts.items() if text}


def written_event(visit: Json, timezone: str) -> WrittenEvent:
    """Read what is to be remembered of a visit that was written."""
    interval = interval_of(visit, zone_named(timezone))
    return WrittenEvent(id_of(visit), etag_of(visit), visit_of(visit, interval))
