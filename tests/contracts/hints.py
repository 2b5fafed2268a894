"""What every platform's webhooks tell, and what is read by the names that they give."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from tests.contracts.drafts import NINE, SECONDS, WINDOW, at
from tests.contracts.schedules import JOHN, ExaminedPlatform, OnSchedule, a_visit
from universal_calendar.clock import utc_now
from universal_calendar.core.errors import InvalidField, Unauthorized
from universal_calendar.core.instant import HOUR, from_datetime
from universal_calendar.services.ports.calendars import ChangedEvent


class HintsExam(OnSchedule):
    """Of FieldServiceProvider, how it says that something changed."""

    async def test_hints(self, examined: ExaminedPlatform) -> None:
        account = await examined.platform.account(examined.access, seconds=SECONDS)
        made = await examined.platform.put_customer(
            examined.access, JOHN, seconds=SECONDS
        )
        examined.world.owner_adds(examined.calendar, at(NINE))
        examined.behind.owner_edits_customer(made.customer_id, email="new@example.com")
        now = from_datetime(utc_now())
        hints = [
            hint
            for each in examined.behind.told()
            for hint in examined.platform.hints(each, now)
        ]
        assert {each.account for each in hints} == {account.account}
        assert any(each.is_schedule for each in hints)
        assert made.customer_id in {each.customer_id for each in hints}
        assert all(abs(each.occurred_at - now) < HOUR for each in hints)

    async def test_hints_of_somebody_else(self, examined: ExaminedPlatform) -> None:
        examined.world.owner_adds(examined.calendar, at(NINE))
        genuine, now = examined.behind.told()[-1], from_datetime(utc_now())
        forged = [replace(genuine, content=genuine.content + b" ")]
        for name, value in genuine.headers.items():
            less = {n: v for n, v in genuine.headers.items() if n != name}
            if name not in ("content-type", "content-length"):
                odd = (value[::-1], "", "\u00e9", "0" * len(value))
                forged.append(replace(genuine, headers=less))
                forged += [replace(genuine, headers={**less, name: v}) for v in odd]
        assert len(forged) > 5
        for each in forged:
            with pytest.raises(Unauthorized):
                examined.platform.hints(each, now)

    @pytest.mark.parametrize(
        "content",
        [b"", b"{}", b"[]", b"7", b"\xff", b'{"a":1}', b"[" * 20_000, b'{"data":[]}'],
    )
    async def test_hint_that_is_none(
        self, examined: ExaminedPlatform, content: bytes
    ) -> None:
        now = from_datetime(utc_now())
        with pytest.raises(InvalidField):
            examined.platform.hints(examined.behind.signed(content, now), now)

    # What hints name

    async def named(
        self, examined: ExaminedPlatform, name: str
    ) -> Mapping[str, ChangedEvent]:
        found = await examined.platform.named(
            examined.access, name, WINDOW, seconds=SECONDS
        )
        return {each.event_id: each for each in found}

    async def test_what_is_named_is_as_it_is_when_all_is_read(
        self, examined: ExaminedPlatform
    ) -> None:
        examined.world.owner_adds(examined.calendar, at(NINE))
        written = await self.put(examined, a_visit())
        everything, _ = await self.read(examined)
        assert written.event_id in everything
        named = {}
        for each in names_told(examined):
            named |= await self.named(examined, each)
        assert named == {
            key: event for key, event in everything.items() if key in named
        }
        assert len(named) == 2

    async def test_what_is_named_and_gone_is_not_told(
        self, examined: ExaminedPlatform
    ) -> None:
        written = await self.put(examined, a_visit())
        names = names_told(examined)
        examined.world.owner_deletes(examined.calendar, written.event_id)
        for each in names:
            found = await self.named(examined, each)
            assert all(event.is_deleted for event in found.values())

    async def test_a_name_that_leads_nowhere(self, examined: ExaminedPlatform) -> None:
        for name in ("nobody", "../company", "?a=b&c#d", "x" * 200):
            assert await self.named(examined, name) == {}


def names_told(examined: ExaminedPlatform) -> set[str]:
    """Return what every delivery so far named."""
    now = from_datetime(utc_now())
    hints = (
        hint
        for each in examined.behind.told()
        for hint in examined.platform.hints(each, now)
    )
    return {each.name for each in hints if each.name is not None}
