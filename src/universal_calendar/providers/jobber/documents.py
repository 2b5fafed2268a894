"""The documents that Jobber is asked with, from the files beside, and what they cost.

By Jobber's rules a field costs a point, `nodes` nothing, and a connection what is asked
of each node, times `first`. A test reckons the same from the documents.
"""

from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Final

_FOLDER: Final = "documents"
_ITEM: Final = ("item_fields", "visit_fields")


@dataclass(frozen=True, slots=True)
class Document:
    """A request: `name` is its file, `fragments` the files it needs besides.

    It costs at most `cost` points, and `each` for every one that `first` asks for.
    """

    name: str
    cost: int
    each: int = 0
    fragments: tuple[str, ...] = field(default=(), repr=False)

    @property
    def text(self) -> str:
        """Return the whole document."""
        return "\n".join(_read(each) for each in (self.name, *self.fragments))


@cache
def _read(name: str) -> str:
    folder = files("universal_calendar.providers.jobber").joinpath(_FOLDER)
    return folder.joinpath(f"{name}.graphql").read_text()


ACCOUNT: Final = Document("account", 5)
DISCONNECT: Final = Document("disconnect", 3)
SCHEDULE: Final = Document("schedule", 2, 39, _ITEM)
NAMED_VISIT: Final = Document("named_visit", 38, 0, _ITEM)
TAKEN: Final = Document("taken", 2, 22, ("item_fields",))
USERS: Final = Document("users", 0, 9)

CLIENT: Final = Document("client", 26, 0, ("client_fields", "property_fields"))
CLIENT_WORK: Final = Document("client_work", 176, 5, ("property_fields",))
FIND: Final = Document("find", 480, 0, ("client_fields",))
PROPERTIES: Final = Document("properties", 176, 0, ("property_fields",))
MAKE_CLIENT: Final = Document("make_client", 12, 0, ("property_fields",))
EDIT_CLIENT: Final = Document("edit_client", 3)
NOTE_CLIENT: Final = Document("note_client", 3)
MAKE_PROPERTY: Final = Document("make_property", 5)

NEWEST_JOBS: Final = Document("newest_jobs", 0, 2)
JOB_VISITS: Final = Document("job_visits", 2, 35, _ITEM)
VISIT: Final = Document("visit", 36, 0, _ITEM)
VISIT_JOB: Final = Document("visit_job", 6)
MAKE_JOB: Final = Document("make_job", 40, 0, _ITEM)
MAKE_VISIT: Final = Document("make_visit", 39, 0, _ITEM)
CHANGE_VISIT: Final = Document("change_visit", 45, 0, _ITEM)
CANCEL_VISIT: Final = Document("cancel_visit", 9)

ALL: Final = tuple(each for each in globals().values() if isinstance(each, Document))
