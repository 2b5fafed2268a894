"""The exam of every provider: a test class inherits the part of each capability.

The fixture `examined` gives the provider with an account of this test's own, `receiver`
where pushes can be sent, `consent` the owner's browser.
"""

from tests.contracts.authorizing import AuthorizingExam
from tests.contracts.pushes import PushExam
from tests.contracts.reading import ReadingExam
from tests.contracts.troubles import TroubleExam
from tests.contracts.writing import WritingExam
from universal_calendar.providers.provider import Capability

PARTS: dict[Capability, tuple[type, ...]] = {
    Capability.WRITES_EVENTS: (WritingExam, TroubleExam),
    Capability.READS_CHANGES: (ReadingExam,),
    Capability.PUSHES: (PushExam,),
    Capability.AUTHORIZES: (AuthorizingExam,),
}
