"""Our marks on jobs and visits, and what people see of a visit beside them.

A job of ours bears the key of its event, and a visit who wrote it last and what: both
at the end of their instructions, where people see them and may take them away.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

from universal_calendar.core.instant import Instant, from_datetime, instant_text
from universal_calendar.providers._fingerprint import (
    Mark,
    Seen,
    appointment_of,
    fingerprint,
)
from universal_calendar.providers._json import Json, id_of
from universal_calendar.services.ports.calendars import EventDraft

_MARK: Final = re.compile(r"\s*\[Universal Calendar ([\w-]+={0,2})\]", re.ASCII)
_FORM: Final = 80
"""Bytes of a visit's mark."""


def job_mark(draft: EventDraft) -> str:
    """Return what a job of ours says of itself."""
    return f"[Universal Calendar {draft.event_key}]"


def is_job_of(draft: EventDraft, job: Json) -> bool:
    """Tell whether a job is the one that was made for this draft."""
    return job_mark(draft) in (job.get("instructions") or "")


def token_of(mark: Mark, job_id: str) -> str:
    """Write a mark; who copies a visit into another job does not copy its job."""
    form = (
        UUID(str(mark["tenantId"])).bytes
        + UUID(str(mark["appointmentId"])).bytes
        + int(str(mark["sequence"])).to_bytes(8, "big")
        + bytes.fromhex(str(mark["fingerprint"]))
        + _trace(job_id)
    )
    return urlsafe_b64encode(form).decode()


def _trace(job_id: str) -> bytes:
    return sha256(job_id.encode()).digest()[:8]


def read_mark(visit: Json) -> Mark:
    """Read the mark of a visit; an empty one where there is none of ours."""
    for token in _MARK.findall(visit.get("instructions") or ""):
        try:
            form = urlsafe_b64decode(token)
        except ValueError:
            continue
        if len(form) == _FORM and form[72:] == _trace(visit["job"]["id"]):
            return {
                "tenantId": str(UUID(bytes=form[:16])),
                "appointmentId": str(UUID(bytes=form[16:32])),
                "sequence": str(int.from_bytes(form[32:40], "big")),
                "fingerprint": form[40:72].hex(),
            }
    return {}


def is_blank(visit: Json) -> bool:
    """Tell whether a visit came with its job, and nobody did anything with it."""
    return visit["startAt"] is None and not visit.get("instructions")


# What people see of a visit


def seen_of(visit: Json) -> Seen:
    """Return what people see of a visit: what is not our mark."""
    edges = tuple(
        None if visit[each] is None else instant_text(instant_of(visit[each]))
        for each in ("startAt", "endAt")
    )
    text = _MARK.sub("", visit.get("instructions") or "")
    title, all_day = visit["title"], bool(visit["allDay"])
    return seen_as(edges, users_of(visit), title, text, all_day=all_day)


def seen_as(
    edges: tuple[str | None, ...],
    users: Sequence[str],
    title: object,
    text: str,
    *,
    all_day: bool,
) -> Seen:
    """Return what people see, in the one order in which it is compared."""
    # White space alone is no edit of a person: Jobber may trim it.
    return [*edges, all_day, sorted(users), str(title or "").split(), text.split()]


def instant_of(text: str) -> Instant:
    """Read an instant."""
    return from_datetime(datetime.fromisoformat(text))


def users_of(item: Json) -> list[str]:
    """Return the ids of those who are assigned to an item."""
    return [id_of(each) for each in (item["assignedUsers"] or {}).get("nodes", ())]


def etag_of(visit: Json) -> str:
    """Return what changes with anything that people see of a visit."""
    return fingerprint(seen_of(visit))


def appointment_id_of(item: Json, tenant_id: UUID) -> UUID | None:
    """Return the appointment of a visit that we wrote for this tenant."""
    if item["__typename"] != "Visit":
        return None
    return appointment_of(read_mark(item), tenant_id)
