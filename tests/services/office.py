"""A tenant whose notices go to servers of the test."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from typing_extensions import override

from tests.harness.scenes.business import Business
from tests.harness.scenes.scene import Scene
from tests.notify.building import SNAPSHOT
from tests.notify.mailbox import Mailbox
from tests.notify.receiver import Receiver
from universal_calendar.bootstrap.parts import Parts, new_id
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import (
    DAY,
    HOUR,
    Instant,
    from_datetime,
    instant_text,
    to_datetime,
)
from universal_calendar.notify.email import EmailChannel
from universal_calendar.notify.sms import GatewayChannel
from universal_calendar.notify.smtp_server import SmtpServer
from universal_calendar.notify.webhook import WebhookChannel, new_webhook_secret
from universal_calendar.outgoing.http import Sender
from universal_calendar.services.notices.broadcasts import BroadcastChannel
from universal_calendar.services.notices.notices import Notices, Told
from universal_calendar.services.notices.reminders import Reminders
from universal_calendar.services.notices.webhook_endpoints import WebhookEndpoints
from universal_calendar.services.ports.notices import (
    AppointmentSnapshot,
    Channel,
    ChannelName,
    Delivery,
    NoticeKind,
)
from universal_calendar.services.ports.platform import (
    Broadcaster,
    BroadcastEvent,
    PlatformDown,
)
from universal_calendar.store.answers import read_tenant_keys
from universal_calendar.store.notices.notices import NoticeTable
from universal_calendar.store.notices.reminders import ReminderTable
from universal_calendar.store.notices.webhook_endpoints import WebhookEndpointTable
from universal_calendar.store.sealing.snapshots import seal_snapshot

NOW = from_datetime(utc_now().replace(microsecond=0))
START = NOW + 10 * DAY


class Screens(Broadcaster):
    """Keeps what was broadcast; down when told so."""

    def __init__(self) -> None:
        self.shown: list[tuple[BroadcastEvent, Mapping[str, object]]] = []
        self.is_down = False

    @override
    async def broadcast(
        self, tenant_id: UUID, event: BroadcastEvent, data: Mapping[str, object]
    ) -> None:
        if self.is_down:
            raise PlatformDown("as-connection-service")
        self.shown.append((event, data))


@dataclass(frozen=True)
class Office(Scene):
    """A tenant with every channel; `hook` is where its webhooks would go."""

    parts: Parts
    business: Business
    sender: Sender
    mail: Mailbox
    texts: Receiver
    hook: Receiver
    screens: Screens

    @property
    def table(self) -> NoticeTable:
        return NoticeTable(self.parts.database, self.parts.keyring, new_id)

    @property
    def channels(self) -> dict[ChannelName, Channel]:
        server = SmtpServer.parse(f"smtp+plain://127.0.0.1:{self.mail.port}")
        return {
            ChannelName.EMAIL: EmailChannel(server, "bookings@acme.example"),
            ChannelName.SMS: GatewayChannel(
                self.sender, self.texts.url, "+12125550100", None
            ),
            ChannelName.BROADCAST: BroadcastChannel(self.screens),
            ChannelName.WEBHOOK: WebhookChannel(self.sender),
        }

    def notices(self, *without: ChannelName, chance: float = 0.999999) -> Notices:
        """Return the service, with the slowest retries, without some channels."""
        channels = {k: v for k, v in self.channels.items() if k not in without}
        return Notices(self.table, channels, new_id, lambda: chance)

    @property
    def reminders(self) -> Reminders:
        table = ReminderTable(self.parts.database, self.parts.keyring)
        return Reminders(table, new_id)

    @property
    def endpoints(self) -> WebhookEndpoints:
        table = WebhookEndpointTable(self.parts.database, self.parts.keyring)
        return WebhookEndpoints(table, new_id, new_webhook_secret, allows_http=True)

    def snapshot(self, **fields: Any) -> AppointmentSnapshot:
        """Return an appointment of the tenant, ten days from now."""
        own: dict[str, Any] = {
            "tenant_id": self.tenant_id,
            "appointment_id": new_id(NOW),
            "start": instant_text(START),
            "end": instant_text(START + HOUR),
        }
        return replace(SNAPSHOT, **own | fields)

    async def notice(
        self,
        kind: NoticeKind = NoticeKind.CREATED,
        *,
        snapshot: AppointmentSnapshot | None = None,
        tells_customer: bool = True,
        at: Instant = NOW,
    ) -> UUID:
        """Write a notice as a booking does."""
        told = snapshot or self.snapshot()
        notice_id = new_id(at)
        async with self.parts.database.transaction(self.tenant_id) as connection:
            keys = await read_tenant_keys(
                connection, self.parts.keyring, self.tenant_id
            )
            await connection.execute(
                "INSERT INTO notices VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
                [
                    self.tenant_id,
                    notice_id,
                    told.appointment_id,
                    kind,
                    tells_customer,
                    keys.version,
                    seal_snapshot(keys, notice_id, told),
                    to_datetime(at),
                ],
            )
            await connection.execute(
                "INSERT INTO due_work VALUES (%s, 'notice', %s, %s)",
                [self.tenant_id, notice_id, to_datetime(at)],
            )
        return notice_id

    async def due_at(self, item_id: UUID, kind: str = "notice") -> Instant | None:
        """Return when the sweep would find it, None if never."""
        async with self.parts.database.connection() as connection:
            cursor = await connection.execute(
                "SELECT due_at FROM due_work"
                " WHERE tenant_id = %s AND kind = %s AND item_id = %s",
                [self.tenant_id, kind, item_id],
            )
            row = await cursor.fetchone()
        return None if row is None else from_datetime(row[0])

    async def deliveries(self, notice_id: UUID) -> dict[ChannelName, Delivery]:
        """Return a notice's deliveries, of which each channel has one at most."""
        found = await self.table.finish(self.tenant_id, notice_id)
        assert len({each.channel for each in found}) == len(found)
        return {each.channel: each for each in found}


async def settle(office: Office, notice_id: UUID, now: int = NOW, **more: Any) -> Told:
    notices = more.pop("notices", None) or office.notices()
    seconds = more.pop("seconds", 5)
    told: Told = await notices.settle(office.tenant_id, notice_id, now, seconds=seconds)
    return told


async def listen(office: Office, *events: str) -> UUID:
    """Subscribe the hook to these events, or to all."""
    endpoint, _ = await office.endpoints.add(
        office.tenant_id, office.hook.url, NOW, events=events or None
    )
    return endpoint.endpoint_id
