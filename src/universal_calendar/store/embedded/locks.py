"""Locks that the kernel lets go of when their holder dies."""

import fcntl
import os
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from universal_calendar.store.embedded.errors import EmbeddedPostgresError

_PAUSE = 0.01


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Poll until the condition holds; answer whether it came to."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE)
    return True


@contextmanager
def exclusive(path: Path, patience: float) -> Iterator[int]:
    """Hold the lock alone and yield its descriptor; give up after `patience` seconds.

    A child that inherits the descriptor keeps the lock: leaving only closes our copy.
    """
    descriptor = _open(path)
    try:
        if not wait_until(lambda: _take(descriptor, fcntl.LOCK_EX), patience):
            message = (
                f"Another process has held {path} for {patience:.0f} seconds. "
                "End the process that hangs (fuser names it), then try again."
            )
            raise EmbeddedPostgresError(message)
        yield descriptor
    finally:
        os.close(descriptor)


def is_free(path: Path) -> bool:
    """Answer whether nobody holds the lock alone."""
    descriptor = _open(path)
    try:
        return _take(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


class Membership:
    """One process's share in the users lock; a forked child has none."""

    _all: ClassVar["weakref.WeakSet[Membership]"] = weakref.WeakSet()

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._all.add(self)

    def __bool__(self) -> bool:
        """Answer whether this process is a member."""
        return self._descriptor is not None

    def join(self) -> None:
        """Take a share."""
        if self._descriptor is None:
            self._descriptor = _open(self._path)
            fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def is_last(self) -> bool:
        """Answer whether nobody else has a share; leave or join next, do nothing else.

        When somebody has, the kernel may already have dropped our own share.
        """
        return self._descriptor is not None and _take(self._descriptor, fcntl.LOCK_EX)

    def leave(self) -> None:
        """Give the share back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    @classmethod
    def forget_all(cls) -> None:
        """Close the copies a fork has made, so that they cannot outlive the parent."""
        for membership in cls._all:
            membership.leave()


os.register_at_fork(after_in_child=Membership.forget_all)


def _open(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    return os.open(path, flags, 0o600)


def _take(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
