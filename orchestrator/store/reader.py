"""The three tables as Arrow tables, for any number of sweeps.

Readers need no lock: files are complete and immutable, so a read sees each of them whole or not at
all.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from orchestrator.store import arrays, rows
from orchestrator.store.errors import StoreUnusableError
from orchestrator.store.own_files import check_entry, check_way, checked_files
from orchestrator.store.schema import (
    PREDICTIONS,
    REPORTS,
    SCHEMA_VERSION,
    TABLES,
    TRIALS,
    Table,
)

FILE = "__filename"
"""The column that tells the path that a row came from."""

_VERSION = "schema_version"
_BATCH = 1000
"""Files read at once: each takes tens of KB of memory until its few rows are copied out."""


def sweeps(root: Path) -> list[str]:
    """Returns the ids of all sweeps that have a row in any table, sorted.

    Raises:
        StoreUnusableError: There is no such folder.
        DamagedError: One is a link.
    """
    folder = _checked(root)
    found = {
        path.name.removeprefix("sweep=")
        for name in TABLES
        for path in folder.glob(f"{name}/sweep=*")
        if check_way(root, path).is_dir()
    }
    return sorted(found)


def trials(root: Path, *sweep_ids: str) -> pa.Table:
    """Returns the final rows, by sweep and trial number.

    Args:
        root: Folder of the store.
        sweep_ids: Only these sweeps; none given means all.

    Raises:
        StoreUnusableError: There is no such folder.
        NewerSchemaError: A file is newer than this package.
        UnreadableFileError: A file is not of this table.
    """
    return in_order(read(TRIALS, files(root, TRIALS, sweep_ids)), TRIALS)


def reports(root: Path, *sweep_ids: str, trial_ids: Sequence[str] | None = None) -> pa.Table:
    """Returns the reports, by sweep, trial number and rung; errors as `trials`.

    Args:
        root: Folder of the store.
        sweep_ids: Only these sweeps; none given means all.
        trial_ids: Only these trials; None means all. Other trials' files are not opened.
    """
    found = read(REPORTS, files(root, REPORTS, sweep_ids, trial_ids))
    return in_order(_only(found, trial_ids), REPORTS)


def predictions(root: Path, *sweep_ids: str, trial_ids: Sequence[str] | None = None) -> pa.Table:
    """Returns the predictions, by sweep and file; arguments and errors as `reports`."""
    found = read(PREDICTIONS, files(root, PREDICTIONS, sweep_ids, trial_ids))
    return _only(found, trial_ids)


def files(
    root: Path, table: Table, sweep_ids: Iterable[str], trial_ids: Sequence[str] | None = None
) -> list[Path]:
    """Returns the files of a store, or of a compacted copy, which has none per trial.

    Raises:
        StoreUnusableError: There is no such folder.
    """
    if trial_ids is None:
        return [Path(entry.path) for entry in entries(root, table, sweep_ids)]
    below = ["", *(f"trial={name}" for name in trial_ids)]
    return sorted(
        path
        for folder in _folders(root, table, sweep_ids)
        for part in below
        for path in checked_files(check_way(root, folder / part), ".parquet")
    )


def entries(root: Path, table: Table, sweep_ids: Iterable[str]) -> list[os.DirEntry[str]]:
    """Returns the files of all trials in the order of their paths, as `os.scandir` gives them.

    Raises:
        StoreUnusableError: There is no such folder.
    """
    return [entry for folder in _folders(root, table, sweep_ids) for entry in _below(folder)]


def read(
    table: Table,
    paths: Sequence[Path],
    columns: Sequence[str] | None = None,
    *,
    with_file: bool = False,
) -> pa.Table:
    """Reads files of one table in the present schema; columns that they lack are NULL.

    Args:
        table: Whose files they are.
        paths: The files.
        columns: Only these, in this order; None means all.
        with_file: Whether to add a column `FILE` with the path that each row came from.

    Raises:
        NewerSchemaError: A file is newer than this package.
        UnreadableFileError: A file is not of this table.
    """
    wanted = None if columns is None else [*dict.fromkeys([*columns, _VERSION])]
    batches = [paths[start : start + _BATCH] for start in range(0, len(paths), _BATCH)]
    parts = [_read_batch(table, batch, wanted, with_file) for batch in batches]
    names = [*(table.schema.names if columns is None else columns), *([FILE] if with_file else [])]
    return pa.concat_tables(parts or [_empty(table, names)]).select(names)


def in_order(content: pa.Table, table: Table) -> pa.Table:
    """Returns the rows of `trials` or `reports` by sweep, trial number and rung."""
    keys = [(name, "ascending") for name in order(table)]
    places = pc.sort_indices(content, sort_keys=keys)
    if places.to_pylist() == list(range(len(places))):
        return content  # as in a compacted copy: moving all columns takes longer than looking
    return content.take(places)


def order(table: Table) -> tuple[str, ...]:
    """Returns the columns by which the rows of `trials` or `reports` are ordered."""
    by_trial = ("sweep_id", "trial_number")
    return (*by_trial, "rung", "step") if table is REPORTS else by_trial


def _checked(root: Path) -> Path:
    if root.is_file():
        raise StoreUnusableError(
            f"{root} is a file, but an experiment store is a folder; name it with --root."
        )
    if not root.is_dir():
        raise StoreUnusableError(
            f"There is no experiment store at {root.absolute()}; run a sweep first, or name its"
            " folder with --root."
        )
    if not os.access(root, os.R_OK | os.X_OK):
        raise StoreUnusableError(
            f"The experiment store {root} cannot be read by this user; change its permissions."
        )
    return root


def _folders(root: Path, table: Table, sweep_ids: Iterable[str]) -> list[Path]:
    folder = _checked(root) / table.name
    names = [f"sweep={name}" for name in sweep_ids]
    found = [folder / name for name in names] if names else folder.glob("sweep=*")
    return sorted(check_way(root, path) for path in found if path.is_dir())


def _below(folder: Path | str) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as found:
        inside = sorted(found, key=lambda entry: entry.name)
    for entry in inside:
        is_table = entry.name.endswith(".parquet")
        check_entry(entry, file=is_table)
        if is_table:
            yield entry
        elif entry.is_dir():
            yield from _below(entry.path)


def _read_batch(
    table: Table, paths: Sequence[Path], columns: Sequence[str] | None, with_file: bool
) -> pa.Table:
    names = [str(path) for path in paths]
    files = [rows.decode(table, name, name, columns) for name in names]
    content = pa.concat_tables(files).combine_chunks()
    if (pc.max(content[_VERSION]).as_py() or 0) > SCHEMA_VERSION:
        for name, file in zip(names, files, strict=True):
            if (newest := pc.max(file[_VERSION]).as_py() or 0) > SCHEMA_VERSION:
                raise rows.newer(name, newest)
    if not with_file:
        return content
    sources = [name for name, file in zip(names, files, strict=True) for _ in range(len(file))]
    return content.append_column(FILE, arrays.texts(sources))


def _empty(table: Table, names: Sequence[str]) -> pa.Table:
    schema = table.schema.append(pa.field(FILE, pa.string()))
    return arrays.empty(pa.schema([schema.field(name) for name in names]))


def _only(content: pa.Table, trial_ids: Sequence[str] | None) -> pa.Table:
    if trial_ids is None:
        return content
    return arrays.having(content, "trial_id", trial_ids)
