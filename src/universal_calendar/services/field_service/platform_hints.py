"""What field-service platforms tell by webhooks: proven, then turned into due work.

A delivery says no more than where to look, and only that is written down: a visit is
due to be read, or all of a schedule, a customer to be asked about. Doubles and disorder
change nothing of it. That an owner took our access away cannot be asked again, so it
counts from when it is said to have happened: what was connected since stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from universal_calendar.core.errors import InvalidField, NotFound
from universal_calendar.core.instant import Instant
from universal_calendar.services.ports.calendars import PushDelivery
from universal_calendar.services.ports.changed_customers import ChangedCustomerStore
from universal_calendar.services.ports.field_service import FieldServiceProvider
from universal_calendar.services.ports.platform_accounts import (
    ConnectedAccount,
    PlatformAccountStore,
)
from universal_calendar.services.ports.schedules import ScheduleHints
from universal_calendar.services.ports.visits import PlatformHint

LONGEST_ID: Final = 200
_MEND: Final = "send ids as your documentation describes them"


@dataclass(frozen=True, slots=True)
class PlatformHints:
    """Takes deliveries in. No platform is asked anything."""

    accounts: PlatformAccountStore
    platforms: Mapping[str, FieldServiceProvider]
    schedules: ScheduleHints
    customers: ChangedCustomerStore

    async def take(self, provider: str, delivery: PushDelivery, now: Instant) -> None:
        """Write down what a delivery is about, for every tenant with the account.

        An account that nobody connected changes nothing. Raises NotFound for a platform
        that is not offered, InvalidField for what is no delivery, and Unproven for
        one that is not proven, or too old.
        """
        if provider not in self.platforms:
            raise NotFound
        hints = self.platforms[provider].hints(delivery, now)
        for hint in hints:
            _check_ids(hint)
        for hint in hints:
            for account in await self.accounts.connections(provider, hint.account):
                await self._note(account, hint, now)

    async def _note(
        self, account: ConnectedAccount, hint: PlatformHint, now: Instant
    ) -> None:
        known = account.tenant_id, account.connection_id
        if hint.is_disconnected:
            await self.accounts.end(*known, hint.occurred_at, now)
        if not account.schedules:
            return  # what is not read changes nothing here
        if hint.is_schedule:
            await self.schedules.hint(
                account.tenant_id, account.schedules, hint.name, now
            )
        if hint.customer_id is not None:
            await self.customers.want(*known, [hint.customer_id], now)


def _check_ids(hint: PlatformHint) -> None:
    """Raise InvalidField for what is no id of any platform."""
    for each in (hint.account, hint.name, hint.customer_id):
        if each is not None and not _is_id(each):
            raise InvalidField("body", _MEND)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isprintable() and 0 < len(text) <= LONGEST_ID
