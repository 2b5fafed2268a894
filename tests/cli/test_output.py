"""What commands print is whole, whatever the width."""

import socket
from pathlib import Path
from uuid import UUID

import pytest

from tests.harness.command_line import CommandLine
from universal_calendar.cli.output import print_table


def test_tables_cut_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    ids = [UUID(int=number) for number in range(3)]
    long = " ".join(["word"] * 60)
    rows = [(each, long, f"sealed-{each}" * 5, True) for each in ids]
    print_table(("id", "detail", "id there", "primary"), rows)
    shown = capsys.readouterr().out
    assert all(str(each) in shown for each in ids)
    assert shown.count("word") == 60 * len(ids)
    assert "\N{HORIZONTAL ELLIPSIS}" not in shown
    assert "yes" in shown
    assert "True" not in shown


def test_a_table_without_names_has_no_head(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("", ""), [("alignment", "clock")])
    assert capsys.readouterr().out.split() == ["alignment", "clock"]


def test_what_the_system_refuses_is_named_once(
    apart: CommandLine, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = apart("sandbox", "--port", port, "--home", tmp_path, status=1).told
    assert told.count(str(port)) == 1
    assert "(Address already in use). Choose another" in told
    missing = tmp_path / "missing.json"
    words = ("connections", "add", "--tenant", UUID(int=1), "--provider", "caldav")
    told = apart(*words, "--credentials-file", missing, status=1).told
    assert told == f"error: {missing}: No such file or directory\n"
