"""The search: an Optuna study that proposes configurations by number, rebuilt at every start.

`ray.tune.search.optuna.OptunaSearch` (Ray 2.60) cannot continue a sweep: a newly seeded sampler
proposes again what it proposed before, fixed points are enqueued at every start, a NaN leaves a
trial running for ever, and a stopped trial is told as if it had finished. Here the study lives in
memory only. At every start it is filled from the proposals and the reports, in the order of their
numbers, through the same two methods that a running sweep uses.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

import numpy as np
import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.study import StudyDirection
from optuna.trial import Trial, TrialState

from orchestrator.search import optuna_space
from orchestrator.search.identity import configuration_id
from orchestrator.search.optuna_space import Configuration
from orchestrator.search.run_result import RunResult
from orchestrator.search_space import Sweep
from orchestrator.search_space.checks import LARGEST_GRID

ASKS = 10
"""How often a sampler is asked for a configuration that is new, before chance decides."""


def fixed_configurations(sweep: Sweep) -> list[Configuration]:
    """Returns what is not proposed by chance, by number: the points, and the grid if it is one."""
    fixed: list[Configuration] = [dict(point) for point in sweep.points]
    if sweep.search.method == "grid" and sweep.space is not None:
        given = {configuration_id(point) for point in sweep.points}
        grid = optuna_space.grid(sweep.space)
        fixed += [each for each in grid if configuration_id(each) not in given]
    return fixed


class ConfigurationStudy:
    """Proposes configurations by number and learns from how their runs ended.

    None is proposed twice: under the same seeds it would only give the same numbers again.

    Attributes:
        proposed: The ids of the configurations that were.
    """

    def __init__(self, sweep: Sweep, startup: int = 10) -> None:
        """Makes an empty study for the sweep's space, points, method and seed.

        Args:
            sweep: The resolved search space file.
            startup: After how many configurations TPE begins to model; before, chance decides.
        """
        self._sweep = sweep
        self._startup = startup
        self._fixed = fixed_configurations(sweep)
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._study = optuna.create_study(
            direction=StudyDirection.MAXIMIZE
            if sweep.objective.mode == "max"
            else StudyDirection.MINIMIZE
        )
        self._trials: dict[int, Trial] = {}
        self.proposed: set[str] = set()
        self._told = 0
        self._informed = 0

    def propose(self, number: int, known: Configuration | None = None) -> Configuration | None:
        """Returns configuration `number`; None if there is no other in the space.

        Args:
            number: The configuration's number; numbers are proposed in ascending order.
            known: The configuration on record under this number, when a sweep is continued.
        """
        fixed = known or (self._fixed[number] if number < len(self._fixed) else None)
        chosen = self._new(number) if fixed is None else self._enqueue(number, fixed)
        if chosen is not None:
            self.proposed.add(configuration_id(chosen))
        return chosen

    def _enqueue(self, number: int, fixed: Configuration) -> Configuration:
        inside = (
            None if self._sweep.space is None else optuna_space.to_optuna(self._sweep.space, fixed)
        )
        if inside is None:
            return fixed  # A point outside the space: it runs, and the search cannot learn from it.
        params, _ = inside
        self._study.enqueue_trial(params)
        # The enqueued values decide; a cheap sampler spares TPE's cost at each replayed trial.
        self._ask(number, RandomSampler(seed=0))
        return fixed

    def finish(self, number: int, runs: Sequence[RunResult]) -> None:
        """Tells the study how the runs of configuration `number` ended.

        All completed: COMPLETE with the mean of their objectives. Otherwise PRUNED with their mean
        curve over the rungs that all of them reached: a mean over the survivors alone would rise
        because the others ended. A configuration without such a rung (it failed, diverged or hung)
        is PRUNED without a value, which samplers rank below all that have one; FAIL they ignore,
        and are then drawn to where nothing was learnt, which is where trials fail.
        """
        trial = self._trials.pop(number, None)
        if trial is None:
            return
        if all(run.outcome == "completed" and run.curve for run in runs):
            last = [run.curve[-1][1] for run in runs]
            # Exact, so that it does not depend on which replicate ended first.
            self._study.tell(trial, math.fsum(last) / len(last))
            self._informed += 1
        else:
            ended = all(run.outcome in ("completed", "stopped") for run in runs)
            curve = _mean_curve(runs) if ended else {}
            for rung, value in curve.items():
                trial.report(value, rung)
            self._study.tell(trial, state=TrialState.PRUNED)
            self._informed += bool(curve)
        self._told += 1

    def _new(self, number: int) -> Configuration | None:
        """Returns a configuration that is new: the sampler's, if it has one, else by chance."""
        assert self._sweep.space is not None
        size = optuna_space.size(self._sweep.space)
        if size is not None and len(self.proposed) >= size and not self._unseen():
            return None
        attempt = 0
        while True:
            if attempt == ASKS and size is not None and size <= LARGEST_GRID:
                unseen = self._unseen()
                return self._enqueue(number, unseen[self._seed(number, attempt) % len(unseen)])
            chosen = self._ask(number, self._sampler(number, attempt))
            if configuration_id(chosen) not in self.proposed:
                return chosen
            # Samplers pass over failures, so that a continued search, which is not told of this
            # one, proposes the same.
            self._study.tell(self._trials.pop(number), state=TrialState.FAIL)
            attempt += 1

    def _unseen(self) -> list[Configuration]:
        assert self._sweep.space is not None
        return [
            each
            for each in optuna_space.grid(self._sweep.space)
            if configuration_id(each) not in self.proposed
        ]

    def _ask(self, number: int, sampler: BaseSampler) -> Configuration:
        assert self._sweep.space is not None
        self._study.sampler = sampler
        trial = self._study.ask()
        self._trials[number] = trial
        return optuna_space.suggest(trial, self._sweep.space)

    def _sampler(self, number: int, attempt: int) -> BaseSampler:
        seed = self._seed(number, attempt)
        # TPE takes a tenth of the trials for good ones, failures if there are no others.
        enough = self._informed >= math.ceil(self._told / 10)
        if self._sweep.search.method == "tpe" and attempt < ASKS and enough:
            with warnings.catch_warnings():
                # "group" is called experimental; without it a conditional space is sampled
                # parameter by parameter.
                warnings.simplefilter("ignore", ExperimentalWarning)
                return TPESampler(
                    n_startup_trials=self._startup,
                    multivariate=True,
                    group=True,
                    constant_liar=True,
                    seed=seed,
                )
        return RandomSampler(seed=seed)

    def _seed(self, number: int, attempt: int) -> int:
        # Seeded anew for every configuration: a continued sweep proposes what an undisturbed one
        # would have.
        entropy = np.random.SeedSequence([self._sweep.seed, number, attempt])
        return int(entropy.generate_state(1)[0])


def _mean_curve(runs: Sequence[RunResult]) -> dict[int, float]:
    """Returns the mean over all runs at each rung that every one of them has a value at."""
    curves = [dict(run.curve) for run in runs]
    common = set.intersection(*(set(curve) for curve in curves))
    return {
        rung: math.fsum(curve[rung] for curve in curves) / len(curves) for rung in sorted(common)
    }
