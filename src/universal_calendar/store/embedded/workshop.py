"""A place for what is not finished yet."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def workshop(folder: Path) -> Iterator[Path]:
    """Yield an empty directory whose content is to be renamed once it is complete.

    It is new each time: a program whose caller was killed may still use the old one.
    """
    for abandoned in folder.glob("unfinished-*"):
        shutil.rmtree(abandoned, ignore_errors=True)
    with tempfile.TemporaryDirectory(
        prefix="unfinished-", dir=folder, ignore_cleanup_errors=True
    ) as name:
        place = Path(name)
        place.chmod(0o711)  # the server's user has to pass
        yield place
