"""Rows from anyone, checked where they are read: nothing in them becomes a path unchecked.

A store may come from elsewhere, and a row's `sweep_id`, `trial_id` and `checkpoint` name files that
are opened, moved and removed. So each of them has the form that this package writes, and a row
stands in the file of its own sweep and trial, and of its own rung or evaluation: a file copied
under another name would count twice.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

import pyarrow as pa
import pyarrow.compute as pc

from orchestrator.store.errors import DamagedError
from orchestrator.store.keys import check_id, is_of_table
from orchestrator.store.schema import OUTCOMES, TABLES, Table
from trainables.contract.scores import METRICS

_IDS = ("sweep_id", "trial_id")
TOLD = {
    "trials": _IDS,
    "reports": (*_IDS, "rung_from", "rung_examples"),
    "predictions": (*_IDS, "split", "protocol"),
}
"""Columns whose values the path of a file tells, by table."""
_TOLD_OF = {"rung_from": slice(1), "rung_examples": slice(-1, None)}
"""The rows of a file that its name tells a column of, where they are not all: of several reports in
one file the first and the last."""
_CHECKPOINT = re.compile(r"checkpoints/sweep=([^/]+)/([^/]+)(/[0-9]{10})?")
_WORDS = {
    "outcome": OUTCOMES,
    "objective_metric": tuple(METRICS),
    "objective_mode": ("min", "max"),
}
"""Columns of final rows by which trials are ranked, with all that stands in them."""
_FIRST, _LAST = -62_135_596_800_000_000, 253_402_300_799_999_999
"""The times that Python has, in microseconds since 1970."""
_TIMES = {
    table.name: frozenset(field.name for field in table.schema if field.type == pa.timestamp("us"))
    for table in TABLES.values()
}
"""Looked up once: asking Arrow for types takes longer than checking the values."""


def check_rows(table: Table, content: pa.Table, name: str) -> None:
    """Checks the rows of one file; columns that are not there are not checked.

    Args:
        table: Whose file it is.
        content: The rows.
        name: Path of the file; its folders `sweep=...` and `trial=...`, and its own name, say what
            its rows are of.

    Raises:
        DamagedError: Naming the file, the column and the value.
    """
    told = _told_by_path(table, name)
    if table.name == "trials" and "trial_id" in told and content.num_rows > 1:
        raise DamagedError(
            f"{name} has {content.num_rows} rows, where one belongs; move it out of the store."
        )
    _check_values(table, content, name)
    for column, expected in told.items():
        values = _distinct(content, column) if column in content.column_names else []
        if foreign := _others(column, values, expected):
            raise DamagedError(
                f"{name} holds a row whose {column} is {_shown(foreign[0])}, where only those of"
                f" {expected!r} belong; move the file out of the store."
            )


def are_trusted(
    table: Table, content: pa.Table, counts: Sequence[int], names: Sequence[str]
) -> bool:
    """Returns whether `check_rows` would pass each of many files, without asking for each.

    Args:
        table: Whose files they are.
        content: The rows of all of them, in order.
        counts: How many rows each has.
        names: Their paths.
    """
    try:
        told = [_told_by_path(table, name) for name in names]
        _check_values(table, content, "a file")
    except DamagedError:
        return False
    if table.name == "trials" and any(
        "trial_id" in each and count > 1 for each, count in zip(told, counts, strict=True)
    ):
        return False
    for column in set(TOLD[table.name]) & set(content.column_names):
        values, start = content[column].to_pylist(), 0
        for each, count in zip(told, counts, strict=True):
            own = values[start : start + count]
            if column in each and _others(column, own, each[column]):
                return False
            start += count
    return True


def _others(column: str, values: list[object], expected: object) -> list[object]:
    """Returns the values of a file's column that are not what its path tells."""
    told = values[_TOLD_OF.get(column, slice(None))]
    if told.count(expected) == len(told):  # in less time than looking at each
        return []
    return [value for value in told if value != expected]


