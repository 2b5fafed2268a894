"""The command line beside the session's service, and apart from it."""

from pathlib import Path

import pytest

from tests.harness.command_line import CommandLine
from tests.harness.homes import let_through
from universal_calendar.bootstrap.parts import Server


@pytest.fixture
def command(home: Path, server: Server, tmp_path: Path) -> CommandLine:
    """Run commands on the session's home."""
    assert server.embedded is not None
    return CommandLine(tmp_path, home)


@pytest.fixture
def apart(tmp_path: Path) -> CommandLine:
    """Run commands in an empty folder, without a home."""
    return CommandLine(tmp_path)


@pytest.fixture
def own_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data directory of the test's own."""
    folder = tmp_path_factory.mktemp("own")
    let_through(folder)
    return folder / "home"
