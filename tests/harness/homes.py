"""Data directories of tests, where the database server may run as another user."""

import tempfile
from pathlib import Path


def let_through(folder: Path) -> None:
    """Let other users pass through a folder, and those above that tests made."""
    for each in (folder, *folder.parents):
        if Path(tempfile.gettempdir()) in each.parents:
            each.chmod(0o711)
