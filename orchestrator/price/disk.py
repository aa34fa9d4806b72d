"""What a sweep's files take of a disk, while it runs and when it has ended."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.price.size import mean_size
from orchestrator.price.speed import Speed
from orchestrator.price.work import CONFIRMING, TUNING, Work, waiting
from orchestrator.search_space import Sweep
from trainables.techniques.registry import TECHNIQUES

_KIB = 1024
_RUN, _REPORT, _SCORED_ROW = 56 * _KIB, 13 * _KIB, 0.22 * _KIB
"""What is written of a run (its records and final row), of a report and of a row that is scored,
in blocks of the disk; measured: `benchmarks/RESULTS.md`, "plan"."""

_BESIDE_WEIGHTS, _BESIDE_MOMENTS = 36 * _KIB, 8 * _KIB
"""Of a checkpoint: configuration, card and progress; and what training goes on from but AdamW's
moments."""

_WEIGHT, _MOMENTS = 4, 8
"""Bytes of each trained weight, and of its two moments, in float32."""


@dataclass(frozen=True)
class Disk:
    """Bytes of a disk.

    Attributes:
        most: At the fullest moment.
        left: When the sweep has ended.
        waiting: Trials that wait at a rung at that moment, each with its training state.
    """

    most: float
    left: float
    waiting: int


@dataclass
class _Models:
    """Mean models of a phase's trials, by technique.

    Attributes:
        runs: How many trials have one.
        weights: How many weights one trains.
    """

    runs: dict[str, float]
    weights: Mapping[str, float]

    @property
    def count(self) -> float:
        return math.fsum(self.runs.values())

    @property
    def bytes(self) -> float:
        """Of the models alone."""
        return math.fsum(
            count * (_BESIDE_WEIGHTS + _WEIGHT * self.weights[name])
            for name, count in self.runs.items()
        )

    @property
    def bytes_to_go_on(self) -> float:
        """With their training state."""
        return self.bytes + math.fsum(
            count * (_BESIDE_MOMENTS + _MOMENTS * self.weights[name])
            for name, count in self.runs.items()
        )

    def of(self, count: float) -> _Models:
        """Returns so many of them, or all."""
        share = min(1.0, count / self.count) if self.count else 0.0
        return _Models({name: runs * share for name, runs in self.runs.items()}, self.weights)

    def but(self, others: _Models) -> _Models:
        """Returns those that are none of others."""
        runs = {name: max(0.0, n - others.runs.get(name, 0.0)) for name, n in self.runs.items()}
        return _Models(runs, self.weights)

    def and_also(self, others: _Models) -> _Models:
        """Returns both."""
        names = {*self.runs, *others.runs}
        runs = {name: self.runs.get(name, 0.0) + others.runs.get(name, 0.0) for name in names}
        return _Models(runs, self.weights)


def disk(
    sweep: Sweep, work: Sequence[Work], speeds: Mapping[str, Speed], slots: int
) -> Disk | None:
    """Returns what a sweep takes of a disk; None where it is not known of a technique.

    Args:
        sweep: The resolved search space file.
        work: From `expected_work`.
        speeds: By technique; they say how many weights its trials train.
        slots: Trials at a time.
    """
    weights: dict[str, float] = {}
    for name in {part.technique for part in work if TECHNIQUES[part.technique].trains}:
        speed = speeds.get(name)
        if speed is None or speed.trained_each is None:
            return None
        weights[name] = speed.trained_each * mean_size(sweep, name)

    def models(phase: str) -> _Models:
        own = [part for part in work if part.phase == phase and part.technique in weights]
        return _Models({part.technique: part.runs for part in own}, weights)

    tuned, confirmed = models(TUNING), models(CONFIRMING)
    waits = {name: min(n, tuned.runs.get(name, 0.0)) for name, n in waiting(sweep).items()}
    going_on = _Models(waits, weights) if any(waits.values()) else tuned.of(slots)
    searched = [part for part in work if part.phase == TUNING]
    all_of_it = tuned.and_also(confirmed)
    last = confirmed.of(slots)
    left = _tables(work) + _kept(sweep, all_of_it)
    # One that runs has its last checkpoint until the next one is whole.
    saving = 0.0 if any(waits.values()) else going_on.bytes_to_go_on
    in_tuning = (
        _tables(searched) + going_on.bytes_to_go_on + saving + _kept(sweep, tuned.but(going_on))
    )
    later = _tables(work) + 2 * last.bytes_to_go_on + _kept(sweep, all_of_it.but(last))
    waiting_then = round(math.fsum(waits.values())) if in_tuning > later else 0
    return Disk(max(in_tuning, later), left, waiting_then)


def _kept(sweep: Sweep, ended: _Models) -> float:
    """Returns the bytes of the models of ended trials that are kept."""
    return min(ended.of(sweep.limits.checkpoints).bytes, 1e9 * sweep.limits.checkpoint_gigabytes)


def _tables(work: Sequence[Work]) -> float:
    """Returns the bytes of the three tables, and of the records of runs."""
    return math.fsum(
        _RUN * part.runs + _REPORT * part.reports + _SCORED_ROW * part.scored_rows for part in work
    )
