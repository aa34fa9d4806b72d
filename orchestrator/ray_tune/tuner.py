"""Runs the trials of a sweep under Ray Tune.

Ray Tune places trials on the cluster, keeps their processes for the next ones and asks scheduler
and searcher at every event. What it remembers itself is a cache, made anew at every start.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ray import tune

from orchestrator.outcomes.conclusions import Conclusions
from orchestrator.outcomes.failures import AlikeFailuresError, FirstFailures, MachineError
from orchestrator.outcomes.kept_models import KeptModels
from orchestrator.outcomes.standing import Standing
from orchestrator.outcomes.unmeasured import UnmeasuredObjectiveError, check_measured
from orchestrator.ray_tune.group_board import GroupBoard
from orchestrator.ray_tune.placement import Slots
from orchestrator.ray_tune.scheduler import SweepScheduler
from orchestrator.ray_tune.searcher import SweepSearcher
from orchestrator.ray_tune.trainable import tune_function
from orchestrator.ray_tune.watcher import TuneEvents, Watcher
from orchestrator.search.halving import compared_with
from orchestrator.search.proposals import Proposal
from orchestrator.search.run_queue import ConfirmingQueue, Queue, RunQueue
from orchestrator.search.run_result import RunResult
from orchestrator.state.attempts import AttemptLog
from orchestrator.state.proposal_log import ProposalLog
from orchestrator.state.stored_sweep import StoredSweep
from orchestrator.state.verdict_log import VerdictLog
from orchestrator.store import StoreError
from orchestrator.trial.attempt import TrialJob


class SweepTuner:
    """Runs every trial of a sweep that has no final row, once."""

    def __init__(
        self,
        stored: StoredSweep,
        standing: Standing,
        conclusions: Conclusions,
        watchers: Sequence[Watcher],
        expired: Callable[[], bool] = lambda: False,
        *,
        is_last: bool = False,
        confirming: Sequence[Proposal] | None = None,
    ) -> None:
        """Lines up the trials that are left.

        Args:
            stored: The sweep.
            standing: Where it stands.
            conclusions: Writes the final rows.
            watchers: Are told what happens.
            expired: Whether the time is up: nothing more starts, and trials end at their next rung.
            is_last: Whether a trial that is to be tried again is not tried in this start.
            confirming: The confirming runs, in place of those of the search.

        Raises:
            DamagedError: A checkpoint or a record under `state/` is not this sweep's.
        """
        self._stored = stored
        self._conclusions = conclusions
        self._watchers = watchers
        self._expired = expired
        self._is_last = is_last
        self._trouble: Exception | None = None
        self._first_failures = FirstFailures(standing.rows.values(), stored.root)
        self._kept_models = KeptModels(stored)
        for row in standing.rows.values():
            self._kept_models.ended(row)
        self._proposals = ProposalLog(stored.files)
        log = AttemptLog(stored.files)
        self._earlier_attempts = {
            proposal.trial_number: log.of(proposal.trial_number).count
            for run, proposal in standing.proposals.items()
            if run not in standing.finished
        }
        self._queue: Queue = (
            RunQueue(stored.sweep, standing.proposals, standing.finished, self._propose)
            if confirming is None
            else ConfirmingQueue(confirming, standing.proposals, standing.finished, self._propose)
        )
        self._scheduler = SweepScheduler(standing.halving, partial(_identify, stored), self._over)
        self._scheduler.unmeasured = self._end_unmeasured
        self._scheduler.keep = VerdictLog(stored.files).write
        self._scheduler.trouble = self._keep
        self._searcher = SweepSearcher(stored.sweep, self._queue, self._conclude, self._over)

    def run(self, slots: Slots, learner: str) -> None:
        """Runs the trials to their ends; Ray must be running.

        Args:
            slots: How trials are placed.
            learner: "module:function" of what trains.

        Raises:
            KeyboardInterrupt: Ctrl-C; the same sweep can be continued.
            StoreError: A final row could not be stored, or what is stored is damaged.
            MachineError: A trial met an error that is the machine's, not its own.
            AlikeFailuresError: Every trial so far failed in the same way.
            UnmeasuredObjectiveError: No validation row can give the objective.
        """
        if not len(self._queue):
            return
        board = GroupBoard() if slots.workers > 1 else None
        if board is not None:
            self._scheduler.go_on = board.go_on
        # Of an earlier run nothing is read.
        shutil.rmtree(self._stored.files.ray_train, ignore_errors=True)
        job = TrialJob(self._stored, slots.kind, slots.workers, learner)
        function = tune_function(job, slots.resources, None if board is None else board.name)
        # The dashboard's Actors page shows the registered name.
        tune.register_trainable(
            self._stored.sweep.name, tune.with_resources(function, _placement(slots))
        )
        try:
            self._fit(slots)
        finally:
            if board is not None:
                board.close()
        if self._trouble is not None:
            raise self._trouble

    def _fit(self, slots: Slots) -> None:
        # Ray Tune's own record, in part pickles that it loads again when the run ends, lies in a
        # folder that is this user's alone, and not on the store's disk, which may be full.
        with tempfile.TemporaryDirectory(prefix=f"{self._stored.id}-") as folder:
            tune.Tuner(
                self._stored.sweep.name,
                tune_config=tune.TuneConfig(
                    search_alg=self._searcher,
                    scheduler=self._scheduler,
                    num_samples=len(self._queue),
                    max_concurrent_trials=slots.trials,
                    reuse_actors=slots.workers == 1,
                    trial_dirname_creator=partial(_name, self._stored),
                    trial_name_creator=partial(_name, self._stored),
                ),
                run_config=tune.RunConfig(
                    name=self._stored.id,
                    storage_path=folder,
                    verbose=0,
                    callbacks=[TuneEvents(self._watchers)],
                ),
            ).fit()

    def _over(self) -> bool:
        """Returns whether nothing more is to start."""
        return self._trouble is not None or self._expired()

    def _propose(self, proposal: Proposal) -> Proposal | None:
        """Writes a proposal down; None ends the search."""
        try:
            return self._proposals.write(proposal)
        except StoreError as error:
            self._keep(error)
            return None

    def _conclude(self, tune_id: str, proposal: Proposal) -> RunResult | None:
        """Gives a trial that has ended its final row, and tells everybody."""
        concluded = None
        try:
            concluded = self._conclusions.conclude(
                proposal,
                stopped=tune_id in self._scheduler.stopped,
                error=self._scheduler.errors.get(tune_id),
                earlier_attempts=self._earlier_attempts.get(proposal.trial_number, 0),
            )
        except (MachineError, StoreError) as error:
            self._keep(error)
        if concluded is None:
            goes_on = not self._is_last and not self._over()
            for watcher in self._watchers:
                watcher.interrupted(proposal, goes_on=goes_on)
            return None
        row, result = concluded
        for watcher in self._watchers:
            watcher.ended(proposal, row)
        try:
            self._first_failures.check(row)
            self._kept_models.ended(row)
        except (AlikeFailuresError, StoreError) as error:
            self._keep(error)
        return result

    def _end_unmeasured(self) -> None:
        """Ends the sweep: no trial of it will have an objective."""
        try:
            check_measured(self._stored)
        except (UnmeasuredObjectiveError, StoreError) as error:
            self._keep(error)

    def _keep(self, error: Exception) -> None:
        """Keeps the first error for the end: Ray Tune (2.60) would log it and go on."""
        self._trouble = self._trouble or error


# Functions of their own: Ray Tune pickles them, and with a method the tuner and all that it holds.
def _name(stored: StoredSweep, trial: Any) -> str:
    return _identify(stored, trial)[0]


def _identify(stored: StoredSweep, trial: Any) -> tuple[str, str | None]:
    proposal: Proposal = trial.config["proposal"]
    return stored.trial_id(proposal.trial_number), compared_with(stored.sweep, proposal)


def _placement(slots: Slots) -> tune.PlacementGroupFactory:
    if slots.workers == 1:
        return tune.PlacementGroupFactory([slots.resources])
    # The function that starts a worker group waits; its workers reserve the devices themselves.
    # Ray Tune (2.60) refuses a trial that asks for nothing, and `{"cpu": 0}` alone counts as
    # nothing, so a byte of memory is asked for.
    return tune.PlacementGroupFactory([{"memory": 1}])
