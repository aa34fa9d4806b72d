"""The experiment store as its writers see it: publish a row, get back the row that is stored.

Every publication may be repeated, by the same process after a crash or by a zombie of it: the first
one stays, and each caller is handed what is stored. The order of writing is the caller's duty:
checkpoint, predictions, report, final row.
"""

from __future__ import annotations

import datetime
import fnmatch
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from orchestrator.store import keys, rows
from orchestrator.store.errors import DamagedError
from orchestrator.store.files import FileSystem, PublishedFiles
from orchestrator.store.own_files import check_way, checked_files
from orchestrator.store.rows import Row
from orchestrator.store.schema import PREDICTIONS, REPORTS, TRIALS, Table


class Store:
    """The store under one root. Cheap to make; every process that writes has its own.

    Args:
        root: Folder of the store; made if it is not there.
        system: The operating system's calls, replaced in tests.

    Raises:
        StoreUnusableError: The root is a file, or a folder cannot be made.
    """

    def __init__(self, root: Path, system: FileSystem | None = None) -> None:
        self._files = PublishedFiles(Path(root), system)

    def __reduce__(self) -> tuple[type[Store], tuple[Path]]:
        """Returns what a copy in another process is made of: the root."""
        return Store, (self.root,)

    @property
    def root(self) -> Path:
        """The store's folder, absolute."""
        return self._files.root

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """Publishes a file; see `PublishedFiles.put_if_absent`."""
        return self._files.put_if_absent(key, data)

    def remove_abandoned(self) -> int:
        """Removes what killed writers left under `staging/` more than a day ago."""
        return self._files.remove_abandoned()

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
            StoreError: It could not be stored; see `PublishedFiles.put_if_absent`.
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
            StoreError: They could not be stored; see `PublishedFiles.put_if_absent`.
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
        return self.put_if_absent(key, rows.encode(PREDICTIONS, content))

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
        for path in self._find(keys.predictions_folder(sweep_id, trial_id), "*"):
            content = rows.decode(PREDICTIONS, path, str(path))
            for name, value in names.items():
                field = PREDICTIONS.schema.field(name)
                column = pa.repeat(pa.scalar(value, field.type), content.num_rows)
                place = content.column_names.index(name)
                content = content.set_column(place, field, column)
            key = f"{keys.predictions_folder(to_sweep, to_trial)}/{path.name}"
            self.put_if_absent(key, rows.encode(PREDICTIONS, content))

    def publish_trial(self, row: Mapping[str, Any]) -> Row:
        """Stores the final row of a trial; its `objective` becomes NULL unless it is finite.

        Returns:
            The stored row with every column: the earlier one if the trial was final before.

        Raises:
            ValueError: The row does not fit the table, or its outcome is not a final one.
            StoreError: It could not be stored; see `PublishedFiles.put_if_absent`.
        """
        content = rows.to_arrow(TRIALS, [row])
        return self._publish_row(TRIALS, keys.trial_key(row["sweep_id"], row["trial_id"]), content)

    def report(self, sweep_id: str, trial_id: str, rung_examples: int) -> Row | None:
        """Returns the report of the rung that ends at `rung_examples`, or None."""
        found = self._find(keys.report_folder(sweep_id, trial_id), f"*-{rung_examples:010d}")
        return self._read_row(REPORTS, found[0]) if found else None

    def reports(self, sweep_id: str, trial_id: str) -> list[Row]:
        """Returns all reports of a trial, by rung."""
        found = self._find(keys.report_folder(sweep_id, trial_id), "*")
        stored = [self._read_row(REPORTS, path) for path in found]
        return sorted(stored, key=lambda row: (row["rung"], row["step"]))

    def predictions(self, sweep_id: str, trial_id: str, split: str) -> pa.Table:
        """Returns every prediction of a trial on one split, by protocol and rung."""
        found = self._find(keys.predictions_folder(sweep_id, trial_id), f"{split}-*")
        tables = [rows.decode(PREDICTIONS, path, str(path)) for path in found]
        return pa.concat_tables(tables) if tables else PREDICTIONS.schema.empty_table()

    def trial_file(self, sweep_id: str, trial_id: str) -> Path:
        """Returns where the final row of a trial lies or would lie."""
        return self._files.path(keys.trial_key(sweep_id, trial_id))

    def report_folder(self, sweep_id: str, trial_id: str) -> Path:
        """Returns where the reports of a trial lie or would lie."""
        return self._files.path(keys.report_folder(sweep_id, trial_id))

    def trial(self, sweep_id: str, trial_id: str) -> Row | None:
        """Returns the final row of a trial, or None if it is not final."""
        path = self._files.path(keys.trial_key(sweep_id, trial_id))
        return self._read_row(TRIALS, path) if path.exists() else None

    def trials(self, sweep_id: str) -> list[Row]:
        """Returns all final rows of a sweep, by trial number."""
        found = self._find(f"trials/sweep={keys.check_id(sweep_id)}", "*")
        stored = [self._read_row(TRIALS, path) for path in found]
        return sorted(stored, key=lambda row: int(row["trial_number"]))

    def _publish_row(self, table: Table, key: str, content: pa.Table) -> Row:
        if self.put_if_absent(key, rows.encode(table, content)):
            stored: Row = content.to_pylist()[0]
            return stored
        return self._read_row(table, self._files.path(key))

    def _read_row(self, table: Table, path: Path) -> Row:
        content = rows.decode(table, check_way(self.root, path), str(path))
        if content.num_rows != 1:
            raise DamagedError(
                f"{path} has {content.num_rows} rows, where one belongs; move it out of the store."
            )
        row: Row = content.to_pylist()[0]
        return row

    def _find(self, folder: str, pattern: str) -> list[Path]:
        found = checked_files(check_way(self.root, self._files.path(folder)), ".parquet")
        return [path for path in found if fnmatch.fnmatchcase(path.stem, pattern)]
