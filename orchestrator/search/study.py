"""The search: an Optuna study behind Ray Tune's Searcher, rebuilt from what is on record.

`ray.tune.search.optuna.OptunaSearch` cannot continue a sweep: a newly seeded sampler proposes again
what it proposed before, fixed points are enqueued at every start, a NaN leaves a trial running for
ever, and a stopped trial is told as if it had finished. Here the study lives in memory only. At
every start it is filled from the proposals and the reports, in the order of their numbers, through
the same two methods that a running sweep uses.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.study import StudyDirection
from optuna.trial import Trial, TrialState
from ray.tune.search import Searcher

from orchestrator.outcomes.conclusions import RunResult
from orchestrator.search import optuna_space
from orchestrator.search.identity import configuration_id
from orchestrator.search.optuna_space import Configuration
from orchestrator.search.proposals import BASELINE, Numbering, Proposal
from orchestrator.search_space import Sweep
from orchestrator.search_space.checks import LARGEST_GRID

ASKS = 10
"""How often a sampler is asked for a configuration that is new, before chance decides."""


class ConfigurationStudy:
    """Proposes configurations by number and learns from how their runs ended.

    None is proposed twice: under the same seeds it would only give the same numbers again.
    """

    def __init__(self, sweep: Sweep) -> None:
        """Makes an empty study for the sweep's space, points, method and seed."""
        self._sweep = sweep
        self._fixed: list[Configuration] = [dict(point) for point in sweep.points]
        if sweep.search.method == "grid" and sweep.space is not None:
            given = {configuration_id(point) for point in sweep.points}
            grid = optuna_space.grid(sweep.space)
            self._fixed += [each for each in grid if configuration_id(each) not in given]
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._study = optuna.create_study(
            direction=StudyDirection.MAXIMIZE
            if sweep.objective.mode == "max"
            else StudyDirection.MINIMIZE
        )
        self._trials: dict[int, Trial] = {}
        self._proposed: set[str] = set()

    def propose(self, number: int, known: Configuration | None = None) -> Configuration | None:
        """Returns configuration `number`; None if there is no other in the space.

        Args:
            number: The configuration's number; numbers are proposed in ascending order.
            known: The configuration on record under this number, when a sweep is continued.
        """
        fixed = known or (self._fixed[number] if number < len(self._fixed) else None)
        chosen = self._new(number) if fixed is None else self._enqueue(number, fixed)
        if chosen is not None:
            self._proposed.add(configuration_id(chosen))
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

        All completed: COMPLETE with the mean of their last objectives. Otherwise PRUNED with the
        mean curve, if any of them has one. Otherwise (all failed, diverged or hung early) FAIL.
        """
        trial = self._trials.pop(number, None)
        if trial is None:
            return
        curve = _mean_curve(runs)
        for rung, value in curve.items():
            trial.report(value, rung)
        if curve and all(run.outcome == "completed" for run in runs):
            last = [run.curve[-1][1] for run in runs if run.curve]
            # Exact, so that it does not depend on which replicate ended first.
            self._study.tell(trial, math.fsum(last) / len(last))
        elif curve and any(run.outcome in ("completed", "stopped") for run in runs):
            self._study.tell(trial, state=TrialState.PRUNED)
        else:
            self._study.tell(trial, state=TrialState.FAIL)

    def _new(self, number: int) -> Configuration | None:
        """Returns a configuration that is new: the sampler's, if it has one, else by chance."""
        assert self._sweep.space is not None
        size = optuna_space.size(self._sweep.space)
        if size is not None and len(self._proposed) >= size and not self._unseen():
            return None
        attempt = 0
        while True:
            if attempt == ASKS and size is not None and size <= LARGEST_GRID:
                unseen = self._unseen()
                return self._enqueue(number, unseen[self._seed(number, attempt) % len(unseen)])
            chosen = self._ask(number, self._sampler(number, attempt))
            if configuration_id(chosen) not in self._proposed:
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
            if configuration_id(each) not in self._proposed
        ]

    def _ask(self, number: int, sampler: BaseSampler) -> Configuration:
        assert self._sweep.space is not None
        self._study.sampler = sampler
        trial = self._study.ask()
        self._trials[number] = trial
        return optuna_space.suggest(trial, self._sweep.space)

    def _sampler(self, number: int, attempt: int) -> BaseSampler:
        seed = self._seed(number, attempt)
        if self._sweep.search.method == "tpe" and attempt < ASKS:
            with warnings.catch_warnings():
                # "group" is called experimental; without it a conditional space is sampled
                # parameter by parameter.
                warnings.simplefilter("ignore", ExperimentalWarning)
                return TPESampler(multivariate=True, group=True, constant_liar=True, seed=seed)
        return RandomSampler(seed=seed)

    def _seed(self, number: int, attempt: int) -> int:
        # Seeded anew for every configuration: a continued sweep proposes what an undisturbed one
        # would have.
        entropy = np.random.SeedSequence([self._sweep.seed, number, attempt])
        return int(entropy.generate_state(1)[0])


