"""A table that fits its terminal: it leaves out columns rather than break its lines."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.terminal.output import natural_width, table
from orchestrator.terminal.plain_console import shown

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.table import Table


@dataclass(frozen=True)
class FittingTable:
    """A table of texts with what may be left out of it, said below.

    Attributes:
        headers: One a column.
        lines: One text a column each.
        right: Headers of the columns that are aligned to the right.
        least_first: Headers of the columns that may be left out, the least important first, but
            before them those that say nothing. The others stay, however narrow the terminal is.
        folded: Headers of the columns whose cells may be broken where all that may be left out is.
        remedy: How all of them are shown, after "Left out at 80 columns: device, time; ".
    """

    headers: Sequence[str]
    lines: Sequence[Sequence[str]]
    right: Collection[str]
    least_first: Sequence[str]
    remedy: str
    folded: Collection[str] = ("configuration",)

    def whole(self) -> Table:
        """Returns the table with all of its columns, as wide as they are."""
        return self._without(())

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yields the table, and what was left out of it."""
        out: list[str] = []
        for name in sorted(self.least_first, key=self._says_something):
            if natural_width(console, self._without(out)) <= options.max_width:
                break
            if name in self.headers:
                out.append(name)
        yield self._without(out)
        if out:
            yield shown(f"Left out at {options.max_width} columns: {', '.join(out)}; {self.remedy}")

    def _says_something(self, name: str) -> bool:
        if name not in self.headers:
            return True
        column = list(self.headers).index(name)
        return any(line[column] != "-" for line in self.lines)

    def _without(self, out: Collection[str]) -> Table:
        kept = [index for index, name in enumerate(self.headers) if name not in out]
        lines = ([line[index] for index in kept] for line in self.lines)
        return table([self.headers[index] for index in kept], lines, self.right, self.folded)
