"""Reads separated values: by commas, semicolons, tabs or bars, whichever the header has."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from trainables.data.bad_rows import BadRow
from trainables.data.errors import DatasetError
from trainables.data.raw_table import RawTable
from trainables.data.table_text import AGAIN, read_text

_SEPARATORS = (",", ";", "\t", "|")
_SAID_BY_EXCEL = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
_BLANK_LINES = re.compile(r"(?:[ \t]*(?:\r\n|\r|\n))+")
_JSON = re.compile(r'\{\s*"|\[\s*[\[{"]')
"""How an object or an array begins, and no name of a column."""
_BACKSLASH = "\\"
_ESCAPED_MARK = '\\"'
_LARGEST_BLOCK = (1 << 31) - 1
"""Bytes; pyarrow takes no larger one, and refuses a row that is longer than a block."""


def read_csv(path: Path) -> RawTable:
    """Returns the table in a file of separated values; the first line names its columns.

    All values are texts, as they stand there: none is taken for a number or for NULL.

    Raises:
        DatasetError: It cannot be read.
    """
    text = read_text(path)
    said = _SAID_BY_EXCEL.match(text)
    start = said.end() if said is not None else 0
    if blank := _BLANK_LINES.match(text, start):
        start = blank.end()
    skipped = text.count("\n", 0, start)
    is_ended = text.endswith(("\n", "\r"))
    text = text[start:] + ("" if text.endswith("\n") else "\n")
    if _JSON.match(text):
        kind = ".jsonl" if text.startswith("{") else ".json"
        raise DatasetError(
            f"The table {str(path)!r} cannot be read: it is JSON; give it a name that ends in"
            f" {kind}."
        )
    separator = said[1] if said is not None else _separator(text)
    escape = _escape(path, text, separator, skipped)
    names = next(_records(text, separator, escape), (0, []))[1]
    if not names:
        raise DatasetError(f"The table {str(path)!r} cannot be read: it is empty.")
    if all(len(name) > 1 and name[0] == name[-1] == "'" for name in names):
        raise DatasetError(
            f"The table {str(path)!r} cannot be read: its values stand in single quotes, which"
            " would be part of them; write them in double ones."
        )
    refused: list[pa.csv.InvalidRow] = []
    table = _table(path, text.encode("utf-8", "surrogatepass"), names, separator, escape, refused)

    @cache
    def lines() -> Sequence[int]:
        """Returns the line on which each row begins: a row may span several."""
        return [line + skipped for line, _ in _records(text, separator, escape)][1:]

    broken = {row.number - 2: row for row in refused}

    @cache
    def kept() -> Sequence[int]:
        return [row for row in range(table.num_rows + len(broken)) if row not in broken]

    return RawTable(
        names=names,
        count=table.num_rows,
        values=lambda name: table.column(names.index(name)).to_pylist(),
        place=lambda row: _place(lines(), kept()[row]),
        broken=[
            BadRow(
                _place(lines(), number),
                _broken(row, is_cut=not is_ended and number == table.num_rows + len(broken) - 1),
            )
            for number, row in broken.items()
        ],
    )


def _table(
    path: Path,
    content: bytes,
    names: Sequence[str],
    separator: str,
    escape: str | None,
    refused: list[pa.csv.InvalidRow],
) -> pa.Table:
    def refuse(row: pa.csv.InvalidRow) -> str:
        refused.append(row)
        return "skip"

    handler: Callable[[pa.csv.InvalidRow], str] = refuse
    columns = [str(number) for number in range(len(names))]
    try:
        return pa.csv.read_csv(
            pa.BufferReader(content),
            # In one thread, so that rows which are refused have their numbers.
            read_options=pa.csv.ReadOptions(
                use_threads=False,
                block_size=min(len(content) + 1, _LARGEST_BLOCK),
                column_names=columns,
                skip_rows_after_names=1,
            ),
            parse_options=pa.csv.ParseOptions(
                delimiter=separator,
                escape_char=escape or False,
                newlines_in_values=True,
                invalid_row_handler=handler,
            ),
            convert_options=pa.csv.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.string()),
                strings_can_be_null=False,
                check_utf8=False,  # it was decoded before
            ),
        )
    except pa.ArrowException as error:
        raise DatasetError(f"The table {str(path)!r} cannot be read: {error}") from error


def _separator(text: str) -> str:
    """Returns what makes most columns of the first line, the usual one if several do."""
    first = text[: (text.find("\n") + 1) or None]
    return max(_SEPARATORS, key=lambda each: len(next(_records(first, each), (0, []))[1]))


def _escape(path: Path, text: str, separator: str, skipped: int) -> str | None:
    """Returns the backslash where that is what quotation marks within values have before them.

    Spark and MySQL write them so; None where they are written twice, as spreadsheets do.

    Raises:
        DatasetError: They are neither, so that a value ends where nobody can tell; names the line.
    """
    line = _misquoted(text, separator, None)
    if line is None:
        return None
    if _ESCAPED_MARK in text and _misquoted(text, separator, _BACKSLASH) is None:
        return _BACKSLASH
    raise DatasetError(
        f"The table {str(path)!r} cannot be read: on line {line + skipped} a value goes on after"
        " the quotation mark that ends it; write quotation marks within a value twice."
    )


def _misquoted(text: str, separator: str, escape: str | None) -> int | None:
    """Returns the first line on which a value goes on after its last quotation mark."""
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=separator, escapechar=escape, strict=True
    )
    try:
        for _ in reader:
            pass
    except csv.Error as error:
        # The other one, an end within quotation marks, makes a row that is too short.
        return reader.line_num if " expected after " in str(error) else None
    return None


def _records(
    text: str, separator: str, escape: str | None = None
) -> Iterator[tuple[int, list[str]]]:
    """Yields the line on which each row begins, and its values; blank lines are none."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, escapechar=escape)
    begins = 1
    # Only reading a field is limited, to 128 KiB; the rows themselves are pyarrow's.
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    for row in reader:
        if row:
            yield begins, row
        begins = reader.line_num + 1


def _broken(row: pa.csv.InvalidRow, *, is_cut: bool) -> str:
    """Returns what is wrong with a row; of the last one, without a line's end, that it is cut."""
    there = _count(row.actual_columns, "value")
    expected = _count(row.expected_columns, "column")
    words = f"has {there}, but the header has {expected}"
    if is_cut and row.actual_columns < row.expected_columns:
        words += f", as in a file that is cut short ({AGAIN})"
    return words


def _place(lines: Sequence[int], row: int) -> str:
    return f"line {lines[row]}" if row < len(lines) else f"row {row + 1}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
