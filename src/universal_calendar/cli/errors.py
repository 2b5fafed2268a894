"""From an error to one clear line: what is wrong, and the next step."""

from collections.abc import Iterator
from typing import Final

from pydantic import ValidationError

from universal_calendar.core.errors import (
    AgentNotFound,
    AppointmentNotFound,
    BlockNotFound,
    DatabaseUnavailable,
    InvalidRange,
    UniversalCalendarError,
    message_of,
)
from universal_calendar.settings import Settings

_NEWER_SCHEMA: Final = (
    "The database was migrated by a newer universal-calendar than this one. Install"
    " that version, or restore a backup from before"
)
# What a command shows of these, the rest of the service does not know.
_NEXT_STEPS: Final[dict[type[Exception], str]] = {
    AppointmentNotFound: "`universal-calendar appointments list` shows them",
    BlockNotFound: "`universal-calendar blocks list` shows them",
    InvalidRange: "The days are those of --from and --to",
}
# Of a default that waits for other settings to be right.
_CONSEQUENCE: Final = "default_factory_not_called"


def explain(error: Exception) -> str | None:
    """Return what to tell people, None for an error that nobody expected."""
    if isinstance(error, ValidationError):
        return "\n".join(_invalid_settings(error))
    if isinstance(error, AgentNotFound):
        return (
            f"No agent {error.agent_id}, or one without hours. `universal-calendar"
            " agents list` shows the agents, `hours set` gives one its hours"
        )
    if isinstance(error, DatabaseUnavailable):
        return (
            f"{cause_of(error)}. Check that the server in DATABASE_URL runs, and its"
            " role and password; `universal-calendar doctor` tells more"
        )
    if isinstance(error, UniversalCalendarError):
        return _with_next_step(error)
    if isinstance(error, OSError):
        return _of_the_system(error)
    return _foreign(error)


def _with_next_step(error: UniversalCalendarError) -> str:
    step = _NEXT_STEPS.get(type(error))
    told = message_of(error)
    return f"{told.rstrip('.')}. {step}" if step else told


def _of_the_system(error: OSError) -> str:
    if error.filename is None or error.strerror is None:
        return message_of(error)
    return f"{error.filename}: {error.strerror}"


def _invalid_settings(error: ValidationError) -> Iterator[str]:
    for each in error.errors(
        include_url=False, include_context=False, include_input=False
    ):
        if each["type"] == _CONSEQUENCE:
            continue
        message = each["msg"].removeprefix("Value error, ")
        if not each["loc"]:
            yield message
            continue
        name = str(each["loc"][0])
        yield f"{name.upper()}: {message}. {_meaning(name)}".rstrip()


def _meaning(name: str) -> str:
    setting = Settings.model_fields.get(name.lower())
    meaning = setting.description if setting else None
    return f"What it is for: {meaning}" if meaning else ""


def cause_of(error: DatabaseUnavailable) -> str:
    """Say why the database does not answer, in libpq's words: they hold no password."""
    reason = str(error.__cause__ or "").strip().partition("\n")[0]
    return f"The database does not answer{f': {reason}' if reason else ''}"


def _foreign(error: Exception) -> str | None:
    # Imported here: who makes no error need not pay for it.
    from alembic.util import CommandError
    from psycopg import Error

    from universal_calendar.store.embedded import EmbeddedPostgresError
    from universal_calendar.store.provision import ProvisionError

    if isinstance(error, EmbeddedPostgresError | ProvisionError):
        return str(error)
    if isinstance(error, CommandError):
        return _NEWER_SCHEMA
    if isinstance(error, Error):
        # The primary message alone: the rest may quote rows.
        reason = error.diag.message_primary or type(error).__name__
        return f"The database refused: {reason}. See the server's log"
    return None
