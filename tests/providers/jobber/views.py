"""The company's records as GraphQL objects: fields, relations, connections."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from tests.providers.jobber.company import (
    Client,
    Company,
    Email,
    Item,
    Job,
    Json,
    Phone,
    Property,
    User,
    Visit,
)

T = TypeVar("T")
_MOST = 100


def connection(found: Sequence[T], view: Callable[[T], Json], asked: Json) -> Json:
    """Return a page of what was found, as the arguments of a connection ask."""
    start = int(asked["after"]) if asked.get("after") else 0
    end = start + min(asked.get("first") or _MOST, _MOST)
    page = found[start:end]
    info = {
        "endCursor": str(start + len(page)) if page else None,
        "startCursor": str(start) if page else None,
        "hasNextPage": end < len(found),
        "hasPreviousPage": start > 0,
    }
    nodes = [view(each) for each in page]
    return {"nodes": nodes, "pageInfo": info, "totalCount": len(found)}


def moment(value: datetime | None) -> str | None:
    """Write an instant as Jobber does."""
    return None if value is None else value.strftime("%Y-%m-%dT%H:%M:%SZ")


class Views:
    """Shows one company."""

    def __init__(self, company: Company) -> None:
        self._company = company

    def connected(
        self, found: Sequence[T], view: Callable[[T], Json]
    ) -> Callable[..., Json]:
        """Return the resolver of a connection field."""

        def resolve(_info: Any, **asked: Any) -> Json:
            return connection(found, view, asked)

        return resolve

    def account(self) -> Json:
        return {"id": self._company.id, "name": self._company.name}

    def user(self, user: User) -> Json:
        first, _, last = user.name.partition(" ")
        return {
            "id": user.id,
            "name": {"first": first, "last": last, "full": user.name},
            "email": {"raw": user.email, "isValid": True},
            "status": "ACTIVATED" if user.is_active else "DEACTIVATED",
            "availableForScheduling": user.is_active,
            "isCurrentUser": user is self._company.users[0],
            "timezone": self._company.zone.key,
        }

    def client(self, client: Client) -> Json:
        jobs = [each for each in self._company.jobs if each.property.client is client]
        return {
            "id": client.id,
            "firstName": client.first_name,
            "lastName": client.last_name,
            "companyName": client.company_name,
            "name": client.name,
            "isArchived": client.is_archived,
            "createdAt": moment(client.created_at),
            "phone": client.phones[0].number if client.phones else None,
            "email": client.emails[0].address if client.emails else None,
            "phones": [_phone(each, client) for each in client.phones],
            "emails": [_email(each, client) for each in client.emails],
            "clientProperties": self.connected(client.properties, self.property),
            "jobs": self.connected(jobs, self.job),
        }

    def property(self, place: Property) -> Json:
        street = " ".join(
            each for name in ("street1", "street2") if (each := place.address.get(name))
        )
        return {
            "id": place.id,
            "client": lambda _info: self.client(place.client),
            "address": {"id": place.id, **place.address, "street": street},
        }

    def job(self, job: Job) -> Json:
        total = sum(each["unitPrice"] * each["quantity"] for each in job.line_items)
        return {
            "id": job.id,
            "jobNumber": job.number,
            "title": job.title,
            "instructions": job.instructions,
            "jobStatus": "archived" if job.is_closed else "active",
            "total": float(total),
            "client": lambda _info: self.client(job.property.client),
            "property": lambda _info: self.property(job.property),
            "lineItems": self.connected(job.line_items, _line_item),
            "visits": self.connected(job.visits, self.visit),
        }

    def visit(self, visit: Visit) -> Json:
        return {
            **self.item(visit),
            "instructions": visit.instructions,
            "isComplete": visit.is_complete,
            "visitStatus": lambda _info, timezone=None: self._company.status_of(visit),
            "job": lambda _info: self.job(visit.job),
            "client": lambda _info: self.client(visit.job.property.client),
            "property": lambda _info: self.property(visit.job.property),
        }

    def item(self, item: Item) -> Json:
        users = [
            user
            for each in item.users
            if (user := self._company.user(each)) is not None
        ]
        return {
            "__typename": item.kind,
            "id": item.id,
            "title": item.title,
            "allDay": item.all_day,
            "startAt": moment(item.start),
            "endAt": moment(item.end),
            "assignedUsers": self.connected(users, self.user),
        }

    def scheduled(self, item: Item) -> Json:
        return self.visit(item) if isinstance(item, Visit) else self.item(item)


def _phone(phone: Phone, client: Client) -> Json:
    return {
        "id": phone.id,
        "number": phone.number,
        "normalizedPhoneNumber": phone.normalized,
        "primary": phone is client.phones[0],
    }


def _email(email: Email, client: Client) -> Json:
    is_first = email is client.emails[0]
    return {"id": email.id, "address": email.address, "primary": is_first}


def _line_item(item: Json) -> Json:
    return {**item, "totalPrice": item["unitPrice"] * item["quantity"]}
