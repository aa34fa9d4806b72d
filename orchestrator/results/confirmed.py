"""What a sweep has confirmed: its configurations, their runs, and their scores on test rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from orchestrator.results.configurations import recorded
from orchestrator.state.confirmation_log import Confirmation, ConfirmationLog, Confirmed
from orchestrator.state.sweep_files import found
from orchestrator.statistics.run_scores import RunScores, run_scores
from orchestrator.store import reader
from orchestrator.store.clusters import cluster_names
from orchestrator.store.rows import Row
from trainables.contract.scores import UNJUDGED


@dataclass(frozen=True)
class ConfirmedConfiguration:
    """A configuration with the confirming runs of it that completed.

    Attributes:
        confirmed: What was chosen, and why.
        rows: Final rows of the runs, by seed; at least one.
    """

    confirmed: Confirmed
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class ConfirmedSweep:
    """What there is to state something from.

    Attributes:
        record: What was chosen.
        configurations: With a completed run, in the order of the record: what tuning found best
            first, if any run of it completed.
        without: Those of which no run has completed.
        running: How many runs have no final row yet.
    """

    record: Confirmation
    configurations: tuple[ConfirmedConfiguration, ...]
    without: tuple[Confirmed, ...]
    running: int

    @property
    def best(self) -> ConfirmedConfiguration | None:
        """What tuning found best; None if no run of it completed."""
        if not self.configurations or not self.record.confirmed:
            return None
        first = self.configurations[0]
        return first if first.confirmed == self.record.confirmed[0] else None

    @property
    def seeds(self) -> list[int]:
        """How many runs of each configuration completed."""
        return [len(each.rows) for each in self.configurations]


def confirmed_sweep(root: Path, sweep_id: str, rows: Sequence[Row]) -> ConfirmedSweep | None:
    """Returns what a sweep has confirmed; None where nothing was chosen, or it is not on record.

    Args:
        root: Folder of the store; a compacted copy has no record.
        sweep_id: The sweep.
        rows: Its final rows.

    Raises:
        DamagedError: A record of what was chosen is none.
    """
    files = found(root, sweep_id)
    record = None if files is None else ConfirmationLog(files).latest()
    if record is None:
        return None
    ends = {row["trial_number"]: row for row in rows}
    having, without = [], []
    for each in record.confirmed:
        own = [ends[number] for number in each.trials if number in ends]
        completed = tuple(row for row in own if row["outcome"] == "completed")
        if completed:
            having.append(ConfirmedConfiguration(each, completed))
        else:
            without.append(each)
    running = sum(number not in ends for each in record.confirmed for number in each.trials)
    return ConfirmedSweep(record, tuple(having), tuple(without), running)


def scores_of(
    root: Path, configurations: Sequence[ConfirmedConfiguration], metric: str
) -> RunScores | None:
    """Returns the runs' scores on the test rows that all of them have and that can be measured.

    Args:
        root: Folder of the store.
        configurations: With completed runs.
        metric: A score.

    Returns:
        None where fewer than two rows are common to all.
    """
    of_run = {
        row["trial_id"]: _of_run(root, row, metric) for each in configurations for row in each.rows
    }
    common: dict[str, str] | None = None
    for values in of_run.values():
        own = {name: cluster for name, (cluster, _) in values.items()}
        common = own if common is None else {n: c for n, c in common.items() if n in own}
    if common is None or len(common) < 2:
        return None
    return run_scores(
        [
            [[of_run[row["trial_id"]][name][1] for name in common] for row in each.rows]
            for each in configurations
        ],
        list(common.values()),
    )


def _of_run(root: Path, row: Row, metric: str) -> Mapping[str, tuple[str, float | None]]:
    """Returns (cluster, score) of each test row that can be measured, by example.

    The score is None where nobody can judge what was predicted.
    """
    predicted = reader.predictions(root, row["sweep_id"], trial_ids=[row["trial_id"]])
    protocol = recorded(row).get("protocol", "standard")
    first = "standard" if protocol == "both" else protocol
    of_test = pc.and_(pc.equal(predicted["split"], "test"), pc.equal(predicted["protocol"], first))
    predicted = predicted.filter(of_test)
    columns: list[Sequence[Any]] = [
        predicted["example_id"].to_pylist(),
        cluster_names(predicted),
        predicted[metric].to_pylist(),
        predicted["execution_reason"].to_pylist(),
    ]
    return {
        name: (cluster, value)
        for name, cluster, value, reason in zip(*columns, strict=True)
        if value is not None or reason == UNJUDGED
    }
