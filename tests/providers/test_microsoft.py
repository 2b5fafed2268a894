"""Microsoft sits the exam, over real sockets and behind its own description."""

import json
from dataclasses import replace

from typing_extensions import override

from tests.contracts.authorizing import AuthorizingExam
from tests.contracts.pushes import PushExam
from tests.contracts.reading import ReadingExam
from tests.contracts.troubles import TroubleExam
from tests.contracts.writing import WritingExam
from tests.providers.microsoft.fixtures import (
    given_api_url,
    given_consent,
    given_examined,
    given_microsoft,
    given_receiver,
)
from universal_calendar.services.ports.calendars import PushDelivery

__all__ = [
    "given_api_url",
    "given_consent",
    "given_examined",
    "given_microsoft",
    "given_receiver",
]


class TestWriting(WritingExam):
    pass


class TestTroubles(TroubleExam):
    pass


class TestReading(ReadingExam):
    pass


class TestPushes(PushExam):
    @staticmethod
    @override
    def without_proof(delivery: PushDelivery) -> PushDelivery:
        told = json.loads(delivery.content)
        for each in told["value"]:
            del each["clientState"]
        return replace(delivery, content=json.dumps(told).encode())


class TestAuthorizing(AuthorizingExam):
    pass
