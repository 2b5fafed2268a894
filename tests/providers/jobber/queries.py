"""What can be asked of the fake Jobber."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from tests.providers.jobber.company import Client, Company, Item, Json, User, Visit
from tests.providers.jobber.views import Views, connection

_LONGEST = timedelta(days=548)  # a year and a half


class Refused(Exception):
    """Told in `errors`, with a code."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.extensions = {"code": code}


class Queries:
    """The fields of Query, of one company."""

    def __init__(self, company: Company) -> None:
        self._company, self._views = company, Views(company)

    def fields(self) -> Json:
        """Return the root object."""
        return {
            "account": lambda _info: self._views.account(),
            "client": self._client,
            "clients": self._clients,
            "job": self._job,
            "jobs": self._jobs,
            "scheduledItems": self._scheduled_items,
            "user": self._user,
            "users": self._users,
            "visit": self._visit,
            "visits": self._visits,
        }

    def _client(self, _info: Any, **asked: Any) -> Json | None:
        client = self._company.client(asked["id"])
        return None if client is None else self._views.client(client)

    def _clients(self, _info: Any, **asked: Any) -> Json:
        found: Iterable[Client] = self._company.clients
        if asked.get("searchTerm") is not None:
            fields = asked.get("searchFields") or []
            found = (each for each in found if _is_like(each, asked, fields))
        wanted = (asked.get("filter") or {}).get("isArchived")
        if wanted is not None:
            found = (each for each in found if each.is_archived is wanted)
        return connection(list(found), self._views.client, asked)

    def _job(self, _info: Any, **asked: Any) -> Json | None:
        job = self._company.job(asked["id"])
        return None if job is None else self._views.job(job)

    def _jobs(self, _info: Any, **asked: Any) -> Json:
        (order,) = asked["sort"]
        assert order == {"key": "JOB_NUMBER", "direction": "DESCENDING"}
        found = sorted(self._company.jobs, key=lambda each: -each.number)
        return connection(found, self._views.job, asked)

    def _scheduled_items(self, _info: Any, **asked: Any) -> Json:
        wanted = asked["filter"]
        start, end = (
            datetime.fromisoformat(wanted["occursWithin"][edge])
            for edge in ("startAt", "endAt")
        )
        if end - start > _LONGEST:
            raise Refused("occursWithin is longer than 1.5 years", "INVALID_ARGUMENT")
        found: list[Item] = [
            each for each in self._company.items if each.overlaps(start, end)
        ]
        if "ALL" not in wanted["schedulingAspects"]:
            # Limited to the user who asks: nobody here wants that.
            me = self._company.users[0].id
            found = [each for each in found if me in each.users]
        return connection(found, self._views.scheduled, asked)

    def _user(self, _info: Any, **asked: Any) -> Json | None:
        user: User | None = self._company.users[0]
        if asked.get("id") is not None:
            user = self._company.user(asked["id"])
        return None if user is None else self._views.user(user)

    def _users(self, _info: Any, **asked: Any) -> Json:
        return connection(self._company.users, self._views.user, asked)

    def _visit(self, _info: Any, **asked: Any) -> Json | None:
        visit = self._company.visit(asked["id"])
        return None if visit is None else self._views.visit(visit)

    def _visits(self, _info: Any, **asked: Any) -> Json:
        bounds = (asked.get("filter") or {}).get("startAt") or {}
        found = [each for each in self._company.visits if _starts(each, bounds)]
        return connection(found, self._views.visit, asked)


def _starts(visit: Visit, bounds: Json) -> bool:
    if visit.start is None:
        return not bounds
    after, before = (
        datetime.fromisoformat(bounds[edge]) if edge in bounds else None
        for edge in ("after", "before")
    )
    return (after is None or visit.start >= after) and (
        before is None or visit.start <= before
    )


def _is_like(client: Client, asked: Json, fields: list[str]) -> bool:
    """Search as Jobber does: generously. A part is enough, and so are near misses."""
    term = asked["searchTerm"].lower()
    digits = re.sub(r"\D", "", term)
    texts = {
        "PHONES": [re.sub(r"\D", "", each.number) for each in client.phones],
        "EMAILS": [each.address.lower() for each in client.emails],
        "NAMES": [client.name.lower(), (client.company_name or "").lower()],
    }
    for name in fields:
        wanted = digits if name == "PHONES" else term
        for text in texts.get(name, ()):
            if wanted and text and (wanted in text or wanted[:6] == text[:6]):
                return True
    return False
