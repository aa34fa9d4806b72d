"""The three tables as Arrow tables, for any number of sweeps.

Readers need no lock: files are complete and immutable, so a read sees each of them whole or not at
all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from orchestrator.store import arrays, rows
from orchestrator.store.errors import DamagedError
from orchestrator.store.keys import is_id, is_of_table
from orchestrator.store.place import Root, StoredFile, StoreFiles
from orchestrator.store.roots import open_root
from orchestrator.store.schema import (
    PREDICTIONS,
    REPORTS,
    SCHEMA_VERSION,
    TABLES,
    TRIALS,
    Table,
)
from orchestrator.store.trusted_rows import TOLD, foreign_name

FILE = "__filename"
"""The column that tells the key of the file that a row came from."""

SWEEP, SUFFIX = "sweep=", ".parquet"
"""What names of the folders of sweeps begin with, and those of all files end with."""
_VERSION = "schema_version"
_STEP = "step"
_Evaluations: TypeAlias = dict[tuple[str, str, int], StoredFile]
"""The first file of each evaluation, by folder, name without the rung, and step."""
_BATCH = 1000
"""Files read at once: each takes tens of KB of memory until its few rows are copied out."""


def sweeps(root: Root) -> list[str]:
    """Returns the ids of all sweeps that have a folder in any table, sorted.

    A folder that is named otherwise than by an id is no sweep's; `unread` tells of it.

    Raises:
        StoreUnusableError: There is no such folder.
        DamagedError: One is a link.
    """
    place = open_root(root)
    place.check_readable()
    names = {name.removeprefix(SWEEP) for table in TABLES for name in place.folders(table, SWEEP)}
    return sorted(filter(is_id, names))


def trials(root: Root, *sweep_ids: str) -> pa.Table:
    """Returns the final rows, by sweep and trial number.

    Args:
        root: Of the store.
        sweep_ids: Only these sweeps; none given means all.

    Raises:
        StoreUnusableError: There is no such folder.
        NewerSchemaError: A file is newer than this package.
        UnreadableFileError: A file is not of this table.
    """
    return in_order(read(open_root(root), TRIALS, files(root, TRIALS, sweep_ids)), TRIALS)


def reports(root: Root, *sweep_ids: str, trial_ids: Sequence[str] | None = None) -> pa.Table:
    """Returns the reports, by sweep, trial number and rung; errors as `trials`.

    Args:
        root: Of the store.
        sweep_ids: Only these sweeps; none given means all.
        trial_ids: Only these trials; None means all. Other trials' files are not opened.
    """
    found = read(open_root(root), REPORTS, files(root, REPORTS, sweep_ids, trial_ids))
    return in_order(_only(found, trial_ids), REPORTS)


def predictions(root: Root, *sweep_ids: str, trial_ids: Sequence[str] | None = None) -> pa.Table:
    """Returns the predictions, by sweep and file; arguments and errors as `reports`."""
    found = read(open_root(root), PREDICTIONS, files(root, PREDICTIONS, sweep_ids, trial_ids))
    return _only(found, trial_ids)


def files(
    root: Root, table: Table, sweep_ids: Iterable[str], trial_ids: Sequence[str] | None = None
) -> list[StoredFile]:
    """Returns the files of a store, or of a compacted copy, which has none per trial.

    Args:
        root: Of the store.
        table: Whose files.
        sweep_ids: Only these sweeps; none given means all.
        trial_ids: Only these trials; None means all.

    Returns:
        In the order of their keys.

    Raises:
        StoreUnusableError: There is no such place.
        DamagedError: Something among them is a link, a pipe or a device, or a file that has a name
            which none of the table has: whoever reads the folder refuses it, whatever is read. Or
            a trial has files of its own and is in a compacted copy beside them.
    """
    place = open_root(root)
    place.check_readable()
    names = [f"{SWEEP}{name}" for name in sweep_ids] or place.folders(table.name, SWEEP)
    folders = [f"{table.name}/{name}" for name in sorted(names)]
    if trial_ids is None:
        listed = [file for folder in folders for file in place.files(folder, SUFFIX)]
        return _own(place, table, listed)
    below = ["", *(f"/trial={name}" for name in trial_ids)]
    found = [
        file
        for folder in folders
        for part in below
        for file in place.files(f"{folder}{part}", SUFFIX, deep=False)
    ]
    return sorted(_own(place, table, found), key=lambda file: file.key)


def _own(place: StoreFiles, table: Table, found: list[StoredFile]) -> list[StoredFile]:
    """Returns the files if no row of them counts twice.

    Raises:
        DamagedError: One has a name that none of the table has, or a trial is there twice.
    """
    compacted: dict[str, StoredFile] = {}
    for file in found:
        _, sweep, below = file.key.split("/", 2)
        if not is_of_table(table.name, below):
            raise foreign_name(table, place.name(file.key))
        if below == f"{table.name}{SUFFIX}":
            compacted[sweep] = file
    trials: dict[str, set[str]] = {}
    for file in found if 0 < len(compacted) < len(found) else ():
        _, sweep, first = file.key.split("/")[:3]
        name = first.removeprefix("trial=").removesuffix(SUFFIX)
        if sweep in compacted and file != compacted[sweep]:
            trials.setdefault(sweep, set()).add(name)
    for sweep in trials:
        there = read(place, table, [compacted[sweep]], ["trial_id"])["trial_id"]
        if twice := trials[sweep] & set(there.to_pylist()):
            raise DamagedError(
                f"{place.name(compacted[sweep].key)}, a compacted copy, holds {table.name} of"
                f" {min(twice)}, which has files of its own beside it: they would count twice;"
                " move that file out of the store, or those of its trials."
            )
    return found


def read(
    place: StoreFiles,
    table: Table,
    found: Sequence[StoredFile],
    columns: Sequence[str] | None = None,
    *,
    with_file: bool = False,
) -> pa.Table:
    """Reads files of one table in the present schema; columns that they lack are NULL.

    Args:
        place: Where they are.
        table: Whose files they are.
        found: The files.
        columns: Only these, in this order; None means all.
        with_file: Whether to add a column `FILE` with the key of the file of each row.

    Raises:
        NewerSchemaError: A file is newer than this package.
        UnreadableFileError: A file is not of this table.
        DamagedError: A row is not of the sweep, trial, rung or evaluation whose file it is in, or
            an evaluation is in two files.
    """
    checked = [_VERSION, *TOLD[table.name], *([_STEP] if table is PREDICTIONS else [])]
    wanted = None if columns is None else [*dict.fromkeys([*columns, *checked])]
    batches = [found[start : start + _BATCH] for start in range(0, len(found), _BATCH)]
    seen: _Evaluations = {}
    parts = [_read_batch(place, table, batch, wanted, with_file, seen) for batch in batches]
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


def _read_batch(
    place: StoreFiles,
    table: Table,
    found: Sequence[StoredFile],
    columns: Sequence[str] | None,
    with_file: bool,
    seen: _Evaluations,
) -> pa.Table:
    def one(file: StoredFile) -> pa.Table:
        return rows.decode_unchecked(table, place.source(file), place.name(file.key), columns)

    parts = place.each(found, one)
    content = pa.concat_tables(parts).combine_chunks()
    rows.check_files(table, content, parts, [place.name(file.key) for file in found])
    if (pc.max(content[_VERSION]).as_py() or 0) > SCHEMA_VERSION:
        for file, part in zip(found, parts, strict=True):
            if (newest := pc.max(part[_VERSION]).as_py() or 0) > SCHEMA_VERSION:
                raise rows.newer(place.name(file.key), newest)
    if table is PREDICTIONS:
        _check_evaluations(place, found, parts, seen)
    if not with_file:
        return content
    sources = [file.key for file, part in zip(found, parts, strict=True) for _ in range(len(part))]
    return content.append_column(FILE, arrays.texts(sources))


def _check_evaluations(
    place: StoreFiles, found: Sequence[StoredFile], parts: Sequence[pa.Table], seen: _Evaluations
) -> None:
    """Refuses two files with one evaluation, unless they are of two rungs of one step.

    The rows have the step but not the rung. So each file carries its name; one from before files
    did is of the rung in its name if the trial has reported that at the step.

    Raises:
        DamagedError: Naming both.
    """
    for file, part in zip(found, parts, strict=True):
        folder, _, name = file.key.rpartition("/")
        evaluation = name.rpartition("-")[0]
        if not evaluation or not len(part):  # of a compacted copy, which has one file
            continue
        first = seen.setdefault((folder, evaluation, part[_STEP][0].as_py()), file)
        if first is not file and not all(
            rows.says_its_name(place.source(each))
            or _is_of_its_rung(place, each, part[_STEP][0].as_py())
            for each in (first, file)
        ):
            raise DamagedError(
                f"{place.name(file.key)} holds the evaluation that {place.name(first.key)} holds:"
                " its rows would count twice; move the one that is a copy out of the store."
            )


def _is_of_its_rung(place: StoreFiles, file: StoredFile, step: int) -> bool:
    """Returns whether a trial has reported the rung in the name of a file of predictions at a step.

    On test rows a trial is measured at one rung alone.
    """
    folder, _, name = file.key.rpartition("/")
    reports = place.files(folder.replace(PREDICTIONS.name, REPORTS.name, 1), SUFFIX, deep=False)
    rung = int(name.removesuffix(SUFFIX).rpartition("-")[2])
    told = read(place, REPORTS, reports, ["rung_examples", _STEP]).to_pylist()
    return name.startswith("validation-") and {"rung_examples": rung, _STEP: step} in told


def _empty(table: Table, names: Sequence[str]) -> pa.Table:
    schema = table.schema.append(pa.field(FILE, pa.string()))
    return arrays.empty(pa.schema([schema.field(name) for name in names]))


def _only(content: pa.Table, trial_ids: Sequence[str] | None) -> pa.Table:
    if trial_ids is None:
        return content
    return arrays.having(content, "trial_id", trial_ids)
