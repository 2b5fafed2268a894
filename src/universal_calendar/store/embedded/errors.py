"""What can keep the embedded server from serving, and the mend for each."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

USE_ANOTHER_DATABASE = "or set DATABASE_URL to a PostgreSQL 15 or later"

_DISK_IS_FULL = "Free some space on the disk that holds {folder}, then start again."
_NOT_OURS = (
    "Run as the owner of {folder}, give the folder to the present user (chown -R), "
    "or choose another home directory."
)
_MENDS_BY_ERRNO = {
    errno.ENOSPC: _DISK_IS_FULL,
    errno.EDQUOT: _DISK_IS_FULL,
    errno.EACCES: _NOT_OURS,
    errno.EPERM: _NOT_OURS,
    errno.EMFILE: "Allow more open files (ulimit -n).",
    errno.EROFS: "{folder} is read-only: choose a home directory that can be written.",
}
_MENDS_BY_OUTPUT = {
    "No space left on device": _DISK_IS_FULL,
    "Disk quota exceeded": _DISK_IS_FULL,
    "error while loading shared libraries": (
        "Install the named library with the system's package manager, "
        f"{USE_ANOTHER_DATABASE}."
    ),
    "GLIBC_": f"Use a system with glibc 2.35 or later, {USE_ANOTHER_DATABASE}.",
    'parameter "TimeZone"': "Install the system's time zones (package tzdata).",
    "Cannot allocate memory": "Give the service more memory, then start again.",
}


class EmbeddedPostgresError(RuntimeError):
    """Say why the embedded server cannot serve, and how to mend it."""


def mend_for(output: str, folder: Path, otherwise: str) -> str:
    """Choose the advice for what a PostgreSQL program printed when it failed."""
    for sign, mend in _MENDS_BY_OUTPUT.items():
        if sign in output:
            return mend.format(folder=folder)
    return otherwise


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turn an operating system error into one that says how to mend it."""
    try:
        yield
    except OSError as error:
        mend = _MENDS_BY_ERRNO.get(error.errno or 0, "Check {folder}.")
        message = f"The embedded PostgreSQL met: {error}. {mend.format(folder=folder)}"
        raise EmbeddedPostgresError(message) from error
