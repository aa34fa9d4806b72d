"""Stores that cost a simulation less than a real one: without `fsync`, or without tables."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from orchestrator.store import PREDICTIONS, REPORTS, TRIALS, Store, rows
from orchestrator.store.rows import Row


class Unsynced:
    """The operating system without `fsync`: for stores that need not survive a power cut."""

    open, write, close = staticmethod(os.open), staticmethod(os.write), staticmethod(os.close)
    link, unlink, mkdir = staticmethod(os.link), staticmethod(os.unlink), staticmethod(os.mkdir)

    @staticmethod
    def fsync(fd: int) -> None:
        """Does nothing."""


class RowsInMemory(Store):
    """A store whose tables are never written: for the driver's decisions alone, in seconds.

    What lies under `state/` is written as ever; a sweep in it cannot be continued.
    """

    def __init__(self, root: Path) -> None:
        """Makes the folder for what is not a table."""
        super().__init__(root, Unsynced())
        self._rows: dict[tuple[str, int], Row] = {}
        self._of_trial: dict[str, list[Row]] = {}
        self._test: dict[str, pa.Table] = {}

    def publish_report(self, row: Mapping[str, Any]) -> Row:
        """As in `Store`."""
        whole = dict.fromkeys(REPORTS.schema.names) | dict(row)
        key = (row["trial_id"], row["rung_examples"])
        if key not in self._rows:
            self._rows[key] = whole
            self._of_trial.setdefault(row["trial_id"], []).append(whole)
        return self._rows[key]

    def reports(
        self, sweep_id: str, trial_id: str, earlier: Sequence[str] | None = None
    ) -> list[Row]:
        """As in `Store`, but that all columns are there."""
        return sorted(self._of_trial.get(trial_id, []), key=lambda row: int(row["rung"]))

    def publish_trial(self, row: Mapping[str, Any]) -> Row:
        """As in `Store`."""
        objective = rows.finite_or_none(row["objective"])
        whole = dict.fromkeys(TRIALS.schema.names) | dict(row) | {"objective": objective}
        return self._rows.setdefault((row["trial_id"], -1), whole)

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
        """As in `Store`, for the test split and one protocol."""
        common = {"sweep_id": sweep_id, "trial_id": trial_id, "trial_number": trial_number}
        common |= {"split": split, "protocol": protocol, "step": step}
        content = rows.to_arrow(PREDICTIONS, [{**row, **common} for row in predictions])
        return self._test.setdefault(trial_id, content) is content

    def predictions(self, sweep_id: str, trial_id: str, split: str) -> pa.Table:
        """As in `Store`."""
        return self._test.get(trial_id, PREDICTIONS.schema.empty_table())
