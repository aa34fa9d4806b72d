"""The live view of a sweep on a terminal: one screen, however wide and high that is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from orchestrator.search.run_report import RunReport
from orchestrator.terminal.plain_console import shown, shown_line
from orchestrator.terminal.values import duration, number

_WIDEST = 120
_BAR = 10
_MOST_RUNNING = 8
_MOST_STRATA = 12
_LEVELS = "▁▂▃▄▅▆▇█"
_PLAIN_LEVELS = "_.-=+*%#"
_OF_ROWS = 1.96
"""Standard errors to each side of an interval over the validation rows that covers 95 %."""


@dataclass(frozen=True)
class Phase:
    """A part of the sweep.

    Attributes:
        name: "tuning" or "confirming".
        done: Runs that have ended.
        runs: Runs in all.
    """

    name: str
    done: int
    runs: int


@dataclass(frozen=True)
class Line:
    """A run as it is shown.

    Attributes:
        name: Its id.
        configuration: In words.
        state: In words.
        share: How far it is, 0 to 1; None of one that has ended.
        measured: What it measured last, in words.
        is_good: Whether it runs or has completed.
    """

    name: str
    configuration: str
    state: str
    share: float | None
    measured: str
    is_good: bool = True


@dataclass(frozen=True)
class Best:
    """The best of a stratum.

    Attributes:
        where: The stratum, in words.
        runs: How many of it have ended.
        words: Its score or loss; "" before there is one.
    """

    where: str
    runs: int
    words: str


@dataclass(frozen=True)
class View:
    """All that is shown.

    Attributes:
        phases: In their order.
        strata: One for each combination of the asked values; empty where nothing is asked.
        running: Runs that take a slot.
        ended: The others, the latest last.
        curve: Title and values of the best run's reports; None before there are two.
        footer: Words for the last line.
    """

    phases: Sequence[Phase]
    strata: Sequence[Best]
    running: Sequence[Line]
    ended: Sequence[Line]
    curve: tuple[str, Sequence[float]] | None
    footer: Sequence[str]


class Screen:
    """Renders the view anew at each refresh; it never has more lines than the terminal."""

    def __init__(self, console: Console, view: Callable[[], View]) -> None:
        """Takes the console to draw on, and the function that gives the view."""
        self._console = console
        self._view = view
        self._has_blocks = "utf" in console.encoding.lower()

    def __rich__(self) -> RenderableType:
        """Returns what rich draws."""
        view, width = self._view(), min(self._console.width, _WIDEST)
        parts: list[RenderableType] = [*self._phases(view.phases, width)]
        left = max(0, self._console.height - 2 - len(parts))
        running = view.running[: min(_MOST_RUNNING, max(1, left // 2))]
        left -= len(running)
        strata = view.strata[: min(_MOST_STRATA, max(0, left))]
        left -= len(strata)
        has_curve = view.curve is not None and left > 0
        left -= has_curve
        if strata:
            parts.append(self._strata(strata))
        ended = view.ended[-left:] if left > 0 else []
        if ended or running:
            parts.append(self._runs([*ended, *running], width))
        if view.curve is not None and has_curve:
            parts.append(self._curve(*view.curve, width))
        parts.append(_cut(", ".join(view.footer), width, "bold"))
        return Group(*parts)

    def _phases(self, phases: Sequence[Phase], width: int) -> Iterator[Text]:
        for phase in phases:
            bar = self.bar(phase.done / phase.runs if phase.runs else 1.0, 2 * _BAR)
            counted = f" {phase.done:,} of {phase.runs:,} runs"
            line = Text.assemble(f"{phase.name:<11}", (bar, "green"), counted)
            line.truncate(width, overflow="ellipsis")
            yield line

    def _strata(self, strata: Sequence[Best]) -> Table:
        table = _table()
        for _ in range(3):
            table.add_column(no_wrap=True, overflow="ellipsis")
        for best in strata:
            runs = "1 run" if best.runs == 1 else f"{best.runs:,} runs"
            table.add_row(shown_line(best.where), runs, best.words or "-")
        return table

    def _runs(self, lines: Iterable[Line], width: int) -> Table:
        table = _table()
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        for _ in range(3 if width >= 72 else 2):
            table.add_column(no_wrap=True)
        table.expand = True
        table.width = width
        for line in lines:
            bar = "" if line.share is None else self.bar(line.share, _BAR)
            cells: list[RenderableType] = [
                shown_line(line.name),
                shown_line(line.configuration),
                Text(bar, "green") if bar else shown(line.state, "" if line.is_good else "dim"),
                line.measured,
            ]
            if width >= 72:
                cells.insert(3, shown(line.state) if bar else "")
            table.add_row(*cells, style="" if line.is_good else "dim")
        return table

    def _curve(self, title: str, values: Sequence[float], width: int) -> Text:
        levels = _LEVELS if self._has_blocks else _PLAIN_LEVELS
        ends = f" {number(values[0])} to {number(values[-1])}"
        room = max(1, width - len(title) - len(ends) - 1)
        if len(values) > room:
            edges = [round(place * len(values) / room) for place in range(room + 1)]
            values = [fmean(values[a:b]) for a, b in pairwise(edges)]
        low, high = min(values), max(values)
        spread = high - low or 1.0
        drawn = "".join(
            levels[round((value - low) / spread * (len(levels) - 1))] for value in values
        )
        return _cut(f"{title} {drawn}{ends}", width)

    def bar(self, share: float, width: int) -> str:
        """Returns a bar of so many characters, filled to a share of 0 to 1."""
        full = round(min(1.0, max(0.0, share)) * width)
        filled, empty = ("█", "░") if self._has_blocks else ("#", ".")
        return filled * full + empty * (width - full)


def interval(report: RunReport) -> str:
    """Returns the score of a report with its interval over the validation rows."""
    if report.objective is None:
        return f"loss {number(report.loss)}"
    if report.error is None:
        return number(report.objective)
    return f"{number(report.objective)} ± {_OF_ROWS * report.error:.4f}"


def took(seconds: float, state: str) -> str:
    """Returns a run's state and time, e.g. "stopped 12 s"."""
    return f"{state} {duration(seconds)}"


def _table() -> Table:
    return Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0))


def _cut(text: str, width: int, style: str = "") -> Text:
    line = shown_line(text, style)
    line.truncate(width, overflow="ellipsis")
    return line
