"""The driver of a sweep in simulated time."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.simulation.curves import Learner
from benchmarks.simulation.trial import Running, publish_test, report
from orchestrator.outcomes.conclusions import Conclusions
from orchestrator.outcomes.standing import standing
from orchestrator.ray_tune.placement import Slots
from orchestrator.ray_tune.room import FixedRoom
from orchestrator.ray_tune.scheduler import SweepScheduler
from orchestrator.ray_tune.searcher import SweepSearcher
from orchestrator.ray_tune.trainable import tune_result
from orchestrator.ray_tune.watcher import Watcher
from orchestrator.search.halving import Verdict, compared_with
from orchestrator.search.proposals import Proposal, rungs, trial_configuration
from orchestrator.search.run_queue import RunQueue
from orchestrator.search.run_report import RunReport
from orchestrator.search.run_result import RunResult
from orchestrator.state.attempts import AttemptLog
from orchestrator.state.proposal_log import ProposalLog
from orchestrator.state.stored_sweep import StoredSweep
from orchestrator.state.sweep_files import SweepFiles
from orchestrator.state.verdict_log import VerdictLog
from orchestrator.store import Store

START = 1_800_000_000.0
"""Simulated time begins here, in seconds since 1970."""


@dataclass
class Clock:
    """The injected clock.

    Attributes:
        now: Seconds since 1970.
    """

    now: float = START


@dataclass(frozen=True)
class Decision:
    """One thing that the driver decided.

    Attributes:
        at: Seconds since 1970, simulated.
        trial_number: About which trial.
        what: "runs", "waits", "STOP", "CONTINUE" or "ends".
        detail: The configuration, the rung in examples, or the outcome.
    """

    at: float
    trial_number: int
    what: str
    detail: Any


class Simulation:
    """One driver's run of a sweep, from where the store says it stands.

    Attributes:
        standing: Where the sweep stood at the start.
        decisions: What was decided since, in order; empty where they are not kept.
        results: Number of reports so far.
        seconds: The driver's own real time, by what it did: "start", "propose", "decide",
            "conclude".
        cpu: The processor's share of it, which other programs on the machine do not lengthen.
    """

    def __init__(
        self,
        stored: StoredSweep,
        learner: Learner,
        *,
        slots: int,
        clock: Clock,
        trial_store: Store | None = None,
        watch: Callable[[Any], Sequence[Watcher]] = lambda _: (),
        keeps_decisions: bool = True,
    ) -> None:
        """Reads where the sweep stands.

        Args:
            stored: The sweep, in the driver's store.
            learner: What trials do.
            slots: Trials at a time.
            clock: Simulated time; a sweep that is continued goes on with the same clock.
            trial_store: The store as the trials' processes open it; None means the driver's.
            watch: Makes those that are told of every event, from the standing.
            keeps_decisions: Whether `decisions` are kept, which takes memory that no driver does.
        """
        self.decisions: list[Decision] = []
        self._keeps_decisions = keeps_decisions
        self.results = 0
        self.seconds = dict.fromkeys(("start", "propose", "decide", "conclude"), 0.0)
        self.cpu = dict(self.seconds)
        self._stored, self._sweep, self._learner = stored, stored.sweep, learner
        self._slots, self._clock = slots, clock
        self._trial_store = trial_store or stored.store
        self._attempts = AttemptLog(SweepFiles(self._trial_store, stored.id))
        self._conclusions = Conclusions(stored, "{}")
        self._recorded = AttemptLog(stored.files)
        self._errors = stored.files.ray_train
        self._passed: dict[str, int] = {}
        self._running: dict[str, Running] = {}
        self._events: list[tuple[float, int, str, int]] = []
        self._order = itertools.count()
        with self._timed("start"):
            self.standing = standing(stored, self._conclusions)
            self._halving = self.standing.halving
            self._keep = VerdictLog(stored.files).write
            self._scheduler = SweepScheduler(self._halving, self._identify)
            self._scheduler.keep, self._scheduler.settled = self._keep, self._settled
            self._proposals = ProposalLog(stored.files)
            self._paused = {
                identifier: proposal
                for number, proposal in self.standing.proposals.items()
                if number not in self.standing.finished
                and self._halving.waits(identifier := stored.trial_id(number))
            }
            self._queue = RunQueue(
                stored.sweep,
                self.standing.proposals,
                self.standing.finished,
                self._propose,
                {proposal.trial_number for proposal in self._paused.values()},
            )
            room = FixedRoom(Slots("cpu", slots, 1, {"CPU": 1.0}))
            self._searcher = SweepSearcher(stored.sweep, self._queue, self._conclude, room=room)
            self._watchers = watch(self.standing)

    def run(self) -> None:
        """Runs to the end."""
        while self.advance():
            pass

    def advance(self) -> bool:
        """Fills the free slots and lets the next event happen; returns whether there was one."""
        while len(self._running) < self._slots and self._start():
            pass
        if not self._events:
            return False
        self._clock.now, _, tune_id, index = heapq.heappop(self._events)
        trial = self._running[tune_id]
        if index < len(trial.curve.values):
            self._report(trial, index)
        else:
            self._end(trial)
        with self._timed("decide"):
            for watcher in self._watchers:
                watcher.passed()
        return True

    def _start(self) -> bool:
        tune_id = f"tune-{next(self._order)}"
        with self._timed("propose"):
            suggestion = self._searcher.suggest(tune_id)
        if not isinstance(suggestion, dict):
            return False
        proposal: Proposal = suggestion["proposal"]
        grid = rungs(self._sweep, trial_configuration(self._sweep, proposal))
        identifier = self._stored.trial_id(proposal.trial_number)
        # Of what was reported in this simulation it is known without reading it again each time.
        if identifier not in self._passed:
            found = self._trial_store.reports(self._stored.id, identifier)
            self._passed[identifier] = len(found)
        self._running[tune_id] = Running(
            tune_id,
            suggestion,
            str(self._errors / identifier),
            grid,
            self._learner(proposal, grid),
            self._attempts.start(proposal.trial_number, "simulated"),
        )
        self._decided(proposal, "runs", proposal.configuration)
        with self._timed("propose"):
            for watcher in self._watchers:
                watcher.started(proposal)
        self._schedule(tune_id, self._passed[identifier])
        return True

    def _schedule(self, tune_id: str, index: int) -> None:
        """Lets a trial's next event happen: its report of that index, or its end after the last."""
        seconds = self._running[tune_id].curve.seconds
        wait = seconds[index] if index < len(self._running[tune_id].curve.values) else 0.0
        heapq.heappush(self._events, (self._clock.now + wait, next(self._order), tune_id, index))

    def _report(self, trial: Running, index: int) -> None:
        proposal, rung = trial.proposal, trial.rungs[index]
        stored = self._trial_store.publish_report(
            report(self._stored, trial, index, self._clock.now)
        )
        self._passed[stored["trial_id"]] = index + 1
        told = tune_result(self._stored, proposal, stored)
        self.results += 1
        with self._timed("decide"):
            decision = self._scheduler.on_trial_result(None, trial, told)
            if decision == "CONTINUE":
                self._searcher.on_trial_result(trial.trial_id, told)
            for watcher in self._watchers:
                watcher.reported(proposal, RunReport.of(told))
        waits = trial.trial_id in self._scheduler.waiting
        self._decided(proposal, "waits" if waits else decision, rung)
        if decision == "CONTINUE":
            self._schedule(trial.trial_id, index + 1)
        else:
            self._complete(trial)

    def _end(self, trial: Running) -> None:
        number = trial.proposal.trial_number
        error = trial.curve.error
        if error is None:
            publish_test(self._stored, trial, self._trial_store)
            self._complete(trial)
            return
        self._attempts.fail(number, error, "it was told to", "it was told to")
        Path(trial.error_file).parent.mkdir(parents=True, exist_ok=True)
        Path(trial.error_file).write_text(f"{error}: it was told to")
        with self._timed("conclude"):
            self._scheduler.on_trial_error(None, trial)
        self._complete(trial, error=True)

    def _complete(self, trial: Running, *, error: bool = False) -> None:
        del self._running[trial.trial_id]
        with self._timed("conclude"):
            self._searcher.on_trial_complete(trial.trial_id, error=error)

    def _propose(self, proposal: Proposal) -> Proposal:
        written = self._proposals.write(proposal)
        identifier = self._stored.trial_id(written.trial_number)
        self._halving.enter(identifier, compared_with(self._sweep, written))
        self._settled(self._halving.settle(self._keep))
        return written

    def _settled(self, verdicts: Sequence[Verdict]) -> None:
        for trial_id, rung, stopped in verdicts:
            proposal = self._paused.pop(trial_id, None)
            if proposal is None:
                continue
            self._decided(proposal, "STOP" if stopped else "CONTINUE", rung)
            if not stopped:
                self._queue.resume(proposal)
            elif (result := self._finish(proposal, stopped=True)) is not None:
                self._queue.ended(proposal, result)

    def _conclude(self, tune_id: str, proposal: Proposal) -> RunResult | None:
        """Does what `orchestrator.ray_tune.tuner` does when a trial has ended."""
        stopped = tune_id in self._scheduler.stopped
        if tune_id in self._scheduler.waiting:
            self._recorded.pause(proposal.trial_number)
            for watcher in self._watchers:
                watcher.paused(proposal)
            self._paused[self._stored.trial_id(proposal.trial_number)] = proposal
            return None
        return self._finish(proposal, stopped=stopped, error=self._scheduler.errors.get(tune_id))

    def _finish(
        self, proposal: Proposal, *, stopped: bool, error: str | None = None
    ) -> RunResult | None:
        concluded = self._conclusions.conclude(proposal, stopped=stopped, error=error)
        if concluded is None:
            for watcher in self._watchers:
                watcher.interrupted(proposal)
            return None
        row, result = concluded
        for watcher in self._watchers:
            watcher.ended(proposal, row)
        self._decided(proposal, "ends", row["outcome"])
        self._halving.leave(row["trial_id"])
        self._settled(self._halving.settle(self._keep))
        return result

    def _identify(self, trial: Running) -> str:
        return self._stored.trial_id(trial.proposal.trial_number)

    def _decided(self, proposal: Proposal, what: str, detail: Any) -> None:
        if self._keeps_decisions:
            self.decisions.append(Decision(self._clock.now, proposal.trial_number, what, detail))

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        began, cpu = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self.seconds[what] += time.perf_counter() - began
            self.cpu[what] += time.process_time() - cpu
