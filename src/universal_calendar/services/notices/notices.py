"""Notices become deliveries; each is attempted until it is accepted or given up."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from universal_calendar.core.delivery_schedule import (
    MOST_ATTEMPTS,
    PATIENCE,
    SECOND,
    next_try,
)
from universal_calendar.core.instant import HOUR, Duration, Instant
from universal_calendar.core.phone import normalized_phone
from universal_calendar.services.ports.identity import NewId
from universal_calendar.services.ports.notices import (
    AppointmentSnapshot,
    Attempt,
    Begun,
    Channel,
    ChannelName,
    Delivery,
    DeliveryError,
    DeliveryStatus,
    Message,
    NewDelivery,
    Notice,
    NoticeKind,
    NoticeStore,
    Outcome,
    Result,
    Situation,
    Verdict,
)

# What an attempt may take beyond its seconds before another process may try.
LEASE_MARGIN: Final[Duration] = 30 * SECOND
# A dashboard that was away for longer has loaded everything anew.
_BROADCAST_PATIENCE: Final[Duration] = HOUR
_TO_CUSTOMERS: Final = frozenset({ChannelName.EMAIL, ChannelName.SMS})
_FINAL: Final = {
    Verdict.ACCEPTED: DeliveryStatus.DELIVERED,
    Verdict.REFUSED: DeliveryStatus.FAILED,
    Verdict.GONE: DeliveryStatus.FAILED,
}


@dataclass(frozen=True, slots=True)
class Told:
    """Who was told so far: a channel to them accepted the message.

    `is_settled`: nothing is left to be attempted.
    """

    customer: bool
    provider: bool
    is_settled: bool


class Notices:
    """Settles notices. A booking writes them; the sweep wakes this for each due one."""

    def __init__(
        self,
        notices: NoticeStore,
        channels: Mapping[ChannelName, Channel],
        new_id: NewId,
        chance: Callable[[], float],
    ) -> None:
        """Take the channels that are configured; `chance` draws from [0, 1)."""
        self._notices, self._channels = notices, channels
        self._new_id, self._chance = new_id, chance

    async def settle(
        self, tenant_id: UUID, notice_id: UUID, now: Instant, *, seconds: float
    ) -> Told:
        """Attempt what is due of a notice, all at once, each within so many seconds.

        Any number of processes may do this at the same time: a delivery is attempted
        by one. If that one dies between sending and writing it down, the delivery is
        attempted again, under the same message id. No transaction is open meanwhile.
        """
        until = now + int(seconds * SECOND) + LEASE_MARGIN
        begun = await self._notices.begin(
            (tenant_id, notice_id), lambda found: self._plan(found, now), now, until
        )
        if begun is None:
            return Told(customer=False, provider=False, is_settled=True)
        await self._attempt_all(begun, now, seconds)
        return told_by(await self._notices.finish(tenant_id, notice_id))

    def _plan(self, situation: Situation, now: Instant) -> Sequence[NewDelivery]:
        notice = situation.notice
        ways: list[tuple[ChannelName, UUID | None]] = [
            *((name, None) for name in _ways(situation) if name in self._channels),
            *((ChannelName.WEBHOOK, each) for each in situation.endpoints),
        ]
        return [
            NewDelivery(self._new_id(now), name, each, _give_up_at(notice, name, now))
            for name, each in ways
        ]

    async def _attempt_all(self, begun: Begun, now: Instant, seconds: float) -> None:
        attempts = [
            self._attempt(begun.notice, each, now, seconds) for each in begun.attempts
        ]
        # One that fails must not keep the others from being written down.
        for ended in await asyncio.gather(*attempts, return_exceptions=True):
            if ended is not None:
                raise ended

    async def _attempt(
        self, notice: Notice, attempt: Attempt, now: Instant, seconds: float
    ) -> None:
        outcome = _pointless(notice, attempt, now)
        if outcome is None:
            channel = self._channels.get(attempt.channel)
            message = Message(attempt.delivery_id, notice, attempt.webhook)
            outcome = (
                Outcome(Verdict.LATER, DeliveryError.NOT_CONFIGURED)
                if channel is None
                else await channel.send(message, now=now, seconds=seconds)
            )
        if outcome.verdict is Verdict.GONE:
            await self._notices.disable_endpoint(attempt, now)
        await self._notices.record(attempt, self._result(attempt, outcome, now), now)

    def _result(self, attempt: Attempt, outcome: Outcome, now: Instant) -> Result:
        status = _FINAL.get(outcome.verdict)
        if status is not None:
            return Result(status, outcome, None)
        asked = int(min(outcome.retry_after, PATIENCE / SECOND) * SECOND)
        again = next_try(
            attempt.attempts, now, attempt.give_up_at, self._chance(), asked
        )
        if again is None:
            return Result(DeliveryStatus.FAILED, outcome, None)
        return Result(DeliveryStatus.PENDING, outcome, again)


def told_by(deliveries: Sequence[Delivery]) -> Told:
    """Tell who was told by deliveries that were accepted."""
    accepted = {
        each.channel for each in deliveries if each.status is DeliveryStatus.DELIVERED
    }
    return Told(
        customer=bool(accepted & _TO_CUSTOMERS),
        provider=bool(accepted - _TO_CUSTOMERS),
        is_settled=all(
            each.status is not DeliveryStatus.PENDING for each in deliveries
        ),
    )


def _ways(situation: Situation) -> list[ChannelName]:
    """Return the channels, webhooks aside, by which this notice is to be told."""
    notice, settings = situation.notice, situation.settings
    snapshot = notice.snapshot
    if snapshot is None:
        return []
    is_reminder = notice.kind is NoticeKind.REMINDER
    wanted = {
        ChannelName.EMAIL: settings.sends_email and _has_email(notice, snapshot),
        ChannelName.SMS: settings.sends_sms and _has_phone(notice, snapshot),
        ChannelName.BROADCAST: settings.sends_broadcast and not is_reminder,
    }
    return [name for name, is_wanted in wanted.items() if is_wanted]


def _has_email(notice: Notice, snapshot: AppointmentSnapshot) -> bool:
    return notice.tells_customer and bool(snapshot.customer_email)


def _has_phone(notice: Notice, snapshot: AppointmentSnapshot) -> bool:
    # Only what is E.164 can be dialled from anywhere.
    number = normalized_phone(snapshot.customer_phone or "")
    return notice.tells_customer and number.startswith("+")


def _give_up_at(notice: Notice, channel: ChannelName, now: Instant) -> Instant:
    """Return when the last attempt is: people are not told of what is over."""
    patience = _BROADCAST_PATIENCE if channel is ChannelName.BROADCAST else PATIENCE
    over = now + patience
    snapshot = notice.snapshot
    if snapshot is None:
        return over
    if notice.kind is NoticeKind.REMINDER:
        over = min(over, snapshot.starts_at)
    elif channel in _TO_CUSTOMERS:
        over = min(over, snapshot.ends_at)
    return max(over, now)


def _pointless(notice: Notice, attempt: Attempt, now: Instant) -> Outcome | None:
    """Return why the message is not even sent, None if it is to be."""
    error = None
    if attempt.channel is ChannelName.WEBHOOK and attempt.webhook is None:
        error = DeliveryError.ENDPOINT_INACTIVE
    elif attempt.attempts > MOST_ATTEMPTS:
        error = DeliveryError.INTERRUPTED
    elif attempt.channel in _TO_CUSTOMERS and attempt.is_superseded:
        error = DeliveryError.SUPERSEDED
    elif _is_late_reminder(notice, now):
        error = DeliveryError.TOO_LATE
    return None if error is None else Outcome(Verdict.REFUSED, error)


def _is_late_reminder(notice: Notice, now: Instant) -> bool:
    if notice.kind is not NoticeKind.REMINDER or notice.snapshot is None:
        return False
    return now >= notice.snapshot.starts_at
