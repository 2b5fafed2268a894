"""A CalDAV server and the proxy before it as an exam's world."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import icalendar
from caldav import DAVClient

from tests.contracts.world import Seen
from tests.providers.caldav.objects import event_text, lines_of, new_uid
from tests.providers.caldav.proxy import Fault, Proxy
from tests.providers.caldav.servers import DavServer
from universal_calendar.core.instant import from_datetime, to_datetime
from universal_calendar.core.interval import Interval


@dataclass(frozen=True)
class DavWorld:
    """Disturbs by the proxy, and looks past it by the `caldav` library."""

    server: DavServer
    proxy: Proxy
    user: str

    def events(self, calendar: str) -> Sequence[Seen]:
        address = f"http://127.0.0.1:{self.server.port}/"
        with DAVClient(address, headers={"X-Remote-User": self.user}) as client:
            found = client.calendar(url=urljoin(address, path_of(calendar))).events()
            return [_seen(str(each.url), each.icalendar_component) for each in found]

    def event_at(self, calendar: str, interval: Interval) -> str | None:
        """Return the event that takes just this time."""
        address = f"http://127.0.0.1:{self.server.port}/"
        edges = [to_datetime(interval.start), to_datetime(interval.end)]
        with DAVClient(address, headers={"X-Remote-User": self.user}) as client:
            found = client.calendar(url=urljoin(address, path_of(calendar))).events()
            for each in found:
                event = each.icalendar_component
                if [event.decoded(edge) for edge in ("DTSTART", "DTEND")] == edges:
                    return unquote(str(each.url)).rpartition("/")[2]
        return None

    def owner_adds(self, calendar: str, interval: Interval, **traits: str) -> str:
        uid = new_uid()
        text = event_text(uid, *lines_of(interval, self.user, **traits))
        return self.owner_puts(calendar, f"{uid}.ics", text)

    def owner_puts(self, calendar: str, name: str, text: str) -> str:
        self.server.put(self.user, f"{path_of(calendar)}{name}", text)
        return name

    def owner_moves(self, calendar: str, event_id: str, interval: Interval) -> None:
        path = f"{path_of(calendar)}{event_id}"
        text = self.server.ask(self.user, "GET", path).text
        found = icalendar.Calendar.from_ical(text)
        (event,) = found.walk("VEVENT")
        for name, instant in (("DTSTART", interval.start), ("DTEND", interval.end)):
            del event[name]
            event.add(name, to_datetime(instant))
        self.owner_puts(calendar, event_id, found.to_ical().decode())

    def owner_deletes(self, calendar: str, event_id: str) -> None:
        self.server.ask(self.user, "DELETE", f"{path_of(calendar)}{event_id}")

    def loses_answers(self, times: int) -> None:
        self.proxy.faults.extend([Fault("lost_answer")] * times)

    def is_slow(self, seconds: float) -> None:
        self.proxy.faults.append(Fault("latency", seconds))

    def hangs(self) -> None:
        self.proxy.faults.append(Fault("hang"))

    def breaks_off(self) -> None:
        self.proxy.faults.append(Fault("drop"))

    def fails(self, status: int) -> None:
        self.proxy.faults.append(Fault("failure", status=status))

    def throttles(self, seconds: int, *, as_date: bool) -> None:
        self.proxy.faults.append(Fault("throttle", seconds, as_date=as_date))

    def expires_tokens(self) -> None:
        """Do nothing: a password does not expire."""

    def revokes(self) -> None:
        self.proxy.passwords.clear()

    def forgets_changes(self, calendar: str) -> None:
        if self.server.kind.name == "radicale":
            folder = self.server.folder / "collections" / "collection-root"
            for cache in _caches(folder / unquote(path_of(calendar)).strip("/")):
                shutil.rmtree(cache)
        else:
            self.proxy.forgets += 1

    def dies(self) -> None:
        self.server.kill()

    def rises(self) -> None:
        self.server.start()


def path_of(calendar: str) -> str:
    """Return a calendar's path on the server, which may be all of its name."""
    return urlsplit(calendar).path


def _caches(calendar: Path) -> list[Path]:
    return [each for each in calendar.glob(".Radicale.cache") if each.is_dir()]


def _seen(url: str, event: icalendar.Component) -> Seen:
    start, end = (from_datetime(event.decoded(edge)) for edge in ("DTSTART", "DTEND"))
    texts = [
        None if name not in event else str(event[name])
        for name in ("SUMMARY", "DESCRIPTION", "LOCATION")
    ]
    return Seen(
        unquote(url).rstrip("/").rpartition("/")[2],
        texts[0] or "",
        texts[1],
        texts[2],
        Interval(start, end),
    )
