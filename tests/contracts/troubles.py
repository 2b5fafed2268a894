"""When things go wrong: of CalendarProvider."""

import asyncio
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from tests.contracts.drafts import SHORT, TITLE, a_draft, later
from tests.contracts.world import Examined
from tests.contracts.writing import WritingExam
from universal_calendar.core.provider_errors import (
    EventGone,
    NotAuthorized,
    ProviderDown,
    ProviderError,
    Throttled,
)
from universal_calendar.services.ports.calendars import (
    EventDraft,
)


class TroubleExam:
    """Of CalendarProvider, when things go wrong."""

    put = staticmethod(WritingExam.put)

    async def test_slow_answer_within_the_time(self, examined: Examined) -> None:
        examined.world.is_slow(0.2)
        await self.put(examined, a_draft())

    async def test_answer_that_comes_too_late(self, examined: Examined) -> None:
        examined.world.is_slow(60)
        async with _raises_within(SHORT, ProviderDown):
            await self.put(examined, a_draft(), seconds=SHORT)

    async def test_no_answer_at_all(self, examined: Examined) -> None:
        examined.world.hangs()
        async with _raises_within(SHORT, ProviderDown):
            await self.put(examined, a_draft(), seconds=SHORT)

    async def test_several_requests_share_the_time(self, examined: Examined) -> None:
        await self.put(examined, a_draft())
        examined.world.is_slow(0.35)
        examined.world.is_slow(0.35)
        async with _raises_within(SHORT, ProviderDown):
            await self.put(examined, later(a_draft()), seconds=SHORT)

    async def test_broken_connection(self, examined: Examined) -> None:
        examined.world.breaks_off()
        async with _raises_within(SHORT, ProviderDown):
            await self.put(examined, a_draft())
        assert examined.world.events(examined.calendar) == []
        await self.put(examined, a_draft())

    @pytest.mark.parametrize("status", [500, 502, 503, 504])
    async def test_fault_of_the_provider(self, examined: Examined, status: int) -> None:
        examined.world.fails(status)
        with pytest.raises(ProviderDown):
            await self.put(examined, a_draft())
        await self.put(examined, a_draft())

    @pytest.mark.parametrize("as_date", [False, True])
    async def test_throttled(self, examined: Examined, as_date: bool) -> None:
        examined.world.throttles(30, as_date=as_date)
        with pytest.raises(Throttled) as caught:
            await self.put(examined, a_draft())
        assert caught.value.retry_after == pytest.approx(30, abs=2)
        await self.put(examined, a_draft())

    async def test_expired_token_is_refreshed(self, examined: Examined) -> None:
        for number in range(1, 4):
            examined.world.expires_tokens()
            await self.put(examined, a_draft(number))
        assert len(examined.world.events(examined.calendar)) == 3

    async def test_withdrawn_consent(self, examined: Examined) -> None:
        await self.put(examined, a_draft())
        examined.world.revokes()
        for _ in range(2):
            with pytest.raises(NotAuthorized):
                await self.put(examined, a_draft(2))

    async def test_credentials_of_nobody(self, examined: Examined) -> None:
        stranger = replace(examined.access, secrets=examined.foreign)
        with pytest.raises(NotAuthorized):
            await self.put(examined, a_draft(), access=stranger)

    async def test_credentials_that_are_not_whole(self, examined: Examined) -> None:
        with pytest.raises(NotAuthorized):
            await self.put(
                examined, a_draft(), access=replace(examined.access, secrets={})
            )

    async def test_dead_provider_remembers(self, examined: Examined) -> None:
        kept = await self.put(examined, a_draft(1))
        gone = await self.put(examined, a_draft(2))
        await WritingExam.delete(examined, gone.event_id)
        examined.world.dies()
        with pytest.raises(ProviderDown):
            await self.put(examined, a_draft(3))
        examined.world.rises()
        assert await self.put(examined, a_draft(1)) == kept
        with pytest.raises(EventGone):
            await self.put(examined, a_draft(2), gone)
        assert len(examined.world.events(examined.calendar)) == 1

    async def test_twenty_writes_through_three_deaths(self, examined: Examined) -> None:
        drafts = [a_draft(number) for number in range(20)]
        for number, draft in enumerate(drafts):
            if number % 7 == 3:
                examined.world.loses_answers(1)
                writing = asyncio.create_task(self._stubborn(examined, draft))
                await asyncio.sleep(0)
                examined.world.dies()
                examined.world.rises()
                await writing
            await self._stubborn(examined, draft)
        events = examined.world.events(examined.calendar)
        assert sorted(each.interval for each in events) == sorted(
            each.interval for each in drafts
        )

    async def _stubborn(self, examined: Examined, draft: EventDraft) -> None:
        async with asyncio.timeout(20):
            while True:
                try:
                    await self.put(examined, draft)
                except ProviderDown:
                    await asyncio.sleep(0.05)
                else:
                    return

    async def test_errors_tell_no_secrets(self, examined: Examined) -> None:
        told: list[str] = []
        troubles: list[Callable[[], None]] = [
            lambda: examined.world.fails(500),
            lambda: examined.world.throttles(1, as_date=False),
            examined.world.breaks_off,
            examined.world.revokes,
        ]
        for trouble in troubles:
            trouble()
            with pytest.raises(ProviderError) as caught:
                await self.put(examined, a_draft())
            told += traceback.format_exception(caught.value, chain=True)
            told.append(repr(caught.value))
        secrets = [TITLE, *examined.access.secrets.values()]
        hidden = [each for each in secrets if not each.startswith("http")]
        assert not [each for each in hidden if each in "".join(told)]


@asynccontextmanager
async def _raises_within(
    seconds: float, error: type[ProviderError]
) -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(error):
        yield
    assert loop.time() - began < seconds + 0.5
