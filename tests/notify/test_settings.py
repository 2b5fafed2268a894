"""Each channel is off until it is configured, and complete when it is."""

from typing import Any

import pytest
from pydantic import ValidationError

from universal_calendar.settings.notices import NoticeSettings

COMPLETE: list[dict[str, Any]] = [
    {},
    {"smtp_url": "smtp://u:p@mail.example", "smtp_from": "bookings@acme.example"},
    {"sms_gateway_url": "http://sms:3000", "sms_from": "+12125551234"},
    {
        "twilio_account_sid": "AC1",
        "twilio_auth_token": "t",
        "sms_from": "+12125551234",
        "twilio_api_base_url": "http://127.0.0.1:9/twilio",
    },
]


@pytest.mark.parametrize("values", COMPLETE)
def test_what_is_complete_is_accepted(values: dict[str, Any]) -> None:
    NoticeSettings(**values)


def test_private_webhooks_are_refused_unless_asked_for() -> None:
    assert NoticeSettings().webhooks_allow_private is False


@pytest.mark.parametrize(
    ("values", "missing"),
    [
        ({"smtp_url": "smtp://canary:secret@mail.example"}, "SMTP_FROM"),
        ({"sms_gateway_url": "http://sms"}, "SMS_FROM"),
        ({"twilio_account_sid": "A", "twilio_auth_token": "canary"}, "SMS_FROM"),
        ({"twilio_account_sid": "A", "sms_from": "+12125551234"}, "TWILIO_AUTH_TOKEN"),
        ({"smtp_url": "canary://secret"}, "use smtp://"),
        ({"smtp_from": "Bookings <canary@acme.example>"}, "use an address"),
        ({"sms_from": "0123"}, r"use an E\.164 number"),
        ({"sms_gateway_url": "https://canary:secret@sms"}, "use a URL"),
        ({"twilio_api_base_url": "ftp://canary"}, "use a URL"),
    ],
)
def test_what_is_not_is_refused(values: dict[str, Any], missing: str) -> None:
    with pytest.raises(ValidationError, match=missing):
        NoticeSettings(**values)