def _check_values(table: Table, content: pa.Table, name: str) -> None:
    """Checks what must hold of rows wherever they stand."""
    there = set(content.column_names)
    always = table.required | {"technique"} if table.name == "trials" else table.required
    for column in always & there:
        if content[column].null_count:
            raise DamagedError(
                f"{name} holds a row without {column}, which every row of {table.name} has; move"
                " the file out of the store."
            )
    for column in _WORDS.keys() & there:
        for word in _distinct(content, column):
            if word is not None and word not in _WORDS[column]:
                raise DamagedError(
                    f"{name} holds a row whose {column} is {_shown(word)}, which is none of"
                    f" {', '.join(_WORDS[column])}; move the file out of the store."
                )
    for column in _TIMES[table.name] & there:
        _check_times(content, column, name)
    for column in _IDS:
        for value in _distinct(content, column) if column in there else ():
            _check_id(column, value, name)
    if there >= {*_IDS, "checkpoint"}:
        columns = (content[column].to_pylist() for column in (*_IDS, "checkpoint"))
        for sweep_id, trial_id, checkpoint in zip(*columns, strict=True):
            if checkpoint is not None and _owner(checkpoint) != (sweep_id, trial_id):
                raise DamagedError(
                    f"{name} holds a row whose checkpoint is {_shown(checkpoint)}, where one"
                    f" of 'checkpoints/sweep={sweep_id}/{trial_id}/' belongs; move the file out of"
                    " the store."
                )


def _shown(value: object) -> str:
    text = str(value)
    return repr(text if len(text) <= 100 else f"{text[:97]}...")


def _distinct(content: pa.Table, column: str) -> list[object]:
    # Most files have one row, of which Arrow's own way takes ten times as long.
    if content.num_rows == 1:
        return content[column].to_pylist()  # type: ignore[no-any-return]
    return pc.unique(content[column]).to_pylist()  # type: ignore[no-any-return]


def _check_times(content: pa.Table, column: str, name: str) -> None:
    """Refuses times that Python cannot hold: those before the year 1 and after 9999."""
    ends = pc.min_max(content[column].cast(pa.int64())).as_py()
    if any(end is not None and not _FIRST <= end <= _LAST for end in ends.values()):
        raise DamagedError(
            f"{name} holds a row whose {column} is no time between the years 1 and 9999; move the"
            " file out of the store."
        )


def _check_id(column: str, value: object, name: str) -> None:
    try:
        check_id(str(value))
    except ValueError as error:
        raise DamagedError(
            f"{name} holds a row whose {column} is {_shown(value)}, which is no id; move the"
            " file out of the store."
        ) from error


def _told_by_path(table: Table, name: str) -> dict[str, object]:
    """Returns what the path says of its rows, by column; a compacted copy's says the sweep only.

    Raises:
        DamagedError: A trial's file does not have its name.
    """
    path = PurePath(name)
    # Folders above the root may have any name.
    tables = [place for place, part in enumerate(path.parts) if part in TABLES]
    below = path.parts[tables[-1] + 1 :] if tables else ()
    told = dict(part.split("=", 1) for part in below[:-1] if part.startswith(("sweep=", "trial=")))
    ids: dict[str, object] = {f"{key}_id": value for key, value in told.items()}
    if "sweep_id" not in ids:
        return ids
    if not is_of_table(table.name, "/".join(below[1:])):
        raise foreign_name(table, name)
    if path.stem == table.name:
        return ids
    if table.name == "trials":
        return {**ids, "trial_id": path.stem}
    if table.name == "reports":
        start, end = map(int, path.stem.split("-"))
        return {**ids, "rung_from": start, "rung_examples": end}
    split, protocol, _ = path.stem.split("-")  # the rows of an evaluation do not have its rung
    return {**ids, "split": split, "protocol": protocol}


def foreign_name(table: Table, name: str) -> DamagedError:
    """Returns the error for a file whose rows would count twice, or that is none of the store's.

    Args:
        table: In whose folder it is.
        name: Its path.
    """
    return DamagedError(
        f"{name} has a name that no file of {table.name} has: a copy, or foreign; move it out of"
        " the store."
    )


def _owner(checkpoint: str) -> tuple[str, str] | None:
    """Returns sweep and trial of a checkpoint's path, None if it is not such a path."""
    match = _CHECKPOINT.fullmatch(checkpoint)
    return (match[1], match[2]) if match else None
