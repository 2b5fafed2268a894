"""The exam of every provider: a test class inherits the part of each capability.

The fixture `examined` gives the provider with an account of this test's own, `receiver`
where pushes can be sent, `consent` the owner's browser.
"""

from tests.contracts.authorizing import AuthorizingExam
from tests.contracts.hints import HintsExam
from tests.contracts.pushes import PushExam
from tests.contracts.reading import ReadingExam
from tests.contracts.schedules import (
    FieldServiceExam,
    ScheduleReadingExam,
    ScheduleTroubleExam,
    ScheduleWritingExam,
)
from tests.contracts.troubles import TroubleExam
from tests.contracts.writing import WritingExam
from universal_calendar.providers.provider import Capability

PARTS: dict[Capability, tuple[type, ...]] = {
    Capability.WRITES_EVENTS: (WritingExam, TroubleExam),
    Capability.READS_CHANGES: (ReadingExam,),
    Capability.PUSHES: (PushExam,),
    Capability.AUTHORIZES: (AuthorizingExam,),
    Capability.MANAGES_JOBS: (FieldServiceExam, HintsExam),
}
PARTS_OF_PLATFORMS: dict[Capability, tuple[type, ...]] = {
    **PARTS,
    Capability.WRITES_EVENTS: (ScheduleWritingExam, ScheduleTroubleExam),
    Capability.READS_CHANGES: (ScheduleReadingExam,),
}
"""Of who manages jobs: the calendar is a schedule."""
