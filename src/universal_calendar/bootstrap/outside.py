"""All that the service speaks to outside: sister services, mail, SMS, webhooks."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from universal_calendar.notify.email import EmailChannel
from universal_calendar.notify.sms import GatewayChannel, TwilioChannel
from universal_calendar.notify.smtp_server import SmtpServer
from universal_calendar.notify.webhook import WebhookChannel
from universal_calendar.outgoing.http import Sender
from universal_calendar.platform.alerts import AlertsService
from universal_calendar.platform.authentication import AuthenticationService
from universal_calendar.platform.connection_service import ConnectionService
from universal_calendar.platform.tenant_service import TenantService
from universal_calendar.services.notices.broadcasts import BroadcastChannel
from universal_calendar.services.ports.notices import Channel, ChannelName
from universal_calendar.services.ports.platform import (
    Alerts,
    Broadcaster,
    HoursSource,
    TokenValidator,
)
from universal_calendar.settings import Settings


@dataclass(frozen=True, slots=True)
class Outside:
    """The clients; None or absent is what the settings leave out.

    `sender` goes to addresses of the settings; `guarded` to webhooks and `calendars`
    to CalDAV servers that tenants choose.
    """

    sender: Sender
    guarded: Sender
    calendars: Sender
    hours: HoursSource | None
    tokens: TokenValidator | None
    alerts: Alerts | None
    broadcaster: Broadcaster | None
    channels: Mapping[ChannelName, Channel]


@asynccontextmanager
async def open_outside(settings: Settings) -> AsyncIterator[Outside]:
    """Make the clients; their connections are closed with the block."""
    sender = Sender(is_guarded=False)
    guarded = Sender(is_guarded=not settings.webhooks_allow_private)
    calendars = Sender(is_guarded=not settings.caldav_allows_private)
    try:
        yield _outside(settings, sender, guarded, calendars)
    finally:
        for each in (sender, guarded, calendars):
            await each.close()


def _outside(
    settings: Settings, sender: Sender, guarded: Sender, calendars: Sender
) -> Outside:
    key = _service_key(settings) or ""
    hours, tokens, alerts = (
        settings.ts_tenant_service_url,
        settings.ts_auth_service_url,
        settings.as_alerts_service_url,
    )
    broadcaster = _broadcaster(settings, sender)
    return Outside(
        sender,
        guarded,
        calendars,
        None if hours is None else TenantService(str(hours), key, sender),
        None if tokens is None else AuthenticationService(str(tokens), sender),
        None if alerts is None else AlertsService(str(alerts), key, sender),
        broadcaster,
        _channels(settings, sender, guarded, broadcaster),
    )


def _broadcaster(settings: Settings, sender: Sender) -> Broadcaster | None:
    url = settings.as_connection_service_url
    if url is None:
        return None
    return ConnectionService(str(url), _service_key(settings) or "", sender)


def _service_key(settings: Settings) -> str | None:
    """Return the key that sister services know us by: the first of our own."""
    for key in settings.internal_service_key:
        return key.get_secret_value()
    return None


def _channels(
    settings: Settings,
    sender: Sender,
    guarded: Sender,
    broadcaster: Broadcaster | None,
) -> dict[ChannelName, Channel]:
    found: dict[ChannelName, Channel] = {ChannelName.WEBHOOK: WebhookChannel(guarded)}
    if settings.smtp_url is not None and settings.smtp_from is not None:
        server = SmtpServer.parse(settings.smtp_url.get_secret_value())
        found[ChannelName.EMAIL] = EmailChannel(server, settings.smtp_from)
    sms = _sms(settings, sender)
    if sms is not None:
        found[ChannelName.SMS] = sms
    if broadcaster is not None:
        found[ChannelName.BROADCAST] = BroadcastChannel(broadcaster)
    return found


def _sms(settings: Settings, sender: Sender) -> Channel | None:
    number = settings.sms_from or ""
    if settings.sms_gateway_url is not None:
        key = _service_key(settings)
        return GatewayChannel(sender, settings.sms_gateway_url, number, key)
    sid, token = settings.twilio_account_sid, settings.twilio_auth_token
    if sid is not None and token is not None:
        account = (sid, token.get_secret_value())
        return TwilioChannel(sender, settings.twilio_api_base_url, account, number)
    return None
