"""The people of a company at the fake Jobber, and what they do there."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from tests.providers.jobber.company import (
    Client,
    Company,
    Email,
    Item,
    Job,
    Phone,
    User,
    Visit,
    encoded_id,
)
from universal_calendar.core.instant import to_datetime
from universal_calendar.core.interval import Interval

if TYPE_CHECKING:
    from tests.providers.jobber.server import JobberServer

T = TypeVar("T")


@dataclass
class Owner:
    """Acts in a company; each act tells the app by webhook, if it listens."""

    server: "JobberServer"
    company: Company

    def do(self, act: Callable[[], T]) -> T:
        return self.server.do(act)

    @property
    def account(self) -> str:
        """Return the account's id."""
        return self.company.id

    def credentials(self) -> dict[str, str]:
        """Return what opens the account, as OAuth gives it."""
        return self.do(lambda: self.server.jobber.consents.connect(self.account))

    def api_key(self) -> str:
        """Return a token that does not expire."""
        return self.do(lambda: self.server.jobber.consents.key(self.account))

    def technician(self, name: str) -> str:
        """Return the id of one of its people."""
        (found,) = (each.id for each in self.company.users if each.name == name)
        return found

    def employs(self, name: str) -> str:
        """Add somebody to its people; return their id."""
        mail = f"{name.split()[0].lower()}@example.com"
        user = User(encoded_id("User"), name, mail)
        self.do(lambda: self.company.users.append(user))
        return user.id

    def dismisses(self, name: str) -> None:
        """Deactivate one of its people."""
        (found,) = (each for each in self.company.users if each.name == name)
        found.is_active = False

    def adds_client(
        self,
        first_name: str,
        last_name: str = "",
        *,
        phone: str = "",
        email: str = "",
        street: str = "1 Elm St",
    ) -> Client:
        """Add a client with a property."""

        def add() -> Client:
            client = self.company.add_client(first_name, last_name)
            client.phones = [Phone(phone)] if phone else []
            client.emails = [Email(email)] if email else []
            self.company.add_property(
                client, street1=street, city="Springfield", postalCode="90210"
            )
            self._tell("CLIENT_CREATE", client.id)
            return client

        return self.do(add)

    def edits_client(
        self, client: Client, *, phone: str = "", email: str = "", name: str = ""
    ) -> None:
        """Change a client."""

        def edit() -> None:
            if phone:
                client.phones = [Phone(phone)]
            if email:
                client.emails = [Email(email)]
            if name:
                client.first_name, _, client.last_name = name.partition(" ")
            self._tell("CLIENT_UPDATE", client.id)

        self.do(edit)

    def removes_client(self, client: Client) -> None:
        """Delete a client."""

        def remove() -> None:
            self.company.clients.remove(client)
            self._tell("CLIENT_DESTROY", client.id)

        self.do(remove)

    def adds_visit(
        self,
        interval: Interval | None,
        *technicians: str,
        title: str = "Made there",
        client: Client | None = None,
        job: Job | None = None,
        value: float | None = None,
        all_day: bool = False,
    ) -> str:
        """Add a visit of a new job, or of one that is there; return its id.

        `technicians` are names; None for an interval leaves it unscheduled.
        """
        who = client or self._somebody()
        users = [self.technician(each) for each in technicians]

        def add() -> str:
            made = job or self.company.add_job(who.properties[0], title=title)
            if value is not None:
                line = {"id": encoded_id("JobLineItem"), "name": title, "quantity": 1.0}
                made.line_items.append({**line, "unitPrice": value})
            start, end = _edges(interval)
            visit = self.company.add_visit(
                made, start, end, title=title, users=users, all_day=all_day
            )
            self._tell("VISIT_CREATE", visit.id)
            return visit.id

        return self.do(add)

    def _somebody(self) -> Client:
        known = self.company.clients
        return known[0] if known else self.adds_client("Carol", "Client")

    def adds_item(
        self,
        kind: str,
        interval: Interval,
        *technicians: str,
        title: str = "Something",
        all_day: bool = False,
    ) -> str:
        """Add a Task, Event or Assessment; return its id."""
        users = [self.technician(each) for each in technicians]
        item = Item(encoded_id(kind), kind, title, *_edges(interval), all_day, users)
        self.do(lambda: self.company.others.append(item))
        return item.id

    def visit(self, visit_id: str) -> Visit:
        """Return a visit as it is; raise KeyError if there is none."""
        found = self.do(lambda: self.company.visit(visit_id))
        if found is None:
            raise KeyError(visit_id)
        return found

    @property
    def visits(self) -> list[Visit]:
        """Return every visit."""
        return self.do(lambda: list(self.company.visits))

    @property
    def jobs(self) -> list[Job]:
        """Return every job."""
        return self.do(lambda: list(self.company.jobs))

    @property
    def clients(self) -> list[Client]:
        """Return every client."""
        return self.do(lambda: list(self.company.clients))

    def moves(self, visit_id: str, interval: Interval | None) -> None:
        """Move a visit; None takes its time away."""
        visit = self.visit(visit_id)

        def move() -> None:
            visit.start, visit.end = _edges(interval)
            self._tell("VISIT_UPDATE", visit.id)

        self.do(move)

    def reassigns(self, visit_id: str, *technicians: str) -> None:
        """Give a visit to others, by name; to nobody if none is named."""
        users = [self.technician(each) for each in technicians]
        self.assigns(visit_id, *users)

    def assigns(self, visit_id: str, *users: str) -> None:
        """Give a visit to people, by their ids."""
        visit = self.visit(visit_id)

        def reassign() -> None:
            visit.users = list(users)
            self._tell("VISIT_UPDATE", visit.id)

        self.do(reassign)

    def retitles(self, visit_id: str, title: str) -> None:
        """Call a visit something else."""
        visit = self.visit(visit_id)

        def retitle() -> None:
            visit.title = title
            self._tell("VISIT_UPDATE", visit.id)

        self.do(retitle)

    def completes(self, visit_id: str) -> None:
        """Mark a visit as done."""
        visit = self.visit(visit_id)

        def complete() -> None:
            visit.is_complete = True
            self._tell("VISIT_COMPLETE", visit.id)

        self.do(complete)

    def deletes(self, visit_id: str) -> None:
        """Delete a visit; one of a schedule that is no visit likewise."""
        found = self.do(lambda: self.company.visit(visit_id))

        def delete() -> None:
            if found is not None:
                self.company.delete_visit(found)
            others = [each for each in self.company.others if each.id != visit_id]
            self.company.others = others
            self._tell("VISIT_DESTROY", visit_id)

        self.do(delete)

    def disconnects(self) -> None:
        """Take the app's access away."""
        self.do(lambda: self.server.jobber.disconnect(self.company))

    def expires_tokens(self) -> None:
        """Let every access token be one that has expired."""
        self.do(self.server.jobber.consents.passing.clear)

    def has_points(self, points: float, *, a_second: float = 500.0) -> None:
        """Say how many points the app has left here, and how fast they come back."""

        def leave() -> None:
            mine = self.server.jobber.points[self.account]
            mine.available()
            mine.left, mine.a_second = points, a_second

        self.do(leave)

    def _tell(self, topic: str, item: str) -> None:
        self.server.jobber.tell(self.company, topic, item)


def _edges(interval: Interval | None) -> tuple[datetime | None, datetime | None]:
    if interval is None:
        return None, None
    return to_datetime(interval.start), to_datetime(interval.end)
