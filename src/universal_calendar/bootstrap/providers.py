"""The calendar providers and field-service platforms that this installation offers."""

from collections.abc import Mapping
from typing import TypeAlias

from universal_calendar.bootstrap.outside import Outside
from universal_calendar.bootstrap.parts import Parts, new_id
from universal_calendar.clock import utc_now
from universal_calendar.providers.provider import (
    Means,
    OAuthConfig,
    PlatformConfig,
    Provider,
)
from universal_calendar.providers.registry import PROVIDERS
from universal_calendar.settings import Environment, Settings
from universal_calendar.store.connections.renewals import RenewalTable
from universal_calendar.store.connections.turns import TurnTable
from universal_calendar.store.field_service.platform_quota import PlatformQuota

Providers: TypeAlias = Mapping[str, Provider]


def providers(parts: Parts, outside: Outside) -> Providers:
    """Return the providers that this installation offers, by slug."""
    is_development = parts.settings.environment is Environment.DEVELOPMENT
    means = Means(
        outside.sender,
        outside.calendars,
        utc_now,
        RenewalTable(parts.database, parts.keyring, utc_now),
        PlatformQuota(parts.database, parts.keyring, utc_now),
        TurnTable(parts.database, utc_now, new_id),
        oauth_configs(parts.settings),
        platform_configs(parts.settings),
        allows_http=parts.settings.caldav_allows_private,
    )
    opened = {slug: make(means) for slug, make in PROVIDERS.items()}
    return {
        slug: each
        for slug, each in opened.items()
        if each is not None and (is_development or not each.manifest.is_for_development)
    }


def oauth_configs(settings: Settings) -> Mapping[str, OAuthConfig]:
    """Return our registrations with providers, by slug."""
    found = {}
    google, microsoft = (
        settings.google_calendar_client_secret,
        settings.microsoft_graph_client_secret,
    )
    if settings.google_calendar_client_id is not None and google is not None:
        found["google"] = OAuthConfig(
            settings.google_calendar_client_id,
            google.get_secret_value(),
            settings.google_authorize_url,
            settings.google_token_url,
            settings.google_calendar_base_url,
            settings.google_revoke_url,
        )
    if settings.microsoft_graph_client_id is not None and microsoft is not None:
        found["microsoft"] = OAuthConfig(
            settings.microsoft_graph_client_id,
            microsoft.get_secret_value(),
            f"{settings.microsoft_login_base_url}/authorize",
            f"{settings.microsoft_login_base_url}/token",
            settings.microsoft_graph_base_url,
            channel_minutes=settings.microsoft_subscription_minutes,
        )
    jobber = settings.jobber_client_secret
    if settings.jobber_client_id is not None and jobber is not None:
        found["jobber"] = OAuthConfig(
            settings.jobber_client_id,
            jobber.get_secret_value(),
            settings.jobber_authorize_url,
            settings.jobber_token_url,
            settings.jobber_api_base_url,
        )
    return found


def platform_configs(settings: Settings) -> Mapping[str, PlatformConfig]:
    """Return where the field-service platforms are, by slug."""
    jobber = settings.jobber_webhook_secret or settings.jobber_client_secret
    housecallpro = settings.housecallpro_webhook_secret
    return {
        "jobber": PlatformConfig(
            settings.jobber_api_base_url,
            settings.jobber_rate_limit,
            None if jobber is None else jobber.get_secret_value(),
            settings.jobber_api_version,
        ),
        "housecallpro": PlatformConfig(
            settings.housecallpro_api_base_url,
            settings.housecallpro_rate_limit,
            None if housecallpro is None else housecallpro.get_secret_value(),
        ),
    }
