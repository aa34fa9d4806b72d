"""Compares trials at the highest rung that all of them reached: early stopping ends some."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from orchestrator.results.errors import ResultsError
from orchestrator.results.missing_files import absent_from, missing_files, was_measured
from orchestrator.results.row_scores import Key, key, row_scores
from orchestrator.results.selection import is_score
from orchestrator.results.statistics import Array
from orchestrator.store import index, reader
from orchestrator.store.arrays import having
from orchestrator.store.place import Root
from orchestrator.store.rows import Row
from orchestrator.store.schema import PREDICTIONS, REPORTS
from trainables.techniques.registry import is_untuned

Point = tuple[int, float]
"""A report's optimiser steps, and its value of the metric."""


class Curves:
    """The reports of some trials that hold a finite value of one metric.

    Args:
        root: Of the store.
        rows: Final rows of the trials.
        metric: A score or loss.
    """

    def __init__(self, root: Root, rows: Sequence[Row], metric: str) -> None:
        self._root = root
        self._metric = metric
        self._unstopped = {key(row) for row in rows if row["outcome"] == "completed"}
        self._untrained = {key(row) for row in rows if is_untuned(row)}
        self._measured = {key(row) for row in rows if was_measured(row, metric)}
        self._curves: dict[Key, dict[int, Point]] = {key(row): {} for row in rows}
        columns = ("sweep_id", "trial_id", "rung_examples", "step", metric)
        sweeps = dict.fromkeys(row["sweep_id"] for row in rows)
        reports = index.reports(root, *sweeps, columns=columns)
        reports = having(reports, "trial_id", {row["trial_id"] for row in rows})
        # By columns: a dictionary for each of a million reports takes seconds.
        for sweep_id, trial_id, rung, step, value in zip(
            *(reports[name].to_pylist() for name in columns), strict=True
        ):
            curve = self._curves.get((sweep_id, trial_id))
            if curve is not None and value is not None and math.isfinite(value):
                curve[rung] = (step, value)

    def reported(self, rows: Iterable[Row]) -> list[Row]:
        """Returns the trials that have at least one value."""
        return [row for row in rows if self._curves[key(row)]]

    def lost(self, rows: Iterable[Row]) -> list[Row]:
        """Returns the trials that were measured, but whose reports are not in the store."""
        return [row for row in rows if not self._curves[key(row)] and key(row) in self._measured]

    def lost_in_words(self, rows: Sequence[Row]) -> str:
        """Returns a sentence on trials that are `lost`, with what is to be done."""
        return missing_files(self._root, REPORTS, rows, f"the reports with a {self._metric}")

    def common_rung(self, rows: Sequence[Row]) -> int | None:
        """Returns the highest rung, in examples, that every one of the trials reached.

        The untuned baseline, which does not change, is taken to be at every rung. None means each
        trial's last report: all were trained to the end, of budgets that differ.

        Raises:
            ResultsError: There is no such rung.
        """
        if lost := self.lost(rows):
            raise ResultsError(self.lost_in_words(lost))
        trained = [key(row) for row in rows if key(row) not in self._untrained]
        rungs = [set(self._curves[name]) for name in trained]
        if not rungs:
            return 0
        if not all(rungs):
            raise ResultsError(
                f"Not all of these trials have a report with a {self._metric}, so they do not"
                " compare."
            )
        if self._unstopped.issuperset(trained) and len({max(each) for each in rungs}) > 1:
            return None
        common = set.intersection(*rungs)
        if not common:
            raise ResultsError(
                f"There is no rung at which all of these trials have a {self._metric}, so they do"
                " not compare."
            )
        return max(common)

    def value(self, row: Row, rung: int | None) -> float:
        """Returns the metric of a trial at a rung that it reached; None means its last."""
        return self._at(row, rung)[1]

    def examples(
        self, rows: Sequence[Row], rung: int | None, split: str = "validation"
    ) -> tuple[Array, list[str]]:
        """Returns the metric of each trial on each row, at a rung, and the rows' clusters.

        Args:
            rows: Final rows of trials that reached the rung.
            rung: In examples; None means each trial's last.
            split: "validation", or "test": then of each trial's end.

        Returns:
            Shape [trials, examples], over the examples that can be measured in every trial; NaN
            where nobody can judge what was predicted. The cluster of each of the examples.

        Raises:
            ResultsError: The metric is not measured row by row, or there is no common example.
        """
        if not is_score(self._metric):
            raise ResultsError(
                f"The metric {self._metric!r} is not measured row by row; compare by a score, such"
                " as --by rouge_l."
            )
        sweeps = dict.fromkeys(row["sweep_id"] for row in rows)
        predicted = reader.predictions(
            self._root, *sweeps, trial_ids=sorted({row["trial_id"] for row in rows})
        )
        steps = {key(row): self._at(row, rung)[0] for row in rows}
        found = row_scores(predicted, rows, self._metric, None if split == "test" else steps)
        if found is None:
            raise ResultsError(self._nothing_in_common(predicted, rows, split))
        return found

    def _nothing_in_common(self, predicted: pa.Table, rows: Sequence[Row], split: str) -> str:
        """Returns why no row was evaluated in all trials, in a sentence."""
        evaluated = predicted.filter(pc.equal(predicted["split"], split))
        without = absent_from(evaluated, rows)
        column = f"test_{self._metric}" if split == "test" else self._metric
        if lost := [row for row in without if was_measured(row, column)]:
            return missing_files(self._root, PREDICTIONS, lost, f"the predictions on {split} rows")
        if without:
            named = ", ".join(row["trial_id"] for row in without[:3])
            return f"No {split} rows were evaluated of {named}, so that they do not compare."
        return (
            f"These trials have no {split} row in common of which a {self._metric} is known, so"
            " that they do not compare."
        )

    def _at(self, row: Row, rung: int | None) -> Point:
        curve = self._curves[key(row)]
        last = rung is None or key(row) in self._untrained
        return curve[max(curve) if last or rung is None else rung]


def mean_at(curves: Curves, runs: Sequence[Row], rung: int | None) -> float:
    """Returns the mean over a configuration's runs at a rung that all of them reached."""
    return math.fsum(curves.value(row, rung) for row in runs) / len(runs)


def place(rung: int | None) -> str:
    """Returns in words where trials are compared."""
    return "at the end of each trial's own budget" if rung is None else f"at {rung:,} examples"


def why(rung: int | None) -> str:
    """Returns in words why they are compared there."""
    if rung is None:
        return "which all of them reached"
    return "the highest rung that all of these trials reached"
