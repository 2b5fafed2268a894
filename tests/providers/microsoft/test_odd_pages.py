"""Pages of changes that are longer than one would hope."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from tests.contracts.drafts import NINE, TENANT, at, utc
from tests.contracts.reading import ReadingExam
from tests.contracts.world import Examined
from tests.providers.means import means_of
from tests.providers.microsoft.account import connected_secrets, registration
from tests.providers.microsoft.server import FakeMicrosoft
from tests.providers.microsoft.world import MicrosoftWorld
from universal_calendar.core.instant import HOUR
from universal_calendar.core.interval import Interval
from universal_calendar.core.provider_errors import Rejected
from universal_calendar.outgoing.http import Sender
from universal_calendar.providers.registry import PROVIDERS
from universal_calendar.services.ports.calendars import Access

LARGEST = 60_000
MARCH = Interval(utc(2026, 3, 1, 0), utc(2026, 4, 1, 0))

read = ReadingExam().read


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    sender = Sender(is_guarded=False, largest_answer=LARGEST)
    yield sender
    await sender.close()


def examined_at(api_url: str, microsoft: FakeMicrosoft, sender: Sender) -> Examined:
    """Return the account, behind a sender that takes no long answers."""
    means = means_of(sender, {"microsoft": registration(microsoft, api_url)})
    provider = PROVIDERS["microsoft"](means)
    assert provider is not None
    mailbox, secrets = microsoft.mailbox, connected_secrets(microsoft)
    return Examined(
        provider,
        Access(TENANT, UUID(int=1), secrets),
        mailbox.main,
        mailbox.read_only,
        secrets,
        MicrosoftWorld(microsoft),
    )


async def test_events_with_long_texts(
    api_url: str, microsoft: FakeMicrosoft, world: MicrosoftWorld, sender: Sender
) -> None:
    """Delta queries tell all of them, and fewer at a time if need be."""
    examined = examined_at(api_url, microsoft, sender)
    _, token = await read(examined)
    ids = {world.owner_adds(examined.calendar, at(NINE + n * HOUR)) for n in range(25)}
    for each in ids:
        world.owner_changes(each, text="Minutes. " * 1000)
    assert set((await read(examined))[0]) == ids
    assert set((await read(examined, token))[0]) == ids


async def test_event_that_is_too_long_by_itself(
    api_url: str, microsoft: FakeMicrosoft, world: MicrosoftWorld, sender: Sender
) -> None:
    examined = examined_at(api_url, microsoft, sender)
    event = world.owner_adds(examined.calendar, at(NINE))
    world.owner_changes(event, text="x" * LARGEST)
    with pytest.raises(Rejected):
        await read(examined)
