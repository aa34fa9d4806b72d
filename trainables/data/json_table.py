"""Reads JSON: lines of objects, an array of objects, or an object that holds one array of them.

By the standard library, not by pyarrow, whose reader takes lines only, guesses types from the first
of them (a date for a text that looks like one) and cannot say which line it does not understand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trainables.contract.json_values import KeyTwiceError, kind, object_of_pairs
from trainables.data.bad_rows import BadRow
from trainables.data.errors import DatasetError
from trainables.data.raw_table import RawTable
from trainables.data.table_text import AGAIN, read_text

_BLANK = re.compile(r"[ \t\n\r]*")


_decoder = json.JSONDecoder(object_pairs_hook=object_of_pairs)
_decode = _decoder.raw_decode

_Row = tuple[int, Any]
"""The line on which a value begins, and the value."""


def read_json(path: Path) -> RawTable:
    """Returns the table in a file of JSON.

    An object with one array of objects in it, such as `{"data": [...]}`, stands for that array.

    Raises:
        DatasetError: It cannot be read, or is JSON of another shape.
    """
    text = read_text(path)
    try:
        rows, broken = _rows(text)
    except RecursionError:
        raise _unreadable(path, "it is nested too deeply") from None
    except json.JSONDecodeError as error:
        what = _CUT if _breaks_off(error) else _not_json(error)
        raise _unreadable(path, f"line {error.lineno} {what}") from None
    except ValueError as error:
        raise _unreadable(path, str(error)) from None
    has_lines = len({line for line, _ in rows}) == len(rows)  # an array may be all on one
    placed = [
        (f"line {line}" if has_lines else f"row {number}", row)
        for number, (line, row) in enumerate(rows, 1)
    ]
    good = [(place, row) for place, row in placed if isinstance(row, dict)]
    broken += [
        BadRow(place, f"is {kind(row)}, not an object")
        for place, row in placed
        if not isinstance(row, dict)
    ]
    if broken and not good:
        raise _unreadable(path, f"{broken[0].place} {broken[0].reason}")
    kinds: dict[str, set[type]] = {}
    for _, row in good:
        for name, value in row.items():
            kinds.setdefault(name, set()).add(type(value) if value != "" else type(None))
    return RawTable(
        names=list(dict.fromkeys(name for _, row in good for name in row)),
        count=len(good),
        values=lambda name: [row.get(name) for _, row in good],
        place=lambda row: good[row][0],
        # A column of texts with a list among them has a bad row, which is named.
        nested=[name for name, found in kinds.items() if found & {dict, list} and str not in found],
        broken=broken,
    )


def _rows(text: str) -> tuple[list[_Row], list[BadRow]]:
    start = _skip_blank(text, 0)
    if text.startswith("[", start):
        return list(_array(text, start)), []
    if not text.startswith("{", start) and text[start:].strip():
        first, _, following = text[start:].partition("\n")
        if '"' not in first[:1] and following and any(mark in first for mark in ",;\t|"):
            try:
                _decoder.decode(first)
            except ValueError:
                raise ValueError(
                    "it is no JSON but looks like separated values; give it a name that ends in"
                    " .csv"
                ) from None
    rows, broken = _lines(text)
    first_is_broken = bool(broken) and (not rows or _number(broken[0]) < rows[0][0])
    if len(rows) == 1 and not broken:
        return _within(rows[0]), []
    if first_is_broken and text.startswith("{", start):
        # One object over several lines, or lines of which the first is broken.
        try:
            whole = _decoder.decode(text)
        except json.JSONDecodeError as error:
            if _breaks_off(error):
                raise
        except ValueError:
            pass
        else:
            return _within((text.count("\n", 0, start) + 1, whole)), []
        try:
            objects = list(_objects(text, start))
        except json.JSONDecodeError as error:
            if _breaks_off(error):
                raise
            return rows, broken
        except ValueError:
            return rows, broken
        if len(objects) > 1:
            return objects, []
    return rows, broken


def _lines(text: str) -> tuple[list[_Row], list[BadRow]]:
    rows: list[_Row] = []
    broken: list[BadRow] = []
    last = text.count("\n") + 1
    # Not splitlines, for which texts may break lines: JSON need not escape U+2028.
    for number, line in enumerate(text.split("\n"), 1):
        if line and not line.isspace():
            try:
                rows.append((number, _decoder.decode(line)))
            except json.JSONDecodeError as error:
                is_cut = number == last and _breaks_off(error)  # no line end comes after it
                broken.append(BadRow(f"line {number}", _CUT if is_cut else _not_json(error)))
            except KeyTwiceError as error:
                broken.append(BadRow(f"line {number}", str(error)))
            except RecursionError:
                broken.append(BadRow(f"line {number}", "is nested too deeply"))
            except ValueError as error:  # a whole number of thousands of digits
                broken.append(BadRow(f"line {number}", f"is not JSON that can be read ({error})"))
    return rows, broken


def _objects(text: str, at: int) -> Iterator[_Row]:
    """Yields values that follow each other over several lines each, as `jq .` writes them."""
    line, counted = 1, 0
    while at < len(text):
        line, counted = line + text.count("\n", counted, at), at
        value, at = _decode(text, at)
        yield line, value
        at = _skip_blank(text, at)


def _array(text: str, start: int) -> Iterator[_Row]:
    """Yields the elements of an array one by one, each with its line."""
    line, counted = 1, 0
    at = _skip_blank(text, start + 1)
    while not text.startswith("]", at):
        line, counted = line + text.count("\n", counted, at), at
        try:
            value, at = _decode(text, at)
        except KeyTwiceError as error:
            raise ValueError(f"the object that begins on line {line} {error}") from None
        yield line, value
        at = _skip_blank(text, at)
        if text.startswith(",", at):
            at = _skip_blank(text, at + 1)
        elif not text.startswith("]", at):
            raise json.JSONDecodeError("Expecting ',' or ']'", text, at)
    if (rest := _skip_blank(text, at + 1)) != len(text):
        raise json.JSONDecodeError("Extra data", text, rest)


def _within(row: _Row) -> list[_Row]:
    """Returns the rows of the one array of objects in an object; else the object as a row.

    Rows that stand under their numbers, `{"0": {...}, "1": {...}}`, are rows too: pandas writes
    them so with `orient="index"`.
    """
    line, value = row
    if not isinstance(value, dict):
        return [row]
    parts = list(value.values())
    arrays = [part for part in parts if isinstance(part, list) and part and _is_row(part[0])]
    if len(arrays) == 1:
        return [(line, each) for each in arrays[0]]
    if arrays:
        raise ValueError("it is one object with several lists of objects; write a file of each")
    if parts and all(map(_is_row, parts)) and not all(map(_has_numbers, parts)):
        if _has_numbers(value):
            return [(line, each) for each in parts]
        raise ValueError(
            f"it is one object with an object under each of {_some(value)}: where these are rows,"
            f" {_AS_ROWS}"
        )
    if {"columns", "data"} <= value.keys() <= {"columns", "index", "data"}:
        raise ValueError(
            "it is one object of names and values apart, as pandas writes with `orient='split'`;"
            f" {_AS_ROWS}"
        )
    if parts and all(isinstance(part, dict | list) for part in parts):
        raise ValueError(f"it is one object of columns; {_AS_ROWS}")
    return [row]


_AS_ROWS = "write a list of rows, as pandas does with `to_json(FILE, orient='records')`"


def _has_numbers(value: dict[str, Any]) -> bool:
    """Says whether all names in an object are numbers, as those of rows are."""
    return all(name.isdecimal() for name in value)


def _some(names: dict[str, Any]) -> str:
    shown = [repr(name if len(name) <= 20 else f"{name[:17]}...") for name in list(names)[:3]]
    return ", ".join([*shown, *(["..."] if len(names) > 3 else [])])


def _is_row(value: Any) -> bool:
    return isinstance(value, dict)


def _skip_blank(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return at if found is None else found.end()


def _number(row: BadRow) -> int:
    return int(row.place.removeprefix("line "))


def _not_json(error: json.JSONDecodeError) -> str:
    return f"is not JSON ({error.msg} at column {error.colno})"


_CUT = f"breaks off, as in a file that is cut short ({AGAIN})"


def _breaks_off(error: json.JSONDecodeError) -> bool:
    """Returns whether JSON is wrong for its end alone: something would have to follow."""
    rest = error.doc[error.pos :].strip()
    if error.msg.startswith("Unterminated string") or not rest:
        return True
    in_escape = error.msg.startswith("Invalid \\") and len(rest) < len("\\u0000")
    return in_escape or any(word.startswith(rest) for word in ("true", "false", "null", "-"))


def _unreadable(path: Path, why: str) -> DatasetError:
    return DatasetError(f"The table {str(path)!r} cannot be read: {why}.")
