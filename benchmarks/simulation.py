"""A sweep in simulated time: the real driver, with tabulated trials in place of Ray's processes.

What decides and what is stored is the product's own: `SweepSearcher`, `SweepScheduler`, proposals,
the standing read from the store, the judge and the final rows. Replaced are the processes and the
clock: a trial's reports come from a table, each after so many seconds of an injected clock, and
reach the scheduler in the order of time, as Ray Tune's event loop would pass them on. So thousands
of trials on dozens of slots take as long as the driver's own work on them.

Ray Tune's controller is not simulated; `benchmarks.scale` measures it beside.
"""

from __future__ import annotations

import datetime
import heapq
import itertools
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from orchestrator.attempts import AttemptLog
from orchestrator.identity import trial_id
from orchestrator.outcome import Conclusions, RunResult
from orchestrator.proposals import Proposal, ProposalBook, rungs, trial_configuration
from orchestrator.resume import standing
from orchestrator.scheduling import SweepScheduler
from orchestrator.search import SweepSearcher
from orchestrator.spec import Sweep
from orchestrator.store import PREDICTIONS, REPORTS, TRIALS, Store, rows
from orchestrator.store.rows import Row
from orchestrator.trial import TrialJob, objective_of
from orchestrator.tuning import Watcher
from trainables.scores import SCORES

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
class Curve:
    """What a simulated trial does.

    Attributes:
        seconds: How long it takes to each report.
        values: The objective of each report; NaN diverges there.
        error: How it ends after these reports instead of going on, e.g. "failed"; None if it runs
            to its last rung. A lack of memory or a death is tried again by a further pass of
            `orchestrator.sweep`, which one simulation is not.
    """

    seconds: Sequence[float]
    values: Sequence[float]
    error: str | None = None


Learner = Callable[[Proposal, Sequence[int]], Curve]
"""Gives the curve of a trial with these rungs (in examples); one value a rung unless it fails."""


def synthetic(proposal: Proposal, rungs: Sequence[int]) -> Curve:
    """Returns a rising curve: better near a learning rate of its technique's, with seeded noise."""
    configuration = proposal.configuration
    rate = float(configuration.get("learning_rate", 1e-5) or 1e-5)
    seed = [sum(map(ord, str(configuration["technique"]))), int(1e9 * rate), proposal.replicate]
    chance = np.random.default_rng(seed)
    best = 0.9 * float(np.exp(-((np.log10(rate) + 2.5) ** 2))) + 0.03 * chance.normal()
    parts = [examples / max(rungs[-1], 1) for examples in rungs]
    slowness = float(chance.uniform(0.8, 1.2))
    return Curve(
        seconds=[600 * slowness * each for each in np.diff([0.0, *parts])],
        values=[best * part**0.3 + 0.01 * float(chance.normal()) for part in parts],
    )


class Unsynced:
    """The operating system without `fsync`: for stores that need not survive a power cut."""

    open, write, close = staticmethod(os.open), staticmethod(os.write), staticmethod(os.close)
    link, unlink, mkdir = staticmethod(os.link), staticmethod(os.unlink), staticmethod(os.mkdir)

    @staticmethod
    def fsync(fd: int) -> None:
        """Does nothing."""


class RowsInMemory(Store):
    """A store whose tables are never written: for the driver's decisions alone, in seconds.

    What lies under `state/` is written as ever; a sweep in it cannot be continued.
    """

    def __init__(self, root: Path) -> None:
        """Makes the folder for what is not a table."""
        super().__init__(root, Unsynced())
        self._rows: dict[tuple[str, int], Row] = {}
        self._of_trial: dict[str, list[Row]] = {}
        self._test: dict[str, pa.Table] = {}

    def publish_report(self, row: Mapping[str, Any]) -> Row:
        """As in `Store`."""
        whole = dict.fromkeys(REPORTS.schema.names) | dict(row)
        key = (row["trial_id"], row["rung_examples"])
        if key not in self._rows:
            self._rows[key] = whole
            self._of_trial.setdefault(row["trial_id"], []).append(whole)
        return self._rows[key]

    def reports(self, sweep_id: str, trial_id: str) -> list[Row]:
        """As in `Store`."""
        return sorted(self._of_trial.get(trial_id, []), key=lambda row: int(row["rung"]))

    def publish_trial(self, row: Mapping[str, Any]) -> Row:
        """As in `Store`."""
        objective = rows.finite_or_none(row["objective"])
        whole = dict.fromkeys(TRIALS.schema.names) | dict(row) | {"objective": objective}
        return self._rows.setdefault((row["trial_id"], -1), whole)

    def publish_predictions(
        self,
        sweep_id: str,
        trial_id: str,
        trial_number: int,
        split: str,
        protocol: str,
        step: int,
        rung_examples: int,
        predictions: Iterable[Mapping[str, Any]],
    ) -> bool:
        """As in `Store`, for the test split and one protocol."""
        common = {"sweep_id": sweep_id, "trial_id": trial_id, "trial_number": trial_number}
        common |= {"split": split, "protocol": protocol, "step": step}
        content = rows.to_arrow(PREDICTIONS, [{**row, **common} for row in predictions])
        return self._test.setdefault(trial_id, content) is content

    def predictions(self, sweep_id: str, trial_id: str, split: str) -> pa.Table:
        """As in `Store`."""
        return self._test.get(trial_id, PREDICTIONS.schema.empty_table())


