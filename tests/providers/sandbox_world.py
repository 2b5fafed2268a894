"""The sandbox as an exam's world."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.contracts.world import Seen
from tests.harness.outside.sandbox import Sandbox
from universal_calendar.core.instant import from_datetime, to_datetime
from universal_calendar.core.interval import Interval

BUSY: dict[str, dict[str, str]] = {
    "free": {"transparency": "transparent"},
    "declined": {"response": "declined"},
    "tentative": {"status": "tentative"},
    "away": {"kind": "outOfOffice"},
}


@dataclass(frozen=True)
class SandboxWorld:
    """Disturbs a sandbox by its control route."""

    sandbox: Sandbox

    def events(self, calendar: str) -> Sequence[Seen]:
        return [_seen(each) for each in self.sandbox.events(calendar)]

    def owner_adds(self, calendar: str, interval: Interval, **traits: str) -> str:
        event: dict[str, Any] = {"title": "Private", **_span(interval)}
        event |= BUSY.get(traits.get("busy", ""), {})
        if "days" in traits:
            first, last = traits["days"].split()
            event |= {"start": {"date": first}, "end": {"date": last}}
        if "repeat" in traits:
            every, count = traits["repeat"].split()
            event["recurrence"] = {"every": every, "count": int(count)}
            event["timeZone"] = traits["zone"]
        return str(self.sandbox.owner_adds(calendar, **event)["id"])

    def owner_moves(self, calendar: str, event_id: str, interval: Interval) -> None:
        self.sandbox.owner_changes(calendar, event_id, **_span(interval))

    def owner_deletes(self, calendar: str, event_id: str) -> None:
        self.sandbox.owner_deletes(calendar, event_id)

    def loses_answers(self, times: int) -> None:
        self.sandbox.fault("lost_answer", times=times)

    def is_slow(self, seconds: float) -> None:
        self.sandbox.fault("latency", times=1, seconds=seconds)

    def hangs(self) -> None:
        self.sandbox.fault("hang", times=1)

    def breaks_off(self) -> None:
        self.sandbox.fault("drop", times=1)

    def fails(self, status: int) -> None:
        self.sandbox.fault("failure", times=1, status=status)

    def throttles(self, seconds: int, *, as_date: bool) -> None:
        self.sandbox.fault("throttle", times=1, seconds=seconds, asDate=as_date)

    def expires_tokens(self) -> None:
        self.sandbox.fault("expired_token", times=1)

    def revokes(self) -> None:
        self.sandbox.fault("revoked", times=1)

    def forgets_changes(self, calendar: str) -> None:
        self.sandbox.forget_changes(calendar)

    def dies(self) -> None:
        self.sandbox.kill()

    def rises(self) -> None:
        self.sandbox.start()


def _span(interval: Interval) -> dict[str, dict[str, str]]:
    return {
        edge: {"at": f"{to_datetime(instant):%Y-%m-%dT%H:%M:%SZ}"}
        for edge, instant in (("start", interval.start), ("end", interval.end))
    }


def _seen(event: dict[str, Any]) -> Seen:
    start, end = (
        from_datetime(datetime.fromisoformat(event[edge]["at"]))
        for edge in ("start", "end")
    )
    return Seen(
        event["id"],
        event["title"],
        event.get("description"),
        event.get("location"),
        Interval(start, end),
    )
