"""Our mark on an event, and what it tells of who wrote to the event last.

Beside what people see, an event of ours carries whose it is, the draft's sequence and a
fingerprint of what people see: while that fits, nobody but us wrote to the event.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Final, TypeAlias
from uuid import UUID

from universal_calendar.services.ports.calendars import EventDraft

Seen: TypeAlias = Sequence[object]
"""What people see of an event, as values that JSON has, always in one order.

Read from the body that is sent and from the event that is answered they must be equal:
write instants in UTC, and nothing where a provider leaves out a default.
"""
Mark: TypeAlias = Mapping[str, object]

NAMES: Final = ("tenantId", "appointmentId", "sequence", "fingerprint")


class Finding(Enum):
    """How an event that was found compares with the draft that is to be written."""

    AS_DRAFTED = "nothing is left to do: an answer was lost, or a later draft won"
    OURS = "it is as we left it: write"
    CHANGED = "somebody else wrote to it"


def mark_of(draft: EventDraft, seen: Seen) -> dict[str, str]:
    """Return what an event is to carry that shows what people are to see."""
    return {
        "tenantId": str(draft.tenant_id),
        "appointmentId": str(draft.appointment_id),
        "sequence": str(draft.sequence),
        "fingerprint": fingerprint(seen),
    }


def fingerprint(seen: Seen) -> str:
    """Return 64 characters that change with anything that is seen."""
    return hashlib.sha256(json.dumps(list(seen)).encode()).hexdigest()


def compare(found: Mark, seen: Seen, wanted: Mark) -> Finding:
    """Compare what an event carries and shows with what it would be given."""
    is_ours = found.get("appointmentId") == wanted["appointmentId"]
    if not is_ours or found.get("fingerprint") != fingerprint(seen):
        return Finding.CHANGED
    if all(found.get(name) == wanted[name] for name in NAMES):
        return Finding.AS_DRAFTED
    if _sequence(found) > _sequence(wanted):
        return Finding.AS_DRAFTED
    return Finding.OURS


def _sequence(mark: Mark) -> int:
    try:
        return int(str(mark.get("sequence")))
    except ValueError:
        return -1  # others may write there too


def appointment_of(found: Mark, tenant_id: UUID) -> UUID | None:
    """Return the appointment of an event that we wrote for this tenant."""
    if found.get("tenantId") != str(tenant_id):
        return None
    try:
        return UUID(str(found.get("appointmentId")))
    except ValueError:
        return None  # others may write there too
