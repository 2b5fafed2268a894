"""Telling people and their software: what is told, by which channel, and how it went.

A notice is one change of an appointment, or a reminder of it. It becomes deliveries,
one for each channel and webhook endpoint; a delivery is attempted until it is accepted
or given up.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from universal_calendar.core.instant import Instant, from_datetime


class NoticeKind(StrEnum):
    """What happened; a webhook's `type`."""

    CREATED = "appointment.created"
    UPDATED = "appointment.updated"
    CANCELLED = "appointment.cancelled"
    REMINDER = "appointment.reminder"
    TEST = "webhook.test"


class ChannelName(StrEnum):
    """By which way somebody is told."""

    EMAIL = "email"
    SMS = "sms"
    BROADCAST = "broadcast"
    WEBHOOK = "webhook"


class DeliveryStatus(StrEnum):
    """Where a delivery stands; the last two are final."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class DeliveryError(StrEnum):
    """Why the last attempt did not succeed."""

    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    REJECTED = "rejected"
    REDIRECTED = "redirected"
    GONE = "gone"
    ANSWER_TOO_LARGE = "answer_too_large"
    ADDRESS_REFUSED = "address_refused"
    INVALID_RECIPIENT = "invalid_recipient"
    NOT_AUTHORIZED = "not_authorized"
    NOT_CONFIGURED = "not_configured"
    ENDPOINT_INACTIVE = "endpoint_inactive"
    SUPERSEDED = "superseded"
    TOO_LATE = "too_late"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class AppointmentSnapshot:
    """An appointment as it was when it changed; encrypted at rest.

    `start` and `end` are written by `instant_text`; `version` counts the changes, from
    1; `reason` says why it was cancelled. The name may be empty.
    """

    appointment_id: UUID
    tenant_id: UUID
    tenant_name: str
    agent_id: UUID
    agent_name: str
    start: str
    end: str
    timezone: str
    status: str
    version: int
    source: str
    title: str = field(repr=False)
    customer_name: str = field(repr=False)
    customer_phone: str | None = field(default=None, repr=False)
    customer_email: str | None = field(default=None, repr=False)
    description: str | None = field(default=None, repr=False)
    address: str | None = field(default=None, repr=False)
    reason: str | None = field(default=None, repr=False)

    @property
    def starts_at(self) -> Instant:
        """Return the start."""
        return from_datetime(datetime.fromisoformat(self.start))

    @property
    def ends_at(self) -> Instant:
        """Return the end."""
        return from_datetime(datetime.fromisoformat(self.end))


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to be told; a test event has no snapshot."""

    tenant_id: UUID
    notice_id: UUID
    kind: NoticeKind
    tells_customer: bool
    created_at: Instant
    snapshot: AppointmentSnapshot | None


@dataclass(frozen=True, slots=True)
class TenantNoticeSettings:
    """What a tenant wants told; reminders come so many minutes before the start."""

    reminder_minutes: tuple[int, ...] = ()
    sends_email: bool = True
    sends_sms: bool = True
    sends_broadcast: bool = True


@dataclass(frozen=True, slots=True)
class WebhookTarget:
    """Where a webhook goes, and the secrets that sign it, the current one first."""

    url: str
    secrets: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Message:
    """A notice on its way; `message_id` is the same at every attempt."""

    message_id: UUID
    notice: Notice
    webhook: WebhookTarget | None = None


class Verdict(StrEnum):
    """What follows from an attempt."""

    ACCEPTED = "accepted"
    LATER = "later"
    REFUSED = "refused"
    """Trying again is no use."""
    GONE = "gone"
    """The endpoint says that it is no more: switch it off."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt went; `retry_after` is in seconds, as the other side asked."""

    verdict: Verdict
    error: DeliveryError | None = None
    status: int | None = None
    retry_after: float = 0.0


class Channel(Protocol):
    """A way to tell somebody."""

    async def send(self, message: Message, *, now: Instant, seconds: float) -> Outcome:
        """Hand the message over within so many seconds; never raise for its fate."""


@dataclass(frozen=True, slots=True)
class Situation:
    """All that decides which deliveries a notice becomes.

    `endpoints` are the ids of the active webhook endpoints subscribed to its kind.
    """

    notice: Notice
    settings: TenantNoticeSettings
    endpoints: Sequence[UUID]


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A delivery about to be written; its last attempt is at `give_up_at`."""

    delivery_id: UUID
    channel: ChannelName
    endpoint_id: UUID | None
    give_up_at: Instant


@dataclass(frozen=True, slots=True)
class Attempt:
    """A delivery that is this process's to attempt until `leased_until`.

    `attempts` counts this one. `is_superseded`: a later notice says what is true now.
    `webhook` is None for other channels, and for an endpoint that is switched off.
    """

    tenant_id: UUID
    delivery_id: UUID
    channel: ChannelName
    endpoint_id: UUID | None
    attempts: int
    give_up_at: Instant
    leased_until: Instant
    is_superseded: bool
    webhook: WebhookTarget | None


@dataclass(frozen=True, slots=True)
class Begun:
    """A notice and what of it is to be attempted now."""

    notice: Notice
    attempts: Sequence[Attempt]


@dataclass(frozen=True, slots=True)
class Result:
    """What to write down about an attempt; `next_try_at` only while pending."""

    status: DeliveryStatus
    outcome: Outcome
    next_try_at: Instant | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a notice on one way; `appointment_id` is None for a test."""

    tenant_id: UUID
    delivery_id: UUID
    notice_id: UUID
    kind: NoticeKind
    appointment_id: UUID | None
    channel: ChannelName
    endpoint_id: UUID | None
    status: DeliveryStatus
    attempts: int
    last_error: DeliveryError | None
    response_status: int | None
    next_try_at: Instant | None
    created_at: Instant
    updated_at: Instant


Plan = Callable[[Situation], Sequence[NewDelivery]]


class NoticeStore(Protocol):
    """Keeps notices and their deliveries."""

    async def begin(
        self, notice: tuple[UUID, UUID], plan: Plan, now: Instant, until: Instant
    ) -> Begun | None:
        """Plan the deliveries, once, and lease those that are due.

        `notice` is a tenant's id and a notice's. None: there is no such notice.
        """

    async def record(self, attempt: Attempt, result: Result, now: Instant) -> None:
        """Write down how an attempt went, unless its lease was lost meanwhile."""

    async def finish(self, tenant_id: UUID, notice_id: UUID) -> Sequence[Delivery]:
        """Note when the notice is due again, if ever; return its deliveries."""

    async def disable_endpoint(self, attempt: Attempt, now: Instant) -> None:
        """Switch the attempt's endpoint off because it is gone, and say so."""


class ReminderStore(Protocol):
    """Keeps whom to remind, and when."""

    async def take(
        self, tenant_id: UUID, appointment_id: UUID, notice_id: UUID, now: Instant
    ) -> bool:
        """Turn a due reminder into a notice, and set the next; False if none is due."""

    async def settings(self, tenant_id: UUID) -> TenantNoticeSettings:
        """Return the tenant's settings; raise TenantNotFound."""

    async def set_settings(
        self, tenant_id: UUID, settings: TenantNoticeSettings, now: Instant
    ) -> None:
        """Replace the settings, and set the reminders of what is booked anew.

        Raises TenantNotFound.
        """
