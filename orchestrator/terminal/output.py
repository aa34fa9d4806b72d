"""How an answer leaves the program: a table for people, JSON or CSV for programs.

A table that goes into a pipe has no colours and no frame, and no line is broken. Remarks go to
standard error there, so that standard output holds the answer only.
"""

from __future__ import annotations

import csv
import math
import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from orchestrator.errors import visible, visible_line
from orchestrator.terminal.csv_cells import csv_cell
from orchestrator.terminal.json_text import json_text

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table


class Format(StrEnum):
    """What an answer looks like."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


@dataclass(frozen=True)
class Answer:
    """An answer in both forms.

    Attributes:
        data: For programs: rows, or one dictionary.
        view: For people.
        remarks: Beside the answer, for people.
        columns: Of rows; only needed where there may be none.
        rows: For CSV, where the data is more than a table; None means the data.
    """

    data: list[dict[str, Any]] | dict[str, Any]
    view: RenderableType
    remarks: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: list[dict[str, Any]] | None = None


def emit(answer: Answer, form: Format, *, raw: bool = False) -> None:
    """Writes an answer to standard output.

    Args:
        answer: What to write.
        form: How.
        raw: Whether the texts of a CSV stay as they are; see `csv_cell`.
    """
    if form is Format.JSON:
        print(answer_json(answer))
    elif form is Format.CSV:
        _write_csv(answer, raw)
    else:
        from orchestrator.terminal.plain_console import PIPED_WIDTH, PlainConsole

        terminal = sys.stdout.isatty()
        print_whole(PlainConsole(width=None if terminal else PIPED_WIDTH), answer.view)
        remarks = PlainConsole(stderr=not terminal, soft_wrap=True)
        for remark in answer.remarks:
            remarks.print(remark)


def answer_json(answer: Answer) -> str:
    """Returns an answer as JSON, on lines of their own."""
    return json_text(json_values(answer.data), indent=2)


def say(text: str) -> None:
    """Writes a text for a person to standard output."""
    print(visible(text), flush=True)


def say_aside(text: str) -> None:
    """Writes a text for a person to standard error, so that standard output has the answer only."""
    print(visible(text), file=sys.stderr, flush=True)


def print_whole(console: Console, view: RenderableType) -> None:
    """Prints tables as wide as they are, and texts broken between words.

    A narrow terminal breaks the lines of a table; rich by itself would leave out columns and cut
    numbers.
    """
    from rich.console import Group
    from rich.table import Table

    if isinstance(view, Group):
        for part in view.renderables:
            print_whole(console, part)
        return
    width = console.width
    if isinstance(view, Table):
        console.width = max(width, natural_width(console, view))
    console.print(view, soft_wrap=False)
    console.width = width


def natural_width(console: Console, view: RenderableType) -> int:
    """Returns how many columns a view takes where no line is broken."""
    from rich.measure import Measurement

    from orchestrator.terminal.plain_console import PIPED_WIDTH

    endless = console.options.update(width=PIPED_WIDTH)
    return Measurement.get(console, endless, view).maximum


def table(
    headers: Sequence[str],
    lines: Iterable[Sequence[str]],
    right: Collection[str] = (),
    folded: Collection[str] | None = None,
) -> Table:
    """Returns a table of texts; a cell is one line, whatever it holds.

    Args:
        headers: One a column.
        lines: One text a column each.
        right: Headers of the columns that are aligned to the right.
        folded: Headers of the columns whose cells may be broken where there is no room; None means
            all but those on the right and ids of trials.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(
        box=box.SIMPLE_HEAD if sys.stdout.isatty() else None,
        pad_edge=False,
        header_style="bold",
    )
    for header in headers:
        aligned = header in right
        made.add_column(
            Text(visible_line(header)),
            justify="right" if aligned else "left",
            no_wrap=(aligned or header == "trial") if folded is None else header not in folded,
            overflow="fold",
        )
    for line in lines:
        made.add_row(*(Text(visible_line(cell)) for cell in line))
    return made


def _write_csv(answer: Answer, raw: bool) -> None:
    data = answer.data if answer.rows is None else answer.rows
    if isinstance(data, dict):
        nested = any(isinstance(value, (dict, list)) for value in data.values())
        pairs = [{"name": name, "value": value} for name, value in _flat(data)]
        data = pairs if nested else [data]
    names = list(data[0]) if data else answer.columns
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([csv_cell(name, raw=raw) for name in names])
    writer.writerows([csv_cell(_nested(row[name]), raw=raw) for name in names] for row in data)


def _nested(value: Any) -> Any:
    return json_values(value) if isinstance(value, (dict, list, tuple)) else value


def _flat(data: Any, path: str = "") -> Iterable[tuple[str, Any]]:
    if isinstance(data, (dict, list)):
        for name, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from _flat(value, f"{path}.{name}" if path else str(name))
    else:
        yield path, data


def json_values(value: Any) -> Any:
    """Returns the value with what JSON lacks replaced: NaN by null, other types by their text."""
    if isinstance(value, dict):
        return {str(key): json_values(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_values(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
