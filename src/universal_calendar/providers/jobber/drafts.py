"""Appointments as Jobber is to have them: jobs, and visits that are as wanted."""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from universal_calendar.core.instant import Instant, instant_text
from universal_calendar.core.localtime import wall_clock, zone_named
from universal_calendar.providers._addresses import parse_address
from universal_calendar.providers._fingerprint import Mark, Seen, mark_of
from universal_calendar.providers._json import Json
from universal_calendar.providers.jobber.mapping import address_of
from universal_calendar.providers.jobber.marks import (
    job_mark,
    seen_as,
    seen_of,
    token_of,
    users_of,
)
from universal_calendar.services.ports.calendars import EventDraft


@dataclass(frozen=True, slots=True)
class Wanted:
    """A visit as it is to be: who has it, what it says, and the mark it bears."""

    draft: EventDraft
    job_id: str
    users: Sequence[str]
    text: str

    @property
    def seen(self) -> Seen:
        """Return what people are to see."""
        interval, draft = self.draft.interval, self.draft
        edges = (instant_text(interval.start), instant_text(interval.end))
        return seen_as(edges, self.users, draft.title, self.text, all_day=False)

    @property
    def mark(self) -> Mark:
        """Return the mark, as it compares."""
        return mark_of(self.draft, self.seen)

    @property
    def texts(self) -> dict[str, str]:
        """Return VisitEditAttributes."""
        token = token_of(self.mark, self.job_id)
        lines = filter(None, (self.text, f"[Universal Calendar {token}]"))
        return {"title": self.draft.title, "instructions": "\n\n".join(lines)}

    @property
    def schedule(self) -> dict[str, dict[str, str]]:
        """Return VisitEditScheduleInput: wall-clock times of the draft's zone."""
        zone = zone_named(self.draft.timezone)
        interval = self.draft.interval
        return {
            "startAt": _local(interval.start, zone),
            "endAt": _local(interval.end, zone),
        }


def wanted(draft: EventDraft, job_id: str, visit: Json | None) -> Wanted:
    """Return the visit of a draft; `visit` is what is there already."""
    given = draft.visit.technicians if draft.visit else ()
    there = users_of(visit) if visit else []
    keeps = bool(set(there) & set(given))
    users = there if keeps else list(given[:1])
    place = visit["property"]["address"] if visit else None
    return Wanted(draft, job_id, users, _text(draft, place))


def _text(draft: EventDraft, place: Json | None) -> str:
    lines = [draft.description]
    if draft.visit and draft.visit.urgency not in (None, "normal"):
        lines.append(f"Urgency: {draft.visit.urgency}")
    there, wanted_at = address_of(place), parse_address(draft.location or "")
    if place is not None and draft.location and not there.is_same(wanted_at):
        # A job stays at its property: where to go instead, people read here.
        lines.append(f"Address: {draft.location}")
    return "\n".join(line for line in lines if line)


def _local(instant: Instant, zone: ZoneInfo) -> dict[str, str]:
    shown = wall_clock(instant, zone)
    if shown.fold:
        # An hour that comes twice: the second is named best in UTC.
        return _local(instant, zone_named("UTC"))
    return {
        "date": shown.date().isoformat(),
        "time": shown.time().isoformat(timespec="seconds"),
        "timezone": zone.key,
    }


def is_moved(visit: Json, wish: Wanted) -> bool:
    """Tell whether a visit is at another time than it is to be."""
    return list(seen_of(visit))[:3] != list(wish.seen)[:3]


def is_reassigned(visit: Json, wish: Wanted) -> bool:
    """Tell whether others have a visit than are to have it."""
    return sorted(users_of(visit)) != sorted(wish.users)


def new_job(draft: EventDraft, property_id: str) -> Json:
    """Return JobCreateAttributes: a job without visits, which is billed once done."""
    body: Json = {
        "propertyId": property_id,
        "title": draft.title,
        "instructions": job_mark(draft),
        "scheduling": {"createVisits": False, "notifyTeam": False},
        "invoicing": {
            "invoicingType": "FIXED_PRICE",
            "invoicingSchedule": "ON_COMPLETION",
        },
        "lineItems": _line_items(draft),
    }
    if draft.visit and draft.visit.customer.notes:
        body["notes"] = [{"message": draft.visit.customer.notes}]
    return body


def _line_items(draft: EventDraft) -> list[Json]:
    visit = draft.visit
    if visit is None or (visit.job_type is None and visit.value is None):
        return []
    return [
        {
            "name": visit.job_type or draft.title,
            "unitPrice": float(visit.value or 0),
            "quantity": 1.0,
            "saveToProductsAndServices": False,
        }
    ]


def new_visit(wish: Wanted) -> Json:
    """Return VisitCreateAttributes; whoever is to do it hears of it from Jobber."""
    schedule = {
        **wish.schedule,
        "teamMemberIdsToAssign": list(wish.users),
        "notifyTeam": bool(wish.users),
    }
    return {**wish.texts, "schedule": schedule}
