"""The audit log in the tenant API: who did what, when and from where."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from pydantic import Field

from universal_calendar.core.instant import instant_text
from universal_calendar.services.ports.appointments import Page
from universal_calendar.services.ports.audit import AuditEntry, AuditFilter, AuditPage
from universal_calendar.services.ports.identity import ActorKind, Role
from universal_calendar.web.tenant_api.appointment_answers import Pagination
from universal_calendar.web.tenant_api.fields import (
    Answered,
    Id,
    Inputs,
    Moment,
    PageLimit,
    PageNumber,
    Token,
)
from universal_calendar.web.tenant_api.openapi import AnyOperation
from universal_calendar.web.tenant_api.operation import Call, Data, Operation

_TAG: Final = "Audit"


class ListAudit(Inputs):
    """Which entries: from one moment on to before another, of one actor, …."""

    tenant_id: Id | None = None
    first: Annotated[Moment | None, Field(alias="from")] = None
    before: Annotated[Moment | None, Field(alias="to")] = None
    actor_id: Token | None = None
    action: Token | None = None
    subject_id: Token | None = None
    page: PageNumber = 1
    limit: PageLimit = 20


class EntryAnswer(Answered):
    """One thing that was done; ids only."""

    id: UUID
    at: datetime
    actor_kind: ActorKind
    actor_id: str
    action: str
    subject_id: str
    address: str | None
    request_id: str | None


class AuditList(Answered):
    """A page of entries, the latest first."""

    entries: list[EntryAnswer]
    pagination: Pagination


@dataclass(frozen=True, slots=True)
class AuditApi:
    """The handler; it needs nothing but the call's unit."""

    def operations(self) -> list[AnyOperation]:
        """Return the endpoint."""
        return [
            Operation(
                "GET",
                "/audit",
                "Read the audit log",
                _TAG,
                Role.OWNER,
                ListAudit,
                self.list,
                AuditList,
            )
        ]

    async def list(self, call: Call, inputs: ListAudit) -> Data:
        """Return a page of entries."""
        wanted = AuditFilter(
            inputs.first,
            inputs.before,
            inputs.actor_id,
            inputs.action,
            inputs.subject_id,
        )
        page = Page(inputs.page, inputs.limit)
        return _written(await call.unit.audit.entries(wanted, page), page)


def _written(found: AuditPage, page: Page) -> Data:
    return {
        "entries": [_entry(each) for each in found.entries],
        "pagination": {
            "page": page.number,
            "limit": page.limit,
            "total": found.total,
            "pages": -(-found.total // page.limit),
        },
    }


def _entry(entry: AuditEntry) -> Data:
    return {
        "id": entry.entry_id,
        "at": instant_text(entry.at),
        "actorKind": entry.actor.kind,
        "actorId": entry.actor.actor_id,
        "action": entry.action,
        "subjectId": entry.subject_id,
        "address": entry.actor.address,
        "requestId": entry.actor.request_id,
    }
