"""Early stopping: asynchronous successive halving (ASHA) as sweeps use it.

Ray Tune's own ASHA (Li et al. 2020, "A System for Massively Parallel Hyperparameter Tuning")
decides. Around it: one per technique, so that a slow starter is compared with its own kind; the
untuned baseline passes through; the report at the full budget is never a stopping point; a report
without a finite objective is never recorded, since NaN compares as "not worse". What was decided
before a restart is rebuilt by replaying the stored reports in the order in which they came.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Any

from ray.tune.schedulers import ASHAScheduler, TrialScheduler

from orchestrator.search_space import Sweep
from trainables.techniques.registry import is_untuned

RUNG = "rung_examples"


class TechniqueHalving:
    """ASHA per technique over (trial, technique, examples of the rung, objective).

    Knows nothing of a running Tune: Ray Tune's scheduler and the replay of a stored sweep share it.
    """

    def __init__(self, sweep: Sweep) -> None:
        """Makes the empty rungs; without `stopping` in the sweep every trial continues.

        Args:
            sweep: Gives the objective, the budget and the rungs, in examples.
        """
        self._sweep = sweep
        self._rungs: dict[int, int] = {}
        if sweep.stopping is not None and sweep.budget is not None:
            grid = sweep.rungs(sweep.budget.examples)
            self._rungs = {examples: index for index, examples in enumerate(grid[:-1])}
        self._halvings: dict[str, ASHAScheduler] = {}
        self._entered: set[str] = set()
        self._verdicts: dict[tuple[str, int], bool] = {}

    def stops(self, trial_id: str, technique: str, rung: int, objective: float | None) -> bool:
        """Records the report and returns whether the trial is to be stopped.

        A report that is told again has the verdict that it had, and is not recorded twice.
        """
        stopping = self._sweep.stopping
        if stopping is None or is_untuned({"technique": technique}) or rung not in self._rungs:
            return False
        if objective is None or not math.isfinite(objective):
            return False
        # Ray's ASHA would record a repeated report at a lower rung that the trial has no value for.
        if (trial_id, rung) in self._verdicts:
            return self._verdicts[trial_id, rung]
        halving = self._halvings.get(technique)
        if halving is None:
            halving = ASHAScheduler(
                time_attr="time",
                metric="objective",
                mode=self._sweep.objective.mode,
                max_t=stopping.reduction_factor ** len(self._rungs),
                grace_period=1,
                reduction_factor=stopping.reduction_factor,
                brackets=1,
            )
            self._halvings[technique] = halving
        # Of Ray Tune's trial its ASHA (2.60) reads the id alone.
        trial = SimpleNamespace(trial_id=trial_id)
        if trial_id not in self._entered:
            self._entered.add(trial_id)
            halving.on_trial_add(None, trial)
        # Time in powers of the reduction factor: examples are rounded and could miss a milestone.
        time = stopping.reduction_factor ** self._rungs[rung]
        result = {"time": time, "objective": objective}
        stop = bool(halving.on_trial_result(None, trial, result) == TrialScheduler.STOP)
        self._verdicts[trial_id, rung] = stop
        return stop

    def replay(self, reports: Iterable[Mapping[str, Any]]) -> set[str]:
        """Records stored reports, oldest first.

        Args:
            reports: Rows with `trial_id`, `technique`, `rung_examples` and `objective`.

        Returns:
            The trials whose latest report was a verdict to stop.
        """
        stopped: dict[str, bool] = {}
        for row in reports:
            stopped[row["trial_id"]] = self.stops(
                row["trial_id"], row["technique"], row[RUNG], row["objective"]
            )
        return {trial_id for trial_id, stop in stopped.items() if stop}
