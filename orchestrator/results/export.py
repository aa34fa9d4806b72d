"""A compacted copy of the store, or of some of its sweeps, elsewhere: in a folder or a bucket.

The store itself is never compacted: a reader in the midst of that would see rows twice.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path

import pyarrow as pa

from orchestrator.errors import remedy
from orchestrator.results.errors import ResultsError
from orchestrator.results.selection import by_age
from orchestrator.results.target import check_target
from orchestrator.store import index, reader, rows
from orchestrator.store.place import BucketAddress, Root
from orchestrator.store.roots import open_root
from orchestrator.store.schema import PREDICTIONS, REPORTS, TRIALS, Table
from orchestrator.terminal.csv_cells import FORMULA, NUMBER, QUOTE
from orchestrator.terminal.output import Answer, table
from trainables.runtime.staging import staged_beside


class ExportFormat(StrEnum):
    """What an exported table looks like."""

    PARQUET = "parquet"
    CSV = "csv"
    JSON = "json"


_READ: tuple[tuple[Table, Callable[..., pa.Table]], ...] = (
    (TRIALS, index.trials),
    (REPORTS, index.reports),
    (PREDICTIONS, reader.predictions),
)


def export(
    root: Root,
    sweep_ids: Sequence[str],
    target: Root,
    form: ExportFormat,
    *,
    raw: bool = False,
) -> Answer:
    """Writes the three tables into a new place.

    Parquet keeps the store's layout with one file a table and sweep, and the records of starts and
    of what was confirmed, so that the copy is read like a store (`--root`) and answers as it does;
    the sweep that was written to last comes last in it too.
    CSV and JSON (one object a line) are one file a table.

    A folder appears complete or not at all. In a bucket every file does; a sweep's final rows are
    the last of its files, and what has come so far stays when the rest fails: the same command,
    given again, goes on. What is there already with another content is not written over.

    Args:
        root: Of the store.
        sweep_ids: The sweeps.
        target: A folder that does not exist or is empty; or a place in a bucket, where other sweeps
            may lie, in Parquet.
        form: Of the files.
        raw: Whether the texts of a CSV stay as they are; else one that a spreadsheet would take
            for a formula has a quote before it.

    Raises:
        ResultsError: The target lies in the store or in no folder, holds something, or cannot be
            written.
        StoreError: The store cannot be read, or the bucket not be written to.
    """
    if isinstance(target, Path):
        counts = _into_folder(root, sweep_ids, target, form, raw=raw)
    else:
        counts = _into_bucket(root, sweep_ids, target, form)
    data = [
        {"table": definition.name, "rows": count, "folder": str(target)}
        for (definition, _), count in zip(_READ, counts, strict=True)
    ]
    lines = [[str(value) for value in row.values()] for row in data]
    return Answer(data, table(["table", "rows", "folder"], lines, {"rows"}))


def _into_folder(
    root: Root, sweep_ids: Sequence[str], target: Path, form: ExportFormat, *, raw: bool
) -> list[int]:
    """Writes the copy and returns how many rows of each table it has."""
    check_target(target, "folder", root)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ResultsError(f"{target} is there already; name a folder that is empty or not there.")
    try:
        with staged_beside(target, folder=True) as staged:
            if form is ExportFormat.PARQUET:
                counts = [0] * len(_READ)
                for sweep_id in by_age(root, sweep_ids):
                    for key, data in _files_of(root, sweep_id, counts):
                        file = staged / key
                        file.parent.mkdir(parents=True, exist_ok=True)
                        file.write_bytes(data)
            else:
                counts = [_write(root, sweep_ids, staged, form, raw, *each) for each in _READ]
            if target.exists():
                target.rmdir()
            staged.rename(target.absolute())
    except OSError as error:
        why = remedy(error, "name another folder")
        raise ResultsError(f"{target} cannot be written: {why}.") from error
    return counts


def _into_bucket(
    root: Root, sweep_ids: Sequence[str], target: BucketAddress, form: ExportFormat
) -> list[int]:
    """Writes the copy, as `_into_folder`."""
    if form is not ExportFormat.PARQUET:
        raise ResultsError(
            f"A copy in a bucket is in Parquet, not in {form}; export into a folder, and copy that."
        )
    if target == root:
        raise ResultsError(f"{target} is the store itself; name another place.")
    place = open_root(target)
    place.prepare()
    counts = [0] * len(_READ)
    for sweep_id in by_age(root, sweep_ids):
        for key, data in _files_of(root, sweep_id, counts):
            if not place.put_if_absent(key, data) and place.get(key) != data:
                raise ResultsError(
                    f"{place.name(key)} is there already, of an earlier state of the sweep or of"
                    " another one; name a place where the sweep is not yet."
                )
    return counts


def _files_of(root: Root, sweep_id: str, counts: list[int]) -> Iterator[tuple[str, bytes]]:
    """Yields the keys and contents of a sweep's compacted copy, the final rows last.

    Args:
        root: Of the store.
        sweep_id: The sweep.
        counts: Of the rows of each table, to which those of this sweep are added.
    """
    yield from _records(root, sweep_id)
    for place, (definition, read) in reversed(list(enumerate(_READ))):
        content = read(root, sweep_id)
        counts[place] += content.num_rows
        key = f"{definition.name}/sweep={sweep_id}/{definition.name}.parquet"
        yield key, rows.encode(definition, content)


def _write(
    root: Root,
    sweep_ids: Sequence[str],
    staged: Path,
    form: ExportFormat,
    raw: bool,
    definition: Table,
    read: Callable[..., pa.Table],
) -> int:
    """Writes a table as CSV or JSON and returns how many rows it has."""
    import duckdb

    content = read(root, *sweep_ids)
    file = staged / f"{definition.name}.{form}"
    with duckdb.connect() as connection:
        connection.register("content", content)
        options = "FORMAT csv, HEADER" if form is ExportFormat.CSV else "FORMAT json"
        name = file.as_posix().replace("'", "''")
        is_plain = raw or form is not ExportFormat.CSV
        columns = "*" if is_plain else ", ".join(map(_harmless, content.schema))
        try:
            connection.execute(f"COPY (SELECT {columns} FROM content) TO '{name}' ({options})")
        except duckdb.IOException as error:
            raise _of_the_system(str(error), file) from error
    return int(content.num_rows)


def _of_the_system(words: str, file: Path) -> OSError:
    """Returns the system's error that DuckDB tells of in words alone."""
    numbers = (number for number in errno.errorcode if os.strerror(number) in words)
    number = next(numbers, errno.EIO)
    return OSError(number, os.strerror(number), str(file))


def _records(root: Root, sweep_id: str) -> Iterator[tuple[str, bytes]]:
    """Yields the records that say how a sweep was started and which runs confirm what."""
    # Imports Optuna, which no other verb of the command line waits for.
    from orchestrator.state.confirmation_log import ConfirmationLog
    from orchestrator.state.start_log import StartLog
    from orchestrator.state.sweep_files import found

    files = found(root, sweep_id)
    if files is None:
        return
    ConfirmationLog(files).latest(), StartLog(files).latest()  # which read and check them
    for folder in (files.confirmations_key, files.starts_key):
        for record in files.place.files(folder, ".json", deep=False):
            yield record.key, files.place.get(record.key) or b""


def _harmless(column: pa.Field) -> str:
    """Returns a column of a CSV in SQL: a text that looks like a formula behind a quote."""
    name, quote = str(column.name), QUOTE * 2
    if not pa.types.is_string(column.type):
        return name
    is_number = f"regexp_full_match({name}, '{NUMBER}')"
    is_formula = f"regexp_matches({name}, '{FORMULA}') AND NOT {is_number}"
    return f"CASE WHEN {is_formula} THEN '{quote}' || {name} ELSE {name} END AS {name}"
