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
    return _sorted(_read(TRIALS, _files(root, TRIALS, sweep_ids)), "trial_number")


def reports(root: Path, *sweep_ids: str, trial_ids: Sequence[str] | None = None) -> pa.Table:
    """Returns the reports, by sweep, trial number and rung; errors as `trials`.

    Args:
        root: Folder of the store.
        sweep_ids: Only these sweeps; none given means all.
        trial_ids: Only these trials; None means all. Other trials' files are not opened.
    """
    found = _read(REPORTS, _files(root, REPORTS, sweep_ids, trial_ids))
    return _sorted(_only(found, trial_ids), "trial_number", "rung", "step")


def predictions(root: Path, *sweep_ids: str, trial_ids: Sequence[str] | None = None) -> pa.Table:
    """Returns the predictions, by sweep and file; arguments and errors as `reports`."""
    found = _read(PREDICTIONS, _files(root, PREDICTIONS, sweep_ids, trial_ids))
    return _only(found, trial_ids)


def _checked(root: Path) -> Path:
    if not root.is_dir():
        raise StoreUnusableError(
            f"There is no experiment store at {root.absolute()}; run a sweep first, or name its"
            " folder with --root."
        )
    return root


def _files(
    root: Path, table: Table, sweep_ids: Iterable[str], trial_ids: Sequence[str] | None = None
) -> list[Path]:
    """Returns the files of a store, or of a compacted copy, which has none per trial."""
    folder = _checked(root) / table.name
    names = [f"sweep={name}" for name in sweep_ids] or ["sweep=*"]
    below = ["**/*.parquet"]
    if trial_ids is not None:
        below = ["*.parquet", *(f"trial={name}/*.parquet" for name in trial_ids)]
    return sorted(
        path for name in names for pattern in below for path in folder.glob(f"{name}/{pattern}")
    )


def _only(content: pa.Table, trial_ids: Sequence[str] | None) -> pa.Table:
    if trial_ids is None:
        return content
    return content.filter(pc.is_in(content["trial_id"], pa.array(trial_ids, pa.string())))


def _sorted(content: pa.Table, *columns: str) -> pa.Table:
    return content.sort_by([(name, "ascending") for name in ("sweep_id", *columns)])


def _read(table: Table, paths: Sequence[Path]) -> pa.Table:
    if not paths:
        return table.schema.empty_table()
    try:
        dataset = ds.dataset([str(path) for path in paths], schema=table.schema, format="parquet")
        content = dataset.to_table()
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
