"""Google Calendar sits the exam of every provider.

The other side is a fake that is held against Google's own discovery document.
"""

from collections.abc import AsyncIterator

import pytest

from tests.contracts.authorizing import AuthorizingExam
from tests.contracts.pushes import PushExam
from tests.contracts.reading import ReadingExam
from tests.contracts.troubles import TroubleExam
from tests.contracts.world import Examined
from tests.contracts.writing import WritingExam
from tests.providers.google.server import FakeGoogle, running_google
from tests.providers.google.world import GoogleConsent, examined_at


@pytest.fixture
async def google() -> AsyncIterator[FakeGoogle]:
    async with running_google() as google:
        yield google


@pytest.fixture
async def examined(google: FakeGoogle) -> AsyncIterator[Examined]:
    async with examined_at(google) as examined:
        yield examined


@pytest.fixture
def consent(google: FakeGoogle) -> GoogleConsent:
    return GoogleConsent(google)


class TestWriting(WritingExam):
    pass


class TestTroubles(TroubleExam):
    pass


class TestReading(ReadingExam):
    pass


class TestPushes(PushExam):
    greetings = 1


class TestAuthorizing(AuthorizingExam):
    pass