def _mean_curve(runs: Sequence[RunResult]) -> dict[int, float]:
    values: dict[int, list[float]] = {}
    for run in runs:
        for rung, value in run.curve:
            values.setdefault(rung, []).append(value)
    return {rung: math.fsum(each) / len(each) for rung, each in sorted(values.items())}


class SweepSearcher(Searcher):
    """Hands runs to Ray Tune and takes their ends: what is unfinished first, then what is new."""

    def __init__(
        self,
        sweep: Sweep,
        on_record: Mapping[int, Proposal],
        finished: Mapping[int, RunResult],
        propose: Callable[[Proposal], Proposal | None],
        conclude: Callable[[str, Proposal], RunResult | None],
        expired: Callable[[], bool] = lambda: False,
    ) -> None:
        """Rebuilds the study and lines up the runs that are left.

        Args:
            sweep: The resolved search space file.
            on_record: The proposals written down so far, by trial number.
            finished: The ends of those that have a final row, by trial number.
            propose: Writes a proposal down; called before its trial starts. Returns None if it
                could not, so that nothing more is to start.
            conclude: Called with Tune's trial id and the proposal when a trial has ended; returns
                None when the end is not final (an interruption).
            expired: Whether the sweep's time is up, so that nothing more is to start.
        """
        super().__init__(metric=sweep.objective.metric, mode=sweep.objective.mode)
        self._study = ConfigurationStudy(sweep)
        self._propose = propose
        self._conclude = conclude
        self._expired = expired
        self._on_record = dict(on_record)
        self._numbering = Numbering(sweep)
        self._ended: dict[int, list[RunResult]] = {}
        self._configurations: dict[int, Configuration] = {}
        self._running: dict[str, Proposal] = {}
        self._left: list[tuple[int, int | None, int]] = []
        for number, configuration, replicate in self._numbering:
            if number in self._on_record and configuration is not None and replicate == 0:
                self._configuration(configuration, self._on_record[number].configuration)
            if number in finished:
                self._learn(configuration, finished[number])
            else:
                self._left.append((number, configuration, replicate))
        self._left.sort(key=lambda run: (run[0] not in self._on_record, run[0]))

    @property
    def left(self) -> int:
        """Number of runs that have not started."""
        return len(self._left)

    def suggest(self, trial_id: str) -> dict[str, Any] | Literal["FINISHED"] | None:
        """Returns the next run as a Tune configuration `{"proposal": Proposal}`."""
        if not self._left or self._expired():
            return Searcher.FINISHED  # type: ignore[no-any-return]
        number, configuration, replicate = self._left.pop(0)
        proposal = self._on_record.get(number)
        if proposal is None:
            chosen = BASELINE if configuration is None else self._configuration(configuration)
            if chosen is None:
                return Searcher.FINISHED  # type: ignore[no-any-return]
            proposal = self._propose(Proposal(number, configuration, replicate, chosen))
            if proposal is None:
                return Searcher.FINISHED  # type: ignore[no-any-return]
        self._running[trial_id] = proposal
        return {"proposal": proposal}

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Concludes the run and lets the study learn from it."""
        proposal = self._running.pop(trial_id, None)
        if proposal is None:
            return
        ended = self._conclude(trial_id, proposal)
        if ended is not None:
            self._learn(proposal.configuration_number, ended)

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Does nothing: the study learns from whole curves, when a run has ended."""

    def __getstate__(self) -> dict[str, Any]:
        """Returns nothing: Ray Tune pickles what it is given into a snapshot that is never read."""
        return {}

    def save(self, checkpoint_path: str) -> None:
        """Does nothing: the store and the proposals are what a sweep continues from."""

    def restore(self, checkpoint_path: str) -> None:
        """Refuses: a snapshot of Tune's is never read.

        Raises:
            RuntimeError: Always.
        """
        raise RuntimeError("a sweep is continued from its store, not from Ray Tune's snapshots")

    def _configuration(
        self, number: int, known: Configuration | None = None
    ) -> Configuration | None:
        if number not in self._configurations:
            chosen = self._study.propose(number, known)
            if chosen is None:
                return None
            self._configurations[number] = chosen
        return self._configurations[number]

    def _learn(self, configuration: int | None, result: RunResult) -> None:
        if configuration is None:
            return
        ended = self._ended.setdefault(configuration, [])
        ended.append(result)
        if len(ended) == self._numbering.replicates(configuration):
            self._study.finish(configuration, ended)
