"""The fake sits the exam of every provider, over real sockets."""

import pytest

from tests.contracts.drafts import a_draft
from tests.contracts.pushes import PushExam
from tests.contracts.reading import ReadingExam
from tests.contracts.troubles import TroubleExam
from tests.contracts.world import Examined
from tests.contracts.writing import WritingExam
from tests.providers.contract import CheckedSender
from universal_calendar.core.provider_errors import ProviderDown


class TestWriting(WritingExam):
    pass


class TestTroubles(TroubleExam):
    async def test_fresh_token_serves_until_it_expires(
        self, examined: Examined, sender: CheckedSender
    ) -> None:
        examined.world.expires_tokens()
        for number in range(3):
            await self.put(examined, a_draft(number))
        assert sender.sent.count("POST /v1/token") == 1

    async def test_refusal_of_a_fresh_token_is_the_provider_s_own_fault(
        self, examined: Examined
    ) -> None:
        for _ in range(2):
            examined.world.expires_tokens()
        with pytest.raises(ProviderDown):
            await self.put(examined, a_draft())
        await self.put(examined, a_draft())


class TestReading(ReadingExam):
    pass


class TestPushes(PushExam):
    pass
