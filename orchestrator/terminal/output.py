"""How an answer leaves the program: a table for people, JSON or CSV for programs.

A table that goes into a pipe has no colours and no frame, and no line is broken. Remarks go to
standard error there, so that standard output holds the answer only.
"""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

PIPED_WIDTH = 10_000
"""Columns of what goes to a file or a pipe, which has no width of its own: no line is broken."""


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


def emit(answer: Answer, form: Format) -> None:
    """Writes an answer to standard output."""
    if form is Format.JSON:
        print(json.dumps(_json(answer.data), indent=2, ensure_ascii=False))
    elif form is Format.CSV:
        _write_csv(answer)
    else:
        from rich.console import Console

        terminal = sys.stdout.isatty()
        print_whole(Console(highlight=False, width=None if terminal else PIPED_WIDTH), answer.view)
        remarks = Console(highlight=False, stderr=not terminal, soft_wrap=True)
        for remark in answer.remarks:
            remarks.print(remark, markup=False)


def print_whole(console: Console, view: RenderableType) -> None:
    """Prints tables as wide as they are: on a narrow terminal, which breaks their lines where it
    ends, rich would leave out columns and cut numbers.
    """
    from rich.console import Group
    from rich.measure import Measurement
    from rich.table import Table

    if isinstance(view, Group):
        for part in view.renderables:
            print_whole(console, part)
        return
    width = console.width
    if isinstance(view, Table):
        endless = console.options.update(width=PIPED_WIDTH)
        console.width = max(width, Measurement.get(console, endless, view).maximum)
    console.print(view)
    console.width = width


def table(
    headers: Sequence[str], lines: Iterable[Sequence[str]], right: Collection[str] = ()
) -> Table:
    """Returns a table of texts.

    Args:
        headers: One a column.
        lines: One text a column each.
        right: Headers of the columns that are aligned to the right.
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
            header,
            justify="right" if aligned else "left",
            no_wrap=aligned or header == "trial",
            overflow="fold",
        )
    for line in lines:
        made.add_row(*map(Text, line))
    return made


def _write_csv(answer: Answer) -> None:
    data = answer.data if answer.rows is None else answer.rows
    if isinstance(data, dict):
        nested = any(isinstance(value, (dict, list)) for value in data.values())
        pairs = [{"name": name, "value": value} for name, value in _flat(data)]
        data = pairs if nested else [data]
    names = list(data[0]) if data else answer.columns
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_cell(row[name]) for name in names] for row in data)


def _cell(value: Any) -> Any:
    """Returns what CSV has no form for, truth and nested values, as JSON."""
    if isinstance(value, (bool, dict, list, tuple)):
        return json.dumps(_json(value), ensure_ascii=False)
    return value


def _flat(data: Any, path: str = "") -> Iterable[tuple[str, Any]]:
    if isinstance(data, (dict, list)):
        for name, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from _flat(value, f"{path}.{name}" if path else str(name))
    else:
        yield path, data


def _json(value: Any) -> Any:
    """Returns the value with what JSON lacks replaced: NaN by null, other types by their text."""
    if isinstance(value, dict):
        return {str(key): _json(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
