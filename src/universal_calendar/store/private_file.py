"""Files that only their owner can read, and that a power cut cannot halve."""

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600, in place of any that was there."""
    _draft(path, text).rename(path)


def kept_private(path: Path, make: Callable[[], str]) -> str:
    """Return what the file holds; the first of several processes to come makes it."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = _draft(path, make())
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text()


def _draft(path: Path, text: str) -> Path:
    # The name appears only once the content is on the disk.
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    return Path(name)
