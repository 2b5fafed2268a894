"""The command: `python -m bench`."""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import orjson
import psycopg
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bench.arena import QUICK, THOROUGH, Effort, open_arena
from bench.figures import FIGURES
from bench.machine import this_machine
from bench.report import Figure, Report, as_json, rendered
from bench.stage import Stage, open_stage
from universal_calendar.clock import utc_now
from universal_calendar.web.health import VERSION

LATEST: Final = Path(__file__).parent / "latest.json"
_WIDTH_OF_FILES: Final = 160


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write; return 1 under --strict if a goal was missed."""
    options = _parser().parse_args(arguments)
    console = Console()
    names = [name for name in FIGURES if name in (options.only or FIGURES)]
    report = measure(QUICK if options.quick else THOROUGH, names, console)
    return publish(report, options.json, console, strict=options.strict)


def publish(report: Report, path: Path, console: Console, *, strict: bool) -> int:
    """Print and write the report; return 1 if strict and a goal was missed."""
    if not console.is_terminal:
        console.width = _WIDTH_OF_FILES
    console.print(rendered(report))
    path.write_bytes(written(report))
    return 1 if strict and report.missed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure the service beside a reference and a floor.",
    )
    parser.add_argument(
        "--quick", action="store_true", help="fewer repetitions, a smaller large table"
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=list(FIGURES),
        metavar="NAME",
        help=f"measure only this figure; repeat for more: {', '.join(FIGURES)}",
    )
    parser.add_argument(
        "--json", type=Path, default=LATEST, metavar="FILE", help="where to write it"
    )
    parser.add_argument(
        "--strict", action="store_true", help="exit with 1 if a goal is missed"
    )
    return parser


def measure(effort: Effort, names: Sequence[str], console: Console) -> Report:
    """Run everything that is needed for these figures, and measure them."""
    with (
        _progress(console) as progress,
        tempfile.TemporaryDirectory(prefix="universal-calendar-bench-") as folder,
    ):
        place = Path(folder)
        place.chmod(0o711)  # the database server may run as another user
        with open_stage(place) as stage:
            figures = _figures(stage, effort, names, progress)
            machine = this_machine(_postgresql_version(stage))
    return Report(
        utc_now().isoformat(timespec="seconds"),
        VERSION,
        effort is QUICK,
        machine,
        figures,
    )


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description:24}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )


def _figures(
    stage: Stage, effort: Effort, names: Sequence[str], progress: Progress
) -> list[Figure]:
    whole = progress.add_task("Seeding", total=len(names) + 1)
    current = progress.add_task("", total=None)
    with open_arena(stage, effort, lambda: progress.advance(current)) as arena:
        figures = []
        for name in names:
            progress.advance(whole)
            progress.update(whole, description=name)
            figures.append(FIGURES[name](arena))
    return figures


def _postgresql_version(stage: Stage) -> str:
    with psycopg.connect(stage.postgres.admin_url) as connection:
        version = connection.info.server_version
    return f"{version // 10_000}.{version % 10_000}"


def written(report: Report) -> bytes:
    """Return the report as the JSON file has it."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(as_json(report), option=options)


if __name__ == "__main__":
    raise SystemExit(main())
