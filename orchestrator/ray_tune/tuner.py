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
from orchestrator.outcomes.failures import (
    MAX_LOST,
    AlikeFailuresError,
    FirstFailures,
    MachineError,
)
from orchestrator.outcomes.kept_models import KeptModels
from orchestrator.outcomes.standing import Standing
from orchestrator.outcomes.unmeasured import UnmeasuredObjectiveError, check_measured
from orchestrator.ray_tune.fit_node import has_waited_in_vain, is_of_lost_node, unfit_node
from orchestrator.ray_tune.group_board import GroupBoard
from orchestrator.ray_tune.placement import Slots
from orchestrator.ray_tune.room import NoNodeError, Room
from orchestrator.ray_tune.scheduler import SweepScheduler
from orchestrator.ray_tune.searcher import SweepSearcher
from orchestrator.ray_tune.trainable import SLOTS, tune_function
from orchestrator.ray_tune.watcher import TuneEvents, Watcher
from orchestrator.search.halving import Verdict, compared_with
from orchestrator.search.proposals import Proposal
from orchestrator.search.run_queue import ConfirmingQueue, Queue, RunQueue
from orchestrator.search.run_result import RunResult
from orchestrator.search_space.stopping_rules import MOST_RUNGS
from orchestrator.state.attempts import LOST, NODE, AttemptLog
from orchestrator.state.proposal_log import ProposalLog
from orchestrator.state.stored_sweep import StoredSweep
from orchestrator.state.verdict_log import VerdictLog
from orchestrator.store import StoreError
from orchestrator.trial.attempt import TrialJob

