"""When channels are renewed, and where they lead."""

import pytest

from universal_calendar.bootstrap.channels import push_base_url
from universal_calendar.bootstrap.parts import Parts, new_id
from universal_calendar.core.instant import DAY, HOUR, MINUTE
from universal_calendar.services.calendars.channels import is_ending
from universal_calendar.services.ports.calendars import PushChannel
from universal_calendar.services.ports.channels import KnownChannel
from universal_calendar.settings import Environment


@pytest.mark.parametrize(
    ("life", "left", "ends"),
    [
        (7 * DAY, 13 * HOUR, False),
        (7 * DAY, 12 * HOUR, True),
        (HOUR, 16 * MINUTE, False),
        (HOUR, 15 * MINUTE, True),
        (7 * DAY, -HOUR, True),
    ],
)
def test_when_a_channel_is_renewed(life: int, left: int, ends: bool) -> None:
    channel_id = new_id(0)
    opened = PushChannel(str(channel_id), "there", life)
    channel = KnownChannel(channel_id, 0, "secret", opened)
    assert is_ending(channel, life - left) is ends


@pytest.mark.parametrize(
    ("environment", "url", "found"),
    [
        ("development", "http://127.0.0.1:1", "http://127.0.0.1:1"),
        ("production", "http://calendar.example.com", None),
        ("production", "https://calendar.example.com", "https://calendar.example.com"),
        ("production", None, None),
    ],
)
def test_where_providers_reach_us(
    parts: Parts, environment: str, url: str | None, found: str | None
) -> None:
    changed = {"environment": Environment(environment), "public_base_url": url}
    settings = parts.settings.model_copy(update=changed)
    assert push_base_url(settings) == found
