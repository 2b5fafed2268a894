"""Jobber sits the exam of field-service platforms.

The other side is a fake that executes every request against the schema.
"""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.contracts.authorizing import AuthorizingExam
from tests.contracts.hints import HintsExam
from tests.contracts.schedules import (
    ExaminedPlatform,
    FieldServiceExam,
    OnSchedule,
    ScheduleReadingExam,
    ScheduleTroubleExam,
    ScheduleWritingExam,
)
from tests.providers.jobber.owner import Owner
from tests.providers.jobber.server import JobberServer, running_jobber
from tests.providers.jobber.world import ZONE, JobberConsent, examined_at


@pytest.fixture
def server() -> Iterator[JobberServer]:
    with running_jobber() as server:
        yield server


@pytest.fixture
def owner(server: JobberServer) -> Owner:
    return server.open("ABC Plumbing", ZONE, "Olive Owner")


@pytest.fixture
async def examined(
    server: JobberServer, owner: Owner
) -> AsyncIterator[ExaminedPlatform]:
    async with examined_at(server, owner) as examined:
        yield examined


@pytest.fixture
def consent(owner: Owner) -> JobberConsent:
    return JobberConsent(owner)


class TestWriting(ScheduleWritingExam):
    pass


class TestTroubles(ScheduleTroubleExam):
    pass


class TestTroublesToldInErrors(ScheduleTroubleExam):
    """A token that is refused may be told under a 200, too."""

    @pytest.fixture(autouse=True)
    def tells_in_errors(self, server: JobberServer) -> None:
        server.jobber.tells_by_status = False


class TestReading(ScheduleReadingExam):
    pass


class TestFieldService(FieldServiceExam):
    pass


class TestHints(HintsExam):
    pass


class TestFieldServiceByKey(FieldServiceExam):
    """What an owner pastes opens the same."""

    @pytest.fixture
    async def examined(
        self, server: JobberServer, owner: Owner
    ) -> AsyncIterator[ExaminedPlatform]:
        async with examined_at(server, owner, apiKey=owner.api_key()) as examined:
            yield examined


class TestAuthorizing(OnSchedule, AuthorizingExam):
    # Jobber documents neither PKCE nor scopes in a request: an app has its scopes in
    # the developer centre, and is let in with all of them or not at all.
    test_code_of_another_browser = None  # type: ignore[assignment] # see above
    test_scope_that_was_unticked = None  # type: ignore[assignment] # see above
