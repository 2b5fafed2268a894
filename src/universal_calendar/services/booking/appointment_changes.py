"""Changing what was booked: the one way in which anything moves or cancels it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

from universal_calendar.core.agenda import Agenda
from universal_calendar.core.appointment import (
    AppointmentStatus,
    authority_of,
    check_open,
    check_step,
)
from universal_calendar.core.booking import check_availability, check_timing
from universal_calendar.core.errors import (
    InvalidField,
    SlotUnavailable,
    Unavailability,
)
from universal_calendar.core.instant import DAY, Instant
from universal_calendar.core.interval import Interval
from universal_calendar.core.silence import Silence
from universal_calendar.core.wanted import ExactTime
from universal_calendar.services.booking.appointments import SETTLING
from universal_calendar.services.booking.settling import Settlement, Unsettled
from universal_calendar.services.booking.surroundings import Outlook, Place, look_around
from universal_calendar.services.ports.agendas import AgendaQuery
from universal_calendar.services.ports.appointments import (
    Appointment,
    AppointmentDetails,
    NewNotice,
    Outcome,
    Person,
)
from universal_calendar.services.ports.identity import Actor, Caller, NewId
from universal_calendar.services.ports.notices import NoticeKind
from universal_calendar.services.ports.units import Unit, Units

LONGEST_DAYS: Final = 31
_DATA: Final = "appointmentData"
_END: Final = f"{_DATA}.endTime"


def _same_person(person: Person) -> Person:
    return person


def _same_details(details: AppointmentDetails) -> AppointmentDetails:
    return details


@dataclass(frozen=True, slots=True)
class Revision:
    """What is to be different; None leaves a field as it is.

    A new start alone keeps the length. The details' urgency and `is_forced` say what a
    move may pass. `status` must be the one that the appointment has. Without
    `tells_customer` its customer hears of no change. `technician_id` is a platform's,
    of whom the visit there is to be. `section` is where the request has the times, for
    errors.
    """

    agent_id: UUID | None = None
    start: Instant | None = None
    end: Instant | None = None
    person: Callable[[Person], Person] = _same_person
    details: Callable[[AppointmentDetails], AppointmentDetails] = _same_details
    is_forced: bool = False
    hold_id: UUID | None = None
    status: AppointmentStatus | None = None
    tells_customer: bool = True
    technician_id: str | None = None
    section: str = _DATA


@dataclass(frozen=True, slots=True)
class Cancellation:
    """Why an appointment is cancelled, and whether its customer is to be told."""

    reason: str
    tells_customer: bool = True
    notes: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Changed:
    """A change, and what it left to be settled.

    `silences` are calendars of which too little was known to judge it by.
    """

    appointment: Appointment
    has_event: bool = False
    notice_id: UUID | None = None
    silences: Sequence[Silence] = ()

    @property
    def unsettled(self) -> Unsettled:
        """Return what is to be settled once the change is committed."""
        known = self.appointment
        return Unsettled(
            known.tenant_id, known.appointment_id, self.has_event, self.notice_id
        )


class AppointmentChanges:
    """Moves, edits, cancels and closes appointments, each in the caller's unit."""

    def __init__(self, new_id: NewId, *, has_channels: bool) -> None:
        """Take whether some channel is configured that may tell a customer."""
        self._new_id, self._has_channels = new_id, has_channels

    async def revise(
        self, unit: Unit, appointment_id: UUID, revision: Revision
    ) -> Changed:
        """Change what the revision names; nothing changes where it cannot be had.

        Time and agent are judged as a booking is, without the appointment itself.
        Raises AppointmentNotFound, FinalStatus, InvalidField, AgentNotFound and the
        refusals of a booking.
        """
        editor = unit.appointment_editor
        before = await editor.lock(appointment_id, revision.agent_id)
        check_open(before.status)
        after = _revised(before, revision)
        if after == before and revision.technician_id is None:
            return Changed(before)
        silences: Sequence[Silence] = ()
        if _place_of(after) != _place_of(before):
            agenda = await self._move(unit, before, after, revision)
            after = replace(after, timezone=agenda.zone.key)
            silences = agenda.knowledge.silences
        after = replace(after, version=before.version + 1, updated_at=unit.now)
        await editor.write(after)
        has_event = await editor.want_event(
            after,
            unit.now + SETTLING,
            is_moved=after.agent_id != before.agent_id,
            technician_id=revision.technician_id,
        )
        is_moved = _place_of(after) != _place_of(before)
        changed = await self._announced(
            unit,
            after,
            NoticeKind.UPDATED,
            "appointment.updated",
            has_event=has_event,
            # Whoever asked may keep ids of their own up to date: that tells nobody.
            tells_customer=revision.tells_customer
            and (is_moved or after.person != before.person),
        )
        return replace(changed, silences=silences)

    async def _move(
        self, unit: Unit, before: Appointment, after: Appointment, revision: Revision
    ) -> Agenda:
        """Claim the new place in the agenda that is returned."""
        agenda = (await unit.agendas.read(_query(unit, after, revision))).found
        try:
            _judge_move(agenda, before, after, revision, unit.now)
            await _claim(unit, after, revision)
        except SlotUnavailable as refusal:
            time = ExactTime(after.interval)
            place = Place(agenda, time, revision.hold_id, after.appointment_id)
            nearby = await look_around(unit.agendas, place, unit.now, Outlook.CONFLICTS)
            raise SlotUnavailable(refusal.reason, nearby) from None
        return agenda

    async def cancel(
        self, unit: Unit, appointment_id: UUID, cancellation: Cancellation
    ) -> Changed:
        """Cancel and free the time; a second time changes nothing.

        Raises AppointmentNotFound, and FinalStatus for one that is over.
        """
        editor = unit.appointment_editor
        before = await editor.lock(appointment_id)
        if before.status is AppointmentStatus.CANCELLED:
            return await _cancelled_before(unit, before)
        check_step(before.status, AppointmentStatus.CANCELLED)
        after = replace(
            before,
            status=AppointmentStatus.CANCELLED,
            version=before.version + 1,
            updated_at=unit.now,
            cancellation_reason=cancellation.reason,
            person=replace(before.person, notes=cancellation.notes),
        )
        await editor.free(appointment_id)
        await editor.write(after)
        has_event = await editor.unwant_event(after, unit.now + SETTLING)
        return await self._announced(
            unit,
            after,
            NoticeKind.CANCELLED,
            "appointment.cancelled",
            has_event=has_event,
            tells_customer=cancellation.tells_customer,
        )

    async def step(
        self, unit: Unit, appointment_id: UUID, status: AppointmentStatus
    ) -> Changed:
        """Take the step to a status; a no-show's time is free again.

        Raises AppointmentNotFound, and FinalStatus where no step leads there.
        """
        editor = unit.appointment_editor
        before = await editor.lock(appointment_id)
        check_step(before.status, status)
        after = replace(before, status=status, updated_at=unit.now)
        is_confirmed = status is AppointmentStatus.CONFIRMED
        if is_confirmed:
            after = replace(after, version=before.version + 1)
        if not status.holds_time:
            await editor.free(appointment_id)
        await editor.write(after)
        has_event = is_confirmed and await editor.want_event(
            after, unit.now, is_moved=False
        )
        return await self._announced(
            unit,
            after,
            NoticeKind.UPDATED,
            f"appointment.{status}",
            has_event=has_event,
            tells_customer=is_confirmed,
        )

    async def _announced(
        self,
        unit: Unit,
        after: Appointment,
        kind: NoticeKind,
        action: str,
        *,
        has_event: bool,
        tells_customer: bool,
    ) -> Changed:
        """Write what follows from a change: reminder, notice, audit entry."""
        editor, notice_id = unit.appointment_editor, None
        await editor.schedule_reminder(after)
        if self._has_channels or await editor.has_listeners():
            notice_id = self._new_id(unit.now)
            notice = NewNotice(notice_id, tells_customer)
            await editor.tell(after, kind, notice, unit.now + SETTLING)
        await unit.audit.record(action, after.appointment_id)
        return Changed(after, has_event, notice_id)


