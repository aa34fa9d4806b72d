"""The three tables as Arrow tables, for any number of sweeps.

Readers need no lock: files are complete and immutable, so a read sees each of them whole or not at
all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from orchestrator.store import rows
from orchestrator.store.errors import StoreUnusableError
from orchestrator.store.schema import (
    PREDICTIONS,
    REPORTS,
    SCHEMA_VERSION,
    TABLES,
    TRIALS,
    Table,
)

FILE = "__filename"
"""The column in which pyarrow tells the path that a row came from."""

_BATCH = 1000
"""Files read at once: each costs some 250 KB until its few rows are copied out."""


def sweeps(root: Path) -> list[str]:
    """Returns the ids of all sweeps that have a row in any table, sorted.

    Raises:
        StoreUnusableError: There is no such folder.
    """
    folder = _checked(root)
    found = {
        path.name.removeprefix("sweep=")
        for name in TABLES
        for path in folder.glob(f"{name}/sweep=*")
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
    folder = _checked(root) / table.name
    names = [f"sweep={name}" for name in sweep_ids] or ["sweep=*"]
    below = ["**/*.parquet"]
    if trial_ids is not None:
        below = ["*.parquet", *(f"trial={name}/*.parquet" for name in trial_ids)]
    return sorted(
        path for name in names for pattern in below for path in folder.glob(f"{name}/{pattern}")
    )


def read(table: Table, paths: Sequence[Path], *, with_file: bool = False) -> pa.Table:
    """Reads files of one table in the present schema; columns that they lack are NULL.

    Args:
        table: Whose files they are.
        paths: The files.
        with_file: Whether to add a column `FILE` with the path that each row came from.

    Raises:
        NewerSchemaError: A file is newer than this package.
        UnreadableFileError: A file is not of this table.
    """
    columns = [*table.schema.names, *([FILE] if with_file else [])]
    if not paths:
        schema = table.schema.append(pa.field(FILE, pa.string())) if with_file else table.schema
        return schema.empty_table()
    try:
        content = pa.concat_tables(
            _dataset(table, paths[start : start + _BATCH])
            .to_table(columns=columns)
            .combine_chunks()
            for start in range(0, len(paths), _BATCH)
        )
    except (pa.ArrowException, OSError) as error:
        for path in paths:
            rows.decode(table, path, str(path))  # names the file that is at fault
        raise rows.unreadable(table, str(paths[0].parent)) from error
    newest = pc.max(content["schema_version"]).as_py() or 0
    if newest > SCHEMA_VERSION:
        for path in paths:
            rows.check_version(pq.read_metadata(path).metadata, str(path))
        raise rows.newer(str(paths[0].parent), newest)
    return content


def in_order(content: pa.Table, table: Table) -> pa.Table:
    """Returns the rows of `trials` or `reports` by sweep, trial number and rung."""
    columns = ["sweep_id", "trial_number"]
    columns += ["rung", "step"] if table is REPORTS else []
    return content.sort_by([(name, "ascending") for name in columns])


def _checked(root: Path) -> Path:
    if not root.is_dir():
        raise StoreUnusableError(
            f"There is no experiment store at {root.absolute()}; run a sweep first, or name its"
            " folder with --root."
        )
    return root


def _dataset(table: Table, paths: Sequence[Path]) -> ds.Dataset:
    return ds.dataset([str(path) for path in paths], schema=table.schema, format="parquet")


def _only(content: pa.Table, trial_ids: Sequence[str] | None) -> pa.Table:
    if trial_ids is None:
        return content
    return content.filter(pc.is_in(content["trial_id"], pa.array(trial_ids, pa.string())))