_MOST_MOVES = 1_000_000
"""Times that trials are placed anew because a node was not what it seemed."""


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
        room: Room,
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
            room: Where trials run.

        Raises:
            DamagedError: A checkpoint or a record under `state/` is not this sweep's.
        """
        self._stored = stored
        self._conclusions = conclusions
        self._watchers = watchers
        self._expired = expired
        self._is_last = is_last
        self._room = room
        self._trouble: Exception | None = None
        self._first_failures = FirstFailures(standing.rows.values(), stored.address)
        self._kept_models = KeptModels(stored)
        self._kept_models.ended_before(standing.rows.values())
        self._proposals = ProposalLog(stored.files)
        self._attempts = AttemptLog(stored.files)
        unfinished = [
            proposal.trial_number
            for run, proposal in standing.proposals.items()
            if run not in standing.finished
        ]
        counts = stored.store.place.each(unfinished, self._attempts.count)
        self._earlier_attempts = dict(zip(unfinished, counts, strict=True))
        self._halving = standing.halving
        self._keep_verdict = VerdictLog(stored.files).write
        self._paused = {
            identifier: proposal
            for run, proposal in standing.proposals.items()
            if run not in standing.finished
            and self._halving.waits(identifier := stored.trial_id(proposal.trial_number))
        }
        self._queue: Queue = (
            RunQueue(
                stored.sweep,
                standing.proposals,
                standing.finished,
                self._propose,
                {proposal.run_number for proposal in self._paused.values()},
                standing.adopted,
            )
            if confirming is None
            else ConfirmingQueue(confirming, standing.proposals, standing.finished, self._propose)
        )
        self._scheduler = SweepScheduler(self._halving, partial(_name, stored), self._over)
        self._scheduler.unmeasured = self._end_unmeasured
        self._scheduler.keep = self._keep_verdict
        self._scheduler.settled = self._settled
        self._scheduler.trouble = self._keep
        if room.changes:
            self._scheduler.takes = room.takes
        self._searcher = SweepSearcher(
            stored.sweep, self._queue, self._conclude, self._over, room=room
        )

    def run(self, learner: str) -> None:
        """Runs the trials to their ends; Ray must be running.

        Args:
            learner: "module:function" of what trains where the room has no engines.

        Raises:
            KeyboardInterrupt: Ctrl-C; the same sweep can be continued.
            StoreError: A final row could not be stored, or what is stored is damaged.
            MachineError: A trial met an error that is the machine's, not its own.
            AlikeFailuresError: Every trial so far failed in the same way.
            UnmeasuredObjectiveError: No validation row can give the objective.
            NoNodeError: No node is left that can run trials.
            RayEndedError: Ray has ended on this machine.
        """
        if not len(self._queue) and not self._paused:
            return
        workers = self._stored.sweep.resources.workers
        board = GroupBoard() if workers > 1 else None
        if board is not None:
            self._scheduler.go_on = board.go_on
        # Of an earlier run nothing is read.
        shutil.rmtree(self._stored.files.ray_train, ignore_errors=True)
        # On which kind of device a trial runs is said where it is placed.
        job = TrialJob(self._stored, "cpu", workers, learner, self._room.marker)
        function = tune_function(job, None if board is None else board.name)
        # The dashboard's Actors page shows the registered name.
        tune.register_trainable(self._stored.sweep.name, tune.with_resources(function, _placement))
        try:
            self._fit(workers)
        finally:
            if board is not None:
                board.close()
        if self._trouble is not None:
            raise self._trouble

    def _fit(self, workers: int) -> None:
        # Ray Tune's own record, in part pickles that it (2.60) loads again when the run ends, lies
        # in a folder that is this user's alone, and not on the store's disk, which may be full.
        with tempfile.TemporaryDirectory(prefix=f"{self._stored.id}-") as folder:
            tune.Tuner(
                self._stored.sweep.name,
                tune_config=tune.TuneConfig(
                    search_alg=self._searcher,
                    scheduler=self._scheduler,
                    # More than there can be: the searcher says when there is no other.
                    num_samples=(len(self._queue) + len(self._paused)) * (1 + MOST_RUNGS)
                    + _MOST_MOVES,
                    max_concurrent_trials=self._room.most,
                    reuse_actors=workers == 1,
                    trial_dirname_creator=_folder,
                    trial_name_creator=partial(_name, self._stored),
                ),
                run_config=tune.RunConfig(
                    name=self._stored.id,
                    storage_path=folder,
                    verbose=0,
                    callbacks=[TuneEvents(self._watchers, self._room.look)],
                ),
            ).fit()

    def _over(self) -> bool:
        """Returns whether nothing more is to start."""
        return self._trouble is not None or self._expired()

    def _propose(self, proposal: Proposal) -> Proposal | None:
        """Writes a proposal down; None ends the search."""
        try:
            written = self._proposals.write(proposal)
        except StoreError as error:
            self._keep(error)
            return None
        if not written.confirms:
            group = compared_with(self._stored.sweep, written)
            self._halving.enter(self._stored.trial_id(written.trial_number), group)
            self._settle()  # the last cohort is whole when there is no further trial
        return written

    def _settle(self) -> None:
        """Gives the verdicts that can be given since a trial ended or was proposed."""
        try:
            self._settled(self._halving.settle(self._keep_verdict))
        except StoreError as error:
            self._keep(error)

    def _settled(self, verdicts: Sequence[Verdict]) -> None:
        """Lets the trials that waited go on or end."""
        for trial_id, _, stopped in verdicts:
            proposal = self._paused.pop(trial_id, None)
            if proposal is None:  # it runs, and hears of it itself
                continue
            if not stopped:
                self._queue.resume(proposal)
            elif (result := self._end(proposal, stopped=True)) is not None:
                self._queue.ended(proposal, result)

    def _conclude(self, tune_id: str, proposal: Proposal) -> RunResult | None:
        """Gives a trial that has ended its final row, or takes it back where it is to wait."""
        if tune_id in self._scheduler.withdrawn:
            self._queue.put_back(proposal)
            return None
        error = self._scheduler.errors.get(tune_id)
        unfit = None if error is None or not self._room.changes else unfit_node(error)
        if unfit is not None:
            self._move(proposal, *unfit, error or "")
            return None
        if error is not None and has_waited_in_vain(error):
            self._put_back(proposal)  # the nodes are others by now, or another sweep has them
            return None
        if error is not None and is_of_lost_node(error) and self._is_moved(proposal, error):
            return None
        stopped = tune_id in self._scheduler.stopped
        if tune_id in self._scheduler.waiting:
            # By now there may be a verdict.
            stopped = self._halving.stops(self._stored.trial_id(proposal.trial_number))
            if not stopped:
                self._pause(proposal)
                return None
        return self._end(proposal, stopped=stopped, error=error)

    def _move(self, proposal: Proposal, node_id: str, reason: str, error: str) -> None:
        """Runs a trial again on another node, and gives the present one no further trial."""
        try:
            self._room.set_aside(node_id, reason)
            self._note_end(proposal, NODE, reason, error)
        except (NoNodeError, StoreError) as trouble:
            self._keep(trouble)
        self._put_back(proposal)

    def _is_moved(self, proposal: Proposal, error: str) -> bool:
        """Has a trial whose node is lost go on elsewhere, unless it has lost too many."""
        number = proposal.trial_number
        try:
            self._note_end(proposal, LOST, "its node was lost", error)
        except StoreError as trouble:
            self._keep(trouble)
        attempts = self._attempts.of(number)
        begun = attempts.count > self._earlier_attempts.get(number, 0)
        of_its_own = attempts.failure is not None and attempts.failure["outcome"] != LOST
        if begun and (of_its_own or attempts.lost >= MAX_LOST):
            return False
        self._put_back(proposal)
        return True

    def _note_end(self, proposal: Proposal, kind: str, reason: str, error: str) -> None:
        """Puts on record how an attempt ended that has begun and could not say it itself."""
        number = proposal.trial_number
        begun = self._attempts.of(number)
        if begun.count > self._earlier_attempts.get(number, 0) and begun.failure is None:
            self._attempts.fail(number, kind, reason, error)

    def _put_back(self, proposal: Proposal) -> None:
        """Has a trial that has ended run again, as the next one."""
        number = proposal.trial_number
        self._earlier_attempts[number] = self._attempts.count(number)
        for watcher in self._watchers:
            watcher.interrupted(proposal, goes_on=not self._over())
        self._queue.put_back(proposal)

    def _pause(self, proposal: Proposal) -> None:
        """Takes back a trial that has ended to wait for others."""
        number = proposal.trial_number
        identifier = self._stored.trial_id(number)
        try:
            self._earlier_attempts[number] = self._attempts.pause(number)
        except StoreError as error:
            self._keep(error)
        for watcher in self._watchers:
            watcher.paused(proposal)
        if self._halving.waits(identifier):
            self._paused[identifier] = proposal
        else:
            self._queue.resume(proposal)

    def _end(
        self, proposal: Proposal, *, stopped: bool, error: str | None = None
    ) -> RunResult | None:
        """Gives a trial that has ended its final row, and tells everybody."""
        concluded = None
        try:
            concluded = self._conclusions.conclude(
                proposal,
                stopped=stopped,
                error=error,
                earlier_attempts=self._earlier_attempts.get(proposal.trial_number, 0),
            )
        except (MachineError, StoreError) as trouble:
            self._keep(trouble)
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
        self._halving.leave(row["trial_id"])
        self._settle()
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


# Functions of their own: Ray Tune (2.60) pickles them, and with a method the tuner and all that
# it holds.
def _name(stored: StoredSweep, trial: Any) -> str:
    proposal: Proposal = trial.config["proposal"]
    return stored.trial_id(proposal.trial_number)


def _folder(trial: Any) -> str:
    # A trial that has waited is another one of Ray Tune's.
    return f"trial-{trial.trial_id}"


def _placement(config: dict[str, Any]) -> tune.PlacementGroupFactory:
    slots: Slots = config[SLOTS]
    where = {"bundle_label_selector": [slots.selector]} if slots.selector else {}
    if slots.workers == 1 and slots.pack == 1:
        return tune.PlacementGroupFactory([slots.resources], **where)
    # The process of such a trial waits; a group's workers, or the engine, have the devices.
    # Ray Tune (2.60) refuses a trial that asks for nothing, and `{"cpu": 0}` alone counts as
    # nothing, so a byte of memory is asked for.
    return tune.PlacementGroupFactory([{"memory": 1}], **where)
