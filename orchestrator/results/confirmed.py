"""What a sweep has confirmed: its configurations, their runs, and their scores on test rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestrator.results.row_scores import row_scores
from orchestrator.search.tries import run_number
from orchestrator.state.confirmation_log import Confirmation, ConfirmationLog, Confirmed
from orchestrator.state.sweep_files import found, key_of
from orchestrator.statistics.run_scores import RunScores, run_scores
from orchestrator.store import reader
from orchestrator.store.place import Root
from orchestrator.store.rows import Row
from orchestrator.store.schema import CONFIRM


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
        configurations: Chosen, with a completed run, in the order of the record: what tuning found
            best first, if any run of it completed.
        beside: At rates around the chosen ones, with a completed run.
        without: Those chosen of which no run has completed.
        running: How many runs have no final row yet.
    """

    record: Confirmation
    configurations: tuple[ConfirmedConfiguration, ...]
    without: tuple[Confirmed, ...]
    running: int
    beside: tuple[ConfirmedConfiguration, ...] = ()

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


def of_chosen(root: Root, rows: Sequence[Row]) -> list[Row]:
    """Returns the confirming runs of what was chosen, without those at rates around it.

    Returns all of them where that is not on record, or none is of a chosen configuration.

    Args:
        root: Of the store, or of a compacted copy.
        rows: Final rows of confirming runs.
    """
    beside: set[tuple[str, int]] = set()
    for sweep_id in dict.fromkeys(row["sweep_id"] for row in rows):
        record = _record(root, sweep_id)
        for each in () if record is None else record.confirmed:
            if each.choice.beside:
                beside |= {(sweep_id, number) for number in each.trials}
    chosen = [
        row for row in rows if (row["sweep_id"], run_number(row["trial_number"])) not in beside
    ]
    return chosen or list(rows)


def without_record(root: Root, rows: Sequence[Row]) -> str | None:
    """Returns in a sentence what is missing where runs confirm what is not on record.

    As in a store of which the tables alone were copied; None where nothing is.

    Args:
        root: Of the store, or of a compacted copy.
        rows: Final rows, of any phase.
    """
    sweeps = dict.fromkeys(row["sweep_id"] for row in rows if row["phase"] == CONFIRM)
    folders = [key_of(name) for name in sweeps if _record(root, name) is None]
    if not folders:
        return None
    return (
        f"{root} lacks {' and '.join(folders)}, which says what the confirming runs confirm; copy"
        " it from the store that this one was made of (`results export` copies what of it tells)."
    )


def _record(root: Root, sweep_id: str) -> Confirmation | None:
    files = found(root, sweep_id)
    return None if files is None else ConfirmationLog(files).latest()


def confirmed_sweep(root: Root, sweep_id: str, rows: Sequence[Row]) -> ConfirmedSweep | None:
    """Returns what a sweep has confirmed; None where nothing was chosen, or it is not on record.

    Args:
        root: Of the store, or of a compacted copy.
        sweep_id: The sweep.
        rows: Its final rows, of runs that were tried again the latest.

    Raises:
        DamagedError: A record of what was chosen is none.
    """
    record = _record(root, sweep_id)
    if record is None:
        return None
    ends = {run_number(row["trial_number"]): row for row in rows}
    having: list[ConfirmedConfiguration] = []
    beside: list[ConfirmedConfiguration] = []
    without = []
    for each in record.confirmed:
        own = [ends[number] for number in each.trials if number in ends]
        completed = tuple(row for row in own if row["outcome"] == "completed")
        if completed:
            group = beside if each.choice.beside else having
            group.append(ConfirmedConfiguration(each, completed))
        elif not each.choice.beside:
            without.append(each)
    running = sum(number not in ends for each in record.confirmed for number in each.trials)
    return ConfirmedSweep(record, tuple(having), tuple(without), running, tuple(beside))


def test_predictions(root: Root, configurations: Sequence[ConfirmedConfiguration]) -> pa.Table:
    """Returns the predictions of all runs on the test rows.

    Args:
        root: Of the store.
        configurations: With completed runs.
    """
    rows = [row for each in configurations for row in each.rows]
    sweeps = dict.fromkeys(row["sweep_id"] for row in rows)
    predicted = reader.predictions(root, *sweeps, trial_ids=[row["trial_id"] for row in rows])
    return predicted.filter(pc.equal(predicted["split"], "test"))


def scores_of(
    predicted: pa.Table, configurations: Sequence[ConfirmedConfiguration], metric: str
) -> RunScores | None:
    """Returns the runs' scores on the test rows that all of them have and that can be measured.

    Args:
        predicted: From `test_predictions`.
        configurations: With completed runs.
        metric: A score.

    Returns:
        None where fewer than two rows are common to all.
    """
    found = row_scores(predicted, [row for each in configurations for row in each.rows], metric)
    if found is None or len(found[1]) < 2:
        return None
    scores, clusters = found
    ends = np.cumsum([len(each.rows) for each in configurations])
    return run_scores(np.split(scores, ends[:-1]), clusters)