@dataclass(frozen=True, slots=True)
class SettledChanges:
    """Settles changes that are committed, and tells what came of them."""

    units: Units
    settlement: Settlement

    async def settle(self, changed: Changed, actor: Actor, now: Instant) -> Outcome:
        """Settle for as long as an answer may wait."""
        await self.settlement.settle(changed.unsettled, now)
        tenant_id = changed.appointment.tenant_id
        async with self.units.begin(tenant_id, actor, now) as unit:
            return await unit.appointments.outcome(
                tenant_id, changed.appointment.appointment_id, changed.notice_id
            )


def _revised(before: Appointment, revision: Revision) -> Appointment:
    if revision.status not in (None, before.status):
        raise InvalidField(
            "status", "use POST /appointments/{id}/confirm, start, complete or no-show"
        )
    return replace(
        before,
        agent_id=revision.agent_id or before.agent_id,
        interval=_moved(before.interval, revision),
        person=revision.person(before.person),
        details=revision.details(before.details),
    )


def _moved(interval: Interval, revision: Revision) -> Interval:
    start, end = revision.start, revision.end
    if start is None:
        start = interval.start
    if end is None:
        end = start + interval.length
    check_length(start, end, f"{revision.section}.endTime")
    return Interval(start, end)


def check_length(start: Instant, end: Instant, field: str = _END) -> None:
    """Raise InvalidField for an end that is not after the start, or too far after."""
    if end <= start:
        raise InvalidField(field, "use a time after startTime")
    if end - start > LONGEST_DAYS * DAY:
        raise InvalidField(field, f"use a time at most {LONGEST_DAYS} days later")


def _place_of(appointment: Appointment) -> tuple[UUID, Interval]:
    return appointment.agent_id, appointment.interval


def _query(unit: Unit, after: Appointment, revision: Revision) -> AgendaQuery:
    first, last = ExactTime(after.interval).days
    return AgendaQuery(
        Caller(tenant_id=unit.tenant_id),
        after.agent_id,
        first,
        last,
        unit.now,
        hold_id=revision.hold_id,
        moved_id=after.appointment_id,
    )


def _judge_move(
    agenda: Agenda,
    before: Appointment,
    after: Appointment,
    revision: Revision,
    now: Instant,
) -> None:
    """Judge the new place; when it may begin is asked only where that is new."""
    authority = authority_of(after.details.urgency, is_forced=revision.is_forced)
    start = after.interval.start
    if (after.agent_id, start) != (before.agent_id, before.interval.start):
        check_timing(agenda, start, now, authority)
    check_availability(agenda, after.interval, authority)


async def _claim(unit: Unit, after: Appointment, revision: Revision) -> None:
    if not await unit.appointment_editor.claim(after, revision.hold_id):
        raise SlotUnavailable(Unavailability.SLOT_TAKEN)


async def _cancelled_before(unit: Unit, before: Appointment) -> Changed:
    notice_id = await unit.appointments.last_notice(
        before.tenant_id, before.appointment_id, NoticeKind.CANCELLED
    )
    return Changed(before, notice_id=notice_id)
