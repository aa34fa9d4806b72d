"""What a sweep has cost in time of devices, and what early stopping has saved of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from orchestrator.results.configurations import recorded
from orchestrator.store.rows import Row, finite_or_none

RUNNING = "running"
"""Stands for the phase of trials that have reported and have not ended."""

_SECONDS = ("train_seconds", "eval_seconds")
_OF_TRIALS = ("phase", "adopted_from", *_SECONDS)


@dataclass(frozen=True)
class Spent:
    """What the trials of a phase took, every try of those that failed included.

    Attributes:
        phase: `baseline`, `point`, `tune`, `confirm` or `running`.
        trials: How many.
        train_seconds: Of training.
        eval_seconds: Of evaluation.
    """

    phase: str
    trials: int
    train_seconds: float
    eval_seconds: float


@dataclass(frozen=True)
class Saved:
    """What early stopping left untrained.

    Attributes:
        stopped: Trials that it ended.
        examples: That these were not trained on.
        trained: Examples that they were trained on.
        seconds: An estimate: what the rest of their training would have taken, each at the pace
            that it had until then. Its evaluation would come on top.
    """

    stopped: int
    examples: int
    trained: int
    seconds: float


def device_seconds(rows: Iterable[Row]) -> float:
    """Returns the sum of training and evaluation; what was taken over from others cost nothing."""
    return sum(
        (row["train_seconds"] or 0.0) + (row["eval_seconds"] or 0.0)
        for row in rows
        if row.get("adopted_from") is None
    )


def unfinished(trials: pa.Table, reports: pa.Table) -> list[Row]:
    """Returns the last report of each trial that has no final row: it runs, or is continued.

    Args:
        trials: Final rows of one sweep.
        reports: Its reports, by trial and rung.
    """
    ended = pc.is_in(reports["trial_id"], pc.unique(trials["trial_id"]))
    left = reports.filter(pc.invert(ended)).to_pylist()
    return list({row["trial_id"]: row for row in left}.values())


def spent(trials: pa.Table, reports: pa.Table) -> list[Spent]:
    """Returns what each phase of a sweep took; of those that took something, in their order.

    Args:
        trials: Its final rows, of every try.
        reports: Its reports, by trial and rung.
    """
    running = unfinished(trials, reports.select(["trial_id", *_SECONDS]))
    phases: dict[str, list[Row]] = {}
    for row in trials.select(_OF_TRIALS).to_pylist():
        if row["adopted_from"] is None:
            phases.setdefault(row["phase"] or "tune", []).append(row)
    if running:
        phases[RUNNING] = running
    order = ("baseline", "point", "tune", "confirm", RUNNING)
    return [
        Spent(name, len(rows), *(_sum(rows, column) for column in _SECONDS))
        for name, rows in sorted(phases.items(), key=lambda phase: order.index(phase[0]))
    ]


def saved(rows: Sequence[Row]) -> Saved | None:
    """Returns what early stopping left untrained; None where it ended no trial.

    What was taken over from other sweeps was stopped there.

    Args:
        rows: Final rows of a sweep.
    """
    stopped = [
        (row["examples_seen"], budget - row["examples_seen"], row["train_seconds"] or 0.0)
        for row in rows
        if row["outcome"] == "stopped"
        and row["adopted_from"] is None
        and row["examples_seen"]
        and (budget := recorded(row).get("budget_examples")) is not None
        and budget > row["examples_seen"]
    ]
    if not stopped:
        return None
    return Saved(
        len(stopped),
        sum(left for _, left, _ in stopped),
        sum(seen for seen, _, _ in stopped),
        math.fsum(seconds * left / seen for seen, left, seconds in stopped),
    )


def _sum(rows: Iterable[Row], column: str) -> float:
    return math.fsum(finite_or_none(row[column]) or 0.0 for row in rows)
