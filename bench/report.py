"""What was measured, against what was to be reached: for people and for machines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.machine import Machine
from bench.race import Result

FORMAT: Final = 1
"""Raised whenever a field of the JSON report changes its meaning or goes away."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure to reach, and the figure reached."""

    what: str
    measured: float
    bound: float
    at_least: bool

    @property
    def is_met(self) -> bool:
        """Tell whether the measured figure is on the right side of the bound."""
        if self.at_least:
            return self.measured >= self.bound
        return self.measured <= self.bound

    @property
    def sign(self) -> str:
        """Return how the bound reads."""
        return "≥" if self.at_least else "≤"


def at_least(what: str, measured: float, bound: float) -> Goal:
    """Return a goal that is met at the bound or above."""
    return Goal(what, measured, bound, at_least=True)


def at_most(what: str, measured: float, bound: float) -> Goal:
    """Return a goal that is met at the bound or below."""
    return Goal(what, measured, bound, at_least=False)


@dataclass(frozen=True, slots=True)
class Column:
    """One contender's medians: milliseconds of an answer, answers a second."""

    milliseconds: float
    per_second: float | None

    @classmethod
    def of(cls, result: Result) -> "Column":
        """Take the medians of a race."""
        per_second = result.median_per_second if result.per_second else None
        return cls(result.median_ms, per_second)


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the report: who took how long at what, and the goals."""

    name: str
    title: str
    columns: Mapping[str, Column]
    goals: tuple[Goal, ...]
    details: Mapping[str, float] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """All that one run measured, and on which machine."""

    measured_at: str
    version: str
    is_quick: bool
    machine: Machine
    figures: Sequence[Figure]

    @property
    def missed(self) -> list[Goal]:
        """Return the goals that were not reached."""
        every = (goal for figure in self.figures for goal in figure.goals)
        return [goal for goal in every if not goal.is_met]


def as_json(report: Report) -> dict[str, object]:
    """Return the report in plain values, as `bench/latest.json` has it."""
    return {
        "format": FORMAT,
        "measured_at": report.measured_at,
        "version": report.version,
        "quick": report.is_quick,
        "machine": report.machine.as_json(),
        "missed": len(report.missed),
        "figures": [_figure_json(figure) for figure in report.figures],
    }


def _figure_json(figure: Figure) -> dict[str, object]:
    return {
        "name": figure.name,
        "title": figure.title,
        "columns": {
            name: {
                "milliseconds": _rounded(column.milliseconds),
                "per_second": _rounded(column.per_second),
            }
            for name, column in figure.columns.items()
        },
        "goals": [_goal_json(goal) for goal in figure.goals],
        "details": {name: _rounded(value) for name, value in figure.details.items()},
        "note": figure.note,
    }


def _goal_json(goal: Goal) -> dict[str, object]:
    return {
        "what": goal.what,
        "measured": _rounded(goal.measured),
        "sign": goal.sign,
        "bound": goal.bound,
        "met": goal.is_met,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")


def rendered(report: Report) -> RenderableType:
    """Draw the report for a terminal."""
    table = Table(title=str(report.machine), title_justify="left", show_lines=True)
    table.add_column("Figure", min_width=24)
    for name in _CONTENDERS:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("Reached", no_wrap=True)
    table.add_column("Beside it", style="dim", no_wrap=True)
    for figure in report.figures:
        cells = [_cell(figure.columns.get(name)) for name in _CONTENDERS]
        table.add_row(_title(figure), *cells, _goals(figure), _details(figure))
    return Group(table, _summary(report))


_CONTENDERS: Final = ("product", "reference", "floor")


def _title(figure: Figure) -> Text:
    text = Text(figure.title)
    if figure.note:
        text.append(f"\n{figure.note}", style="dim")
    return text


def _cell(column: Column | None) -> str:
    if column is None:
        return ""
    lines = [f"{column.milliseconds:.2f} ms"]
    if column.per_second is not None:
        lines.append(f"{column.per_second:,.0f}/s")
    return "\n".join(lines)


def _goals(figure: Figure) -> Text:
    lines = Text("\n").join(_goal(goal) for goal in figure.goals)
    return lines if figure.goals else Text("no goal", style="dim")


def _goal(goal: Goal) -> Text:
    style, word = ("green", "met") if goal.is_met else ("bold red", "MISSED")
    text = f"{goal.what} {goal.measured:.3g} ({goal.sign} {goal.bound:g}) {word}"
    return Text(text, style=style)


def _details(figure: Figure) -> str:
    return "\n".join(f"{name} {value:.4g}" for name, value in figure.details.items())


def _summary(report: Report) -> Text:
    goals = sum(len(figure.goals) for figure in report.figures)
    missed = len(report.missed)
    if missed:
        return Text(f"{missed} of {goals} goals missed", style="bold red")
    return Text(f"All {goals} goals met", style="green")
