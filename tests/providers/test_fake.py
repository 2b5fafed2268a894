"""The fake sits the exam of every provider, over real sockets."""

from tests.contracts.drafts import a_draft
from tests.contracts.pushes import PushExam
from tests.contracts.reading import ReadingExam
from tests.contracts.troubles import TroubleExam
from tests.contracts.world import Examined
from tests.contracts.writing import WritingExam
from tests.providers.contract import CheckedSender


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


class TestReading(ReadingExam):
    pass


class TestPushes(PushExam):
    pass