class Silent:
    """A watcher that shows nothing."""

    def started(self, proposal: Proposal) -> None:
        """Does nothing."""

    def reported(self, proposal: Proposal, rung_examples: int, objective: float | None) -> None:
        """Does nothing."""

    def ended(self, proposal: Proposal, row: dict[str, Any]) -> None:
        """Does nothing."""

    def interrupted(self, proposal: Proposal) -> None:
        """Does nothing."""

    def passed(self) -> None:
        """Does nothing."""


@dataclass(frozen=True)
class Decision:
    """One thing that the driver decided.

    Attributes:
        at: Seconds since 1970, simulated.
        trial_number: About which trial.
        what: "runs", "STOP", "CONTINUE" or "ends".
        detail: The configuration, the rung in examples, or the outcome.
    """

    at: float
    trial_number: int
    what: str
    detail: Any


@dataclass
class _Running:
    """A trial in a slot, as Ray Tune's scheduler sees one (`trial_id`, `config`, `error_file`)."""

    trial_id: str
    config: dict[str, Any]
    error_file: str
    rungs: Sequence[int]
    curve: Curve
    attempt: int

    @property
    def proposal(self) -> Proposal:
        """The trial."""
        proposal: Proposal = self.config["proposal"]
        return proposal


class Simulation:
    """One driver's run of a sweep, from where the store says it stands.

    Attributes:
        standing: Where the sweep stood at the start.
        decisions: What was decided since, in order.
        results: Number of reports so far.
        seconds: The driver's own real time, by what it did: "start", "propose", "decide",
            "conclude".
        cpu: The processor's share of it, which other programs on the machine do not lengthen.
    """

    def __init__(
        self,
        sweep: Sweep,
        sweep_id: str,
        store: Store,
        learner: Learner,
        *,
        slots: int,
        clock: Clock,
        trial_store: Store | None = None,
        watch: Callable[[Any], Watcher] = lambda _: Silent(),
    ) -> None:
        """Reads where the sweep stands.

        Args:
            sweep: The resolved search space file.
            sweep_id: The sweep.
            store: The driver's store.
            learner: What trials do.
            slots: Trials at a time.
            clock: Simulated time; a sweep that is continued goes on with the same clock.
            trial_store: The store as the trials' processes open it; None means `store`.
            watch: Makes what is told of every event, from the standing.
        """
        self.decisions: list[Decision] = []
        self.results = 0
        self.seconds = dict.fromkeys(("start", "propose", "decide", "conclude"), 0.0)
        self.cpu = dict(self.seconds)
        self._sweep, self._sweep_id, self._learner = sweep, sweep_id, learner
        self._slots, self._clock = slots, clock
        self._trial_store = trial_store or store
        self._attempts = AttemptLog(self._trial_store, sweep_id)
        self._conclusions = Conclusions(sweep, sweep_id, store, "{}")
        self._errors = store.root / "state" / f"sweep={sweep_id}" / "ray"
        self._job = TrialJob(store.root, sweep_id, sweep, "cpu", 1, {}, "")
        self._running: dict[str, _Running] = {}
        self._events: list[tuple[float, int, str, int]] = []
        self._order = itertools.count()
        with self._timed("start"):
            self.standing = standing(sweep, sweep_id, store, self._conclusions)
            self._scheduler = SweepScheduler(self.standing.halving, self._identify)
            self._searcher = SweepSearcher(
                sweep,
                self.standing.proposals,
                self.standing.finished,
                ProposalBook(store, sweep_id).write,
                self._conclude,
            )
            self._watcher = watch(self.standing)

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
        return True

    def _start(self) -> bool:
        tune_id = f"tune-{next(self._order)}"
        with self._timed("propose"):
            suggestion = self._searcher.suggest(tune_id)
        if not isinstance(suggestion, dict):
            return False
        proposal: Proposal = suggestion["proposal"]
        grid = rungs(self._sweep, trial_configuration(self._sweep, proposal))
        identifier = trial_id(self._sweep_id, proposal.trial_number)
        passed = len(self._trial_store.reports(self._sweep_id, identifier))
        self._running[tune_id] = _Running(
            tune_id,
            suggestion,
            str(self._errors / identifier),
            grid,
            self._learner(proposal, grid),
            self._attempts.start(proposal.trial_number, "simulated"),
        )
        self._decided(proposal, "runs", proposal.configuration)
        with self._timed("propose"):
            self._watcher.started(proposal)
        self._schedule(tune_id, passed)
        return True

    def _schedule(self, tune_id: str, index: int) -> None:
        """Lets a trial's next event happen: its report of that index, or its end after the last."""
        seconds = self._running[tune_id].curve.seconds
        wait = seconds[index] if index < len(self._running[tune_id].curve.values) else 0.0
        heapq.heappush(self._events, (self._clock.now + wait, next(self._order), tune_id, index))

    def _report(self, trial: _Running, index: int) -> None:
        proposal, rung = trial.proposal, trial.rungs[index]
        stored = self._trial_store.publish_report(self._row(trial, index))
        told = objective_of(self._job, proposal, stored)
        self.results += 1
        with self._timed("decide"):
            decision = self._scheduler.on_trial_result(None, trial, told)
            if decision == "CONTINUE":
                self._searcher.on_trial_result(trial.trial_id, told)
            self._watcher.reported(proposal, rung, told["objective"])
        self._decided(proposal, decision, rung)
        if decision == "CONTINUE":
            self._schedule(trial.trial_id, index + 1)
        else:
            self._complete(trial)

    def _end(self, trial: _Running) -> None:
        number = trial.proposal.trial_number
        error = trial.curve.error
        if error is None:
            self._publish_test(trial)
            self._complete(trial)
            return
        self._attempts.fail(number, error, "it was told to", "it was told to")
        Path(trial.error_file).parent.mkdir(parents=True, exist_ok=True)
        Path(trial.error_file).write_text(f"{error}: it was told to")
        with self._timed("conclude"):
            self._scheduler.on_trial_error(None, trial)
        self._complete(trial, error=True)

    def _complete(self, trial: _Running, *, error: bool = False) -> None:
        del self._running[trial.trial_id]
        with self._timed("conclude"):
            self._searcher.on_trial_complete(trial.trial_id, error=error)

    def _conclude(self, tune_id: str, proposal: Proposal) -> RunResult | None:
        """Does what `orchestrator.tuning` does when a trial has ended."""
        concluded = self._conclusions.conclude(
            proposal,
            stopped=tune_id in self._scheduler.stopped,
            error=self._scheduler.errors.get(tune_id),
        )
        if concluded is None:
            self._watcher.interrupted(proposal)
            return None
        row, result = concluded
        self._watcher.ended(proposal, row)
        self._decided(proposal, "ends", row["outcome"])
        return result

    def _identify(self, trial: _Running) -> tuple[str, str]:
        identifier = trial_id(self._sweep_id, trial.proposal.trial_number)
        return identifier, str(trial.proposal.configuration["technique"])

    def _row(self, trial: _Running, index: int) -> dict[str, Any]:
        value = trial.curve.values[index]
        number = trial.proposal.trial_number
        minimises = self._sweep.objective.mode == "min"
        return {
            "sweep_id": self._sweep_id,
            "trial_id": trial_id(self._sweep_id, number),
            "trial_number": number,
            "rung": index,
            "rung_from": trial.rungs[index - 1] if index else 0,
            "rung_examples": trial.rungs[index],
            "step": trial.rungs[index] // 4,
            "examples_seen": trial.rungs[index],
            "eval_rows": 100,
            "attempt": trial.attempt,
            "elapsed_seconds": sum(trial.curve.seconds[: index + 1]),
            "reported_at": _time(self._clock.now),
            **dict.fromkeys(SCORES, value),
            **dict.fromkeys(("train_loss", "eval_loss"), value if minimises else 1.0 - value),
        }

    def _publish_test(self, trial: _Running) -> None:
        number = trial.proposal.trial_number
        configuration = trial_configuration(self._sweep, trial.proposal)
        for protocol in configuration.test_protocols:
            self._trial_store.publish_predictions(
                self._sweep_id,
                trial_id(self._sweep_id, number),
                number,
                "test",
                protocol,
                trial.rungs[-1] // 4,
                trial.rungs[-1],
                [
                    {
                        "example_id": f"row-{index}",
                        "sql_prompt": "How many?",
                        "sql_context": "CREATE TABLE t (a INT)",
                        "reference": "SELECT COUNT(*) FROM t",
                        "prediction": "SELECT 1",
                        **dict.fromkeys(SCORES, trial.curve.values[-1]),
                    }
                    for index in range(2)
                ],
            )

    def _decided(self, proposal: Proposal, what: str, detail: Any) -> None:
        self.decisions.append(Decision(self._clock.now, proposal.trial_number, what, detail))

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        began, cpu = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self.seconds[what] += time.perf_counter() - began
            self.cpu[what] += time.process_time() - cpu


def _time(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
