"""Blocks in the tenant API."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import Field

from universal_calendar.core.instant import instant_text
from universal_calendar.services.booking.appointment_reading import Days
from universal_calendar.services.booking.blocks import Blocks, NewBlock
from universal_calendar.services.ports.appointments import Page
from universal_calendar.services.ports.blocks import (
    Block,
    BlockedAppointment,
    BlockPage,
)
from universal_calendar.services.ports.identity import Role
from universal_calendar.web.tenant_api.appointment_answers import Pagination
from universal_calendar.web.tenant_api.fields import (
    Answered,
    Day,
    Id,
    Inputs,
    Moment,
    Name,
    OfTenant,
    PageLimit,
    PageNumber,
    Text,
    Zone,
)
from universal_calendar.web.tenant_api.openapi import AnyOperation
from universal_calendar.web.tenant_api.operation import Call, Data, Operation, Source

_TAG: Final = "Availability"
_ID: Final = "blockId"
_SOFT: Final = "soft"
_HARD: Final = "hard"

Json = dict[str, Any]

BlockType = Literal["soft", "hard"]


class CreateBlock(Inputs):
    """A time that nobody may book; a soft block gives way to an emergency."""

    tenant_id: Id | None = None
    agent_id: Annotated[Id | None, Field(description="Default: every agent.")] = None
    start_time: Moment
    end_time: Moment
    title: Name | None = None
    reason: Annotated[Text, Field(max_length=1000)] | None = None
    block_type: BlockType = "hard"


class ListBlocks(Inputs):
    """Blocks by the local day of their start; an agent's are everybody's too."""

    tenant_id: Id | None = None
    start_date: Day | None = None
    end_date: Day | None = None
    timezone: Annotated[
        Zone | None, Field(description="Of the days; default: the tenant's.")
    ] = None
    agent_id: Id | None = None
    page: PageNumber = 1
    limit: PageLimit = 20


class ConflictingAppointment(Answered):
    """An appointment in the blocked time; it stays as it is."""

    appointment_id: UUID
    start_time: datetime
    end_time: datetime
    agent_id: UUID


class CreatedBlock(Answered):
    """A new block, and what lies in its time."""

    block_id: UUID
    created: Literal[True]
    conflicting_appointments: list[ConflictingAppointment]


class BlockAnswer(Answered):
    """A block; without an agent it is everybody's."""

    id: UUID
    agent_id: UUID | None
    start_time: datetime
    end_time: datetime
    block_type: BlockType
    title: str | None
    reason: str | None
    created_at: datetime


class BlockList(Answered):
    """A page of blocks by start and then id."""

    blocks: list[BlockAnswer]
    pagination: Pagination


class RemovedBlock(Answered):
    """The time is free again."""

    removed: Literal[True]


@dataclass(frozen=True, slots=True)
class BlocksApi:
    """The handlers, with what they need."""

    blocks: Blocks

    def operations(self) -> list[AnyOperation]:
        """Return the endpoints."""
        return [
            Operation(
                "POST",
                "/availability/block",
                "Block a time; appointments in it stay, and are listed",
                _TAG,
                Role.OPERATOR,
                CreateBlock,
                self.create,
                CreatedBlock,
                source=Source.BODY,
            ),
            Operation(
                "GET",
                "/availability/blocks",
                "List blocks",
                _TAG,
                Role.VIEWER,
                ListBlocks,
                self.list,
                BlockList,
            ),
            Operation(
                "DELETE",
                f"/availability/blocks/{{{_ID}}}",
                "Give a blocked time back",
                _TAG,
                Role.OPERATOR,
                OfTenant,
                self.remove,
                RemovedBlock,
                source=Source.BODY_OR_QUERY,
            ),
        ]

    async def create(self, call: Call, inputs: CreateBlock) -> Data:
        """Block a time."""
        new = NewBlock(
            inputs.start_time,
            inputs.end_time,
            inputs.agent_id,
            is_soft=inputs.block_type == _SOFT,
            title=inputs.title,
            reason=inputs.reason,
        )
        return created(*await self.blocks.add(call.unit, new))

    async def list(self, call: Call, inputs: ListBlocks) -> Data:
        """Return a page of blocks."""
        days = Days(inputs.start_date, inputs.end_date, inputs.timezone)
        page = Page(inputs.page, inputs.limit)
        found = await self.blocks.page(call.unit, days, inputs.agent_id, page)
        return listed(found, page)

    async def remove(self, call: Call, _inputs: OfTenant) -> Data:
        """Remove a block."""
        await self.blocks.remove(call.unit, call.id(_ID))
        return {"removed": True}


def created(block: Block, conflicting: Sequence[BlockedAppointment]) -> Json:
    """Write a CreatedBlock."""
    return {
        "blockId": block.block_id,
        "created": True,
        "conflictingAppointments": [_conflicting(each) for each in conflicting],
    }


def listed(found: BlockPage, page: Page) -> Json:
    """Write a BlockList."""
    return {
        "blocks": [_block(each) for each in found.blocks],
        "pagination": {
            "page": page.number,
            "limit": page.limit,
            "total": found.total,
            "pages": -(-found.total // page.limit),
        },
    }


def _conflicting(appointment: BlockedAppointment) -> Data:
    return {
        "appointmentId": appointment.appointment_id,
        "startTime": instant_text(appointment.interval.start),
        "endTime": instant_text(appointment.interval.end),
        "agentId": appointment.agent_id,
    }


def _block(block: Block) -> Data:
    return {
        "id": block.block_id,
        "agentId": block.agent_id,
        "startTime": instant_text(block.interval.start),
        "endTime": instant_text(block.interval.end),
        "blockType": _SOFT if block.is_soft else _HARD,
        "title": block.title,
        "reason": block.reason,
        "createdAt": instant_text(block.created_at),
    }
