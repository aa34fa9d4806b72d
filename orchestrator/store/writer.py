"""The experiment store as its writers see it: publish a row, get back the row that is stored.

Every publication may be repeated, by the same process after a crash or by a zombie of it: the first
one stays, and each caller is handed what is stored. The order of writing is the caller's duty:
checkpoint, predictions, report, final row.
"""

from __future__ import annotations

import datetime
import fnmatch
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa

from orchestrator.store import keys, reader, rows
from orchestrator.store.errors import DamagedError, StoreUnusableError
from orchestrator.store.files import FileSystem
from orchestrator.store.place import Root, StoredFile, StoreFiles
from orchestrator.store.roots import local_folder, open_root
from orchestrator.store.rows import Row
from orchestrator.store.schema import PREDICTIONS, REPORTS, TRIALS, Table

_ORDER = ("rung", "step")
_TOLD_BY_FILE = ("sweep_id", "trial_id", "trial_number", "schema_version")
"""Columns that say whose a row is, and that are checked wherever they are read."""


class Store:
    """The store under one root. Cheap to make; every process that writes has its own.

    Args:
        root: Of the store; a folder is made if it is not there.
        system: The operating system's calls, replaced in tests.
        is_read: Whether the store is only read: nothing is made then.

    Attributes:
        address: Of the root; of a folder absolute.
        place: The files under the root.

    Raises:
        StoreUnusableError: The root is a file, or a folder cannot be made.
    """

    def __init__(
        self, root: Root, system: FileSystem | None = None, *, is_read: bool = False
    ) -> None:
        self.address: Root = root.absolute() if isinstance(root, Path) else root
        self.place: StoreFiles = open_root(root, system)
        if not is_read:
            self.place.prepare()

    def __reduce__(self) -> tuple[Callable[[Root], Store], tuple[Root]]:
        """Returns what a copy in another process is made of: the root."""
        return _reopened, (self.address,)

    def through(self, place: StoreFiles) -> Store:
        """Returns the store as it is written to through another object for the same files."""
        other = Store(self.address, is_read=True)
        other.place = place
        return other

    @property
    def root(self) -> Path:
        """The store's folder, absolute.

        Raises:
            StoreUnusableError: It is in a bucket, and what asks needs a folder.
        """
        if not isinstance(self.address, Path):
            raise StoreUnusableError(
                f"{self.address} is a place in a bucket, but this needs a folder of this machine;"
                " copy the store into one."
            )
        return self.address

    @property
    def local(self) -> Path:
        """The folder for files of the store that stay on this machine; see `local_folder`.

        Raises:
            StoreUnusableError: There is none.
        """
        return local_folder(self.address)

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """Publishes a file; see `StoreFiles.put_if_absent`."""
        return self.place.put_if_absent(key, data)

    def remove_abandoned(self) -> int:
        """Removes what killed writers left under `staging/` more than a day ago."""
        return self.place.remove_abandoned()

    def publish_report(self, row: Mapping[str, Any]) -> Row:
        """Stores the report of one rung: the commit record of everything before it.

        Args:
            row: Columns of the table `reports`. The rung is `rung` (index from 0), `rung_from`
                and `rung_examples` (the previous and this rung of the grid, in examples). Without
                `reported_at` the present time is taken.

        Returns:
            The stored row with every column: the earlier one if the rung was reported before.

        Raises:
            ValueError: The row does not fit the table.
            StoreError: It could not be stored; see `StoreFiles.put_if_absent`.
        """
        content = rows.to_arrow(
            REPORTS, [{"reported_at": datetime.datetime.now(datetime.UTC), **row}]
        )
        key = keys.report_key(
            row["sweep_id"], row["trial_id"], row["rung_from"], row["rung_examples"]
        )
        return self._publish_row(REPORTS, key, content)

    def publish_predictions(
        self,
        sweep_id: str,
        trial_id: str,
        trial_number: int,
        split: str,
        protocol: str,
        step: int,
        rung_examples: int,
        predictions: Iterable[Mapping[str, Any]],
    ) -> bool:
        """Stores the predictions of one evaluation, one row an example.

        Args:
            sweep_id: The sweep.
            trial_id: The trial.
            trial_number: Its number in the sweep.
            split: "validation" or "test".
            protocol: "standard" or "notebook".
            step: Optimiser steps before the evaluation.
            rung_examples: The rung in examples, which names the file.
            predictions: example_id, sql_prompt, sql_context, reference, prediction, and the scores.

        Returns:
            True if stored now, False if they were there already.

        Raises:
            ValueError: A row does not fit the table.
            StoreError: They could not be stored; see `StoreFiles.put_if_absent`.
        """
        common = {
            "sweep_id": sweep_id,
            "trial_id": trial_id,
            "trial_number": trial_number,
            "split": split,
            "protocol": protocol,
            "step": step,
        }
        content = rows.to_arrow(
            PREDICTIONS,
            ({**row, "example_id": str(row["example_id"]), **common} for row in predictions),
        )
        key = keys.predictions_key(sweep_id, trial_id, split, protocol, rung_examples)
        return self._publish_predictions(key, content)

    def copy_predictions(
        self, sweep_id: str, trial_id: str, to_sweep: str, to_trial: str, trial_number: int
    ) -> None:
        """Stores a trial's predictions, on all splits, as those of another trial too.

        Args:
            sweep_id: Its sweep.
            trial_id: The trial.
            to_sweep: The other one's sweep.
            to_trial: The other one.
            trial_number: Its number in its sweep.

        Raises:
            StoreError: They could not be read or stored.
        """
        names = {"sweep_id": to_sweep, "trial_id": to_trial, "trial_number": trial_number}
        files = self._find(keys.predictions_folder(sweep_id, trial_id), "*")
        reader.read(self.place, PREDICTIONS, files, [])  # refuses a copied file
        for found in files:
            content = self._decode(PREDICTIONS, found)
            for column, value in names.items():
                field = PREDICTIONS.schema.field(column)
                values = pa.repeat(pa.scalar(value, field.type), content.num_rows)
                place = content.column_names.index(column)
                content = content.set_column(place, field, values)
            name = PurePosixPath(found.key).name
            key = f"{keys.predictions_folder(to_sweep, to_trial)}/{name}"
            self._publish_predictions(key, content)

    def publish_trial(self, row: Mapping[str, Any]) -> Row:
        """Stores the final row of a trial; its `objective` becomes NULL unless it is finite.

        Returns:
            The stored row with every column: the earlier one if the trial was final before.

        Raises:
            ValueError: The row does not fit the table, or its outcome is not a final one.
            StoreError: It could not be stored; see `StoreFiles.put_if_absent`.
        """
        content = rows.to_arrow(TRIALS, [row])
        return self._publish_row(TRIALS, keys.trial_key(row["sweep_id"], row["trial_id"]), content)

    def report(self, sweep_id: str, trial_id: str, rung_examples: int) -> Row | None:
        """Returns the report of the rung that ends at `rung_examples`, or None."""
        found = self._find(keys.report_folder(sweep_id, trial_id), f"*-{rung_examples:010d}")
        return self._row(REPORTS, found[0]) if found else None

    def reports(
        self, sweep_id: str, trial_id: str, earlier: Sequence[str] | None = None
    ) -> list[Row]:
        """Returns all reports of a trial, by rung.

        Args:
            sweep_id: Its sweep.
            trial_id: The trial.
            earlier: The columns of those before the latest one, which is always whole: a file's
                hundred columns take four times as long as ten. None means all.
        """
        found = self._find(keys.report_folder(sweep_id, trial_id), "*")
        if earlier is None:
            stored = self._rows_of(REPORTS, found)
        else:
            few = [*dict.fromkeys([*_ORDER, *_TOLD_BY_FILE, *earlier])]
            parts = [(found[:-1], few), (found[-1:], None)]
            read = self.place.each(parts, lambda part: self._rows_of(REPORTS, *part))
            stored = [row for part in read for row in part]
        return sorted(stored, key=lambda row: (row["rung"], row["step"]))

    def predictions(self, sweep_id: str, trial_id: str, split: str) -> pa.Table:
        """Returns every prediction of a trial on one split, by protocol and rung."""
        found = self._find(keys.predictions_folder(sweep_id, trial_id), f"{split}-*")
        tables = self.place.each(found, partial(self._decode, PREDICTIONS))
        return pa.concat_tables(tables) if tables else PREDICTIONS.schema.empty_table()

    def trial(self, sweep_id: str, trial_id: str) -> Row | None:
        """Returns the final row of a trial, or None if it is not final."""
        key = keys.trial_key(sweep_id, trial_id)
        return self._read_row(TRIALS, key) if self.place.has(key) else None

    def trials(self, sweep_id: str) -> list[Row]:
        """Returns all final rows of a sweep, by trial number."""
        found = self._find(f"trials/sweep={keys.check_id(sweep_id)}", "*")
        stored = self._rows_of(TRIALS, found)
        return sorted(stored, key=lambda row: int(row["trial_number"]))

    def _publish_predictions(self, key: str, content: pa.Table) -> bool:
        name = PurePosixPath(key).name
        return self.put_if_absent(key, rows.encode(PREDICTIONS, content, name))

    def _publish_row(self, table: Table, key: str, content: pa.Table) -> Row:
        if self.put_if_absent(key, rows.encode(table, content)):
            stored: Row = content.to_pylist()[0]
            return stored
        return self._read_row(table, key)

    def _read_row(self, table: Table, key: str) -> Row:
        return self._only_row(self._decoded(table, key, self.place.get(key)), key)

    def _row(self, table: Table, file: StoredFile) -> Row:
        return self._only_row(self._decode(table, file), file.key)

    def _rows_of(
        self, table: Table, files: Sequence[StoredFile], columns: Sequence[str] | None = None
    ) -> list[Row]:
        """Returns the one row of each file, in less time than `_row` of each."""
        content = reader.read(self.place, table, files, columns, with_file=True)
        counts = Counter(content[reader.FILE].to_pylist())
        for file in files:
            self._check_only_row(counts[file.key], file.key)
        found: list[Row] = content.drop_columns([reader.FILE]).to_pylist()
        return found

    def _only_row(self, content: pa.Table, key: str) -> Row:
        self._check_only_row(content.num_rows, key)
        row: Row = content.to_pylist()[0]
        return row

    def _check_only_row(self, count: int, key: str) -> None:
        if count != 1:
            raise DamagedError(
                f"{self.place.name(key)} has {count} rows, where one belongs; move it"
                " out of the store."
            )

    def _decode(self, table: Table, file: StoredFile) -> pa.Table:
        return self._decoded(table, file.key, self.place.read(file))

    def _decoded(self, table: Table, key: str, data: bytes | None) -> pa.Table:
        # What is gone since is as little a table as an empty file.
        return rows.decode(table, pa.py_buffer(data or b""), self.place.name(key))

    def _find(self, folder: str, pattern: str) -> list[StoredFile]:
        """Returns the files in a folder whose names, without suffix, are so."""
        found = self.place.files(folder, ".parquet", deep=False)
        return [
            file for file in found if fnmatch.fnmatchcase(PurePosixPath(file.key).stem, pattern)
        ]


def _reopened(root: Root) -> Store:
    """Returns the store in another process than the one that has tried its bucket."""
    return Store(root, is_read=not isinstance(root, Path))
