"""What a running sweep has left, by what its own trials have taken so far."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from orchestrator.price.speed import Range, Speed
from orchestrator.price.work import CONFIRMING, TUNING, Work, expected_work, without
from orchestrator.search.proposals import Proposal
from orchestrator.search.run_report import RunReport
from orchestrator.search_space import Sweep
from trainables.techniques.registry import BASELINE

_Key = tuple[str, str]
"""Phase and technique."""

_BEGINNING = RunReport(0, None, None)


@dataclass
class _Start:
    """A run that a process was started for.

    Attributes:
        proposal: The run.
        at: When it took its slot.
        worked: Seconds of work that it has reported since.
        seconds: From there to a report, less the work; the least of all its reports, of which some
            may be heard late. None before the first.
    """

    proposal: Proposal
    at: float
    worked: float = 0.0
    seconds: float | None = None

    def heard(self, now: float, worked: float) -> None:
        """Notes a report of so many seconds of work."""
        self.worked += max(0.0, worked)
        seconds = max(0.0, now - self.at - self.worked)
        self.seconds = seconds if self.seconds is None else min(self.seconds, seconds)


@dataclass
class _Rate:
    """Seconds, and of how many."""

    seconds: float = 0.0
    count: float = 0.0

    def add(self, seconds: float, count: float) -> None:
        self.seconds += max(0.0, seconds)
        self.count += count

    @property
    def each(self) -> float | None:
        return self.seconds / self.count if self.count else None


@dataclass
class _Rates:
    """Of one technique."""

    example: _Rate = field(default_factory=_Rate)
    loss_row: _Rate = field(default_factory=_Rate)
    scored_row: _Rate = field(default_factory=_Rate)


class Remaining:
    """Keeps count of work and time while a sweep runs.

    The work that is left is what `expected_work` expects less what was done; of confirming runs it
    is known once they are chosen. Its time follows from seconds an example and a row, measured on
    this sweep's trials, times what all slots took so far for each second of such work: set-up and
    waiting. Apart from that are the starts of processes, in each of which libraries load once: a
    process serves one run after another, so that the runs of a phase that begin before any of it
    has freed its slot have each started one. Confirming runs, which are still to come, start as
    many of their own.
    """

    def __init__(
        self,
        sweep: Sweep,
        test_rows: int,
        earlier: Mapping[_Key, int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begins to count.

        Args:
            sweep: The resolved search space file.
            test_rows: Rows that a trial is tested on, of all protocols.
            earlier: How many runs need no work any more, by phase and technique.
            clock: Seconds, monotonic.
        """
        self._sweep = sweep
        self._test_rows = test_rows
        self._clock = clock
        left = without(expected_work(sweep, test_rows), earlier)
        self._expected = {(work.phase, work.technique): work for work in left}
        self._done: dict[_Key, list[float]] = {}
        self._rates: dict[str, _Rates] = {}
        self._last: dict[int, RunReport] = {}
        self._running: dict[int, tuple[Proposal, float]] = {}
        self._busy = 0.0
        self._starts: dict[int, _Start] = {}
        self._reused: set[str] = set()

    def started(self, proposal: Proposal) -> None:
        """Notes that a run takes a slot."""
        now = self._clock()
        self._running[proposal.trial_number] = (proposal, now)
        if _phase(proposal) not in self._reused:
            self._starts[proposal.trial_number] = _Start(proposal, now)

    def reported(self, proposal: Proposal, report: RunReport) -> None:
        """Notes what a run has done since its last report."""
        number = proposal.trial_number
        before = self._last.get(number, _BEGINNING)
        rates = self._rates.setdefault(_technique(proposal), _Rates())
        done = self._of(proposal)
        examples = report.rung_examples - before.rung_examples
        rates.example.add(report.train_seconds - before.train_seconds, examples)
        done[0] += examples
        # Of a run that goes on from an earlier start the time of evaluations is that of several.
        if before is not _BEGINNING or report.rung_examples == self._first_rung(proposal):
            rate = rates.scored_row if report.scored else rates.loss_row
            rate.add(report.eval_seconds - before.eval_seconds, report.eval_rows)
        done[2 if report.scored else 1] += report.eval_rows
        self._last[number] = report
        if (start := self._starts.get(number)) is not None:
            worked = report.train_seconds - before.train_seconds
            worked += report.eval_seconds - before.eval_seconds
            start.heard(self._clock(), worked)

    def freed(self, proposal: Proposal) -> None:
        """Notes that a run has freed its slot, for a time or for good."""
        if (running := self._running.pop(proposal.trial_number, None)) is None:
            return
        self._reused.add(_phase(proposal))
        self._busy += self._clock() - running[1]
        if (start := self._starts.get(proposal.trial_number)) and start.seconds is None:
            # It has ended without a report: all of its time is that of a process that starts.
            start.seconds = self._clock() - start.at

    def ended(self, proposal: Proposal, outcome: str) -> None:
        """Notes that a run has come to its end."""
        self.freed(proposal)
        self._last.pop(proposal.trial_number, None)
        tested = proposal.confirms or self._sweep.confirm is None
        if outcome == "completed" and (tested or _technique(proposal) == BASELINE.name):
            self._of(proposal)[2] += self._test_rows

    def confirming(self, runs: Mapping[str, int]) -> None:
        """Notes that the search is over, and how many runs confirm what, by technique."""
        for key in list(self._expected):
            if key[0] == TUNING:
                del self._expected[key]
        expected = {key[1]: w for key, w in self._expected.items() if key[0] == CONFIRMING}
        for technique in {*runs, *expected}:
            key, count = (CONFIRMING, technique), runs.get(technique, 0)
            of_one = expected.get(technique)
            if of_one is None or not of_one.runs:
                of_one = next((w for w in expected.values() if w.runs), None)
            if of_one is not None:
                self._expected[key] = of_one.share(count / of_one.runs)

    def device_seconds(self, seen: Callable[[int], int] = lambda number: 0) -> float | None:
        """Returns the seconds of slots that are left; None while too little was measured.

        Args:
            seen: Gives the examples that a running trial, by number, has been trained on.
        """
        left = done = 0.0
        for key in {*self._expected, *self._done}:
            worked = self._worked(key, seen)
            expected = self._expected.get(key)
            speed = self._speed(key[1])
            was = speed.seconds(_work(key, worked))
            to_do = None
            if expected is not None:
                amounts = (expected.examples, expected.loss_rows, expected.scored_rows)
                rest = [max(0.0, a - b) for a, b in zip(amounts, worked, strict=True)]
                to_do = speed.seconds(_work(key, rest))
            if was is None or (expected is not None and to_do is None):
                return None
            done += was.middle
            left += to_do.middle if to_do is not None else 0.0
        if not done:
            return None
        now = self._clock()
        busy = self._busy + sum(now - since for _, since in self._running.values())
        spent, to_come = self._starting(now, seen)
        return left * (busy - spent) / done + to_come

    def _starting(self, now: float, seen: Callable[[int], int]) -> tuple[float, float]:
        """Returns the seconds of slots that starts of processes took, and those they will take."""
        known = [each.seconds for each in self._starts.values() if each.seconds is not None]
        mean = sum(known) / len(known) if known else 0.0
        spent, to_come = sum(known), 0.0
        for number, start in self._starts.items():
            if start.seconds is None:
                speed = self._speed(_technique(start.proposal)).example
                trained = seen(number) * speed.middle if speed is not None else 0.0
                so_far = max(0.0, now - start.at - trained)
                spent += so_far
                if not trained:
                    to_come += max(0.0, mean - so_far)
        confirming = sum(w.runs for key, w in self._expected.items() if key[0] == CONFIRMING)
        phases = [_phase(start.proposal) for start in self._starts.values()]
        if confirming and CONFIRMING not in phases:
            to_come += mean * min(len(phases), confirming)
        return spent, to_come

    def _worked(self, key: _Key, seen: Callable[[int], int]) -> list[float]:
        """Returns examples, loss rows and scored rows, those of running trials included."""
        worked = list(self._done.get(key, [0.0] * 3))
        for number, (proposal, _) in self._running.items():
            if _key(proposal) == key:
                reported = self._last.get(number, _BEGINNING).rung_examples
                most = self._sweep.budget_examples(proposal.configuration)
                worked[0] += max(0, min(seen(number), most) - reported)
        return worked

    def _speed(self, technique: str) -> Speed:
        """Returns the measured speed of a technique, or of the others where it was not measured."""
        found: list[Range | None] = []
        for name in ("example", "loss_row", "scored_row"):
            own = self._rates.get(technique)
            each = None if own is None else getattr(own, name).each
            if each is None:
                others = [getattr(rates, name) for rates in self._rates.values()]
                count = sum(rate.count for rate in others)
                each = sum(rate.seconds for rate in others) / count if count else None
            found.append(None if each is None else Range(each, each, each))
        example, loss_row, scored_row = found
        return Speed(example, loss_row, scored_row, None, 0)

    def _first_rung(self, proposal: Proposal) -> int:
        budget = self._sweep.budget_examples(proposal.configuration)
        return next(iter(self._sweep.rungs(budget)), 0)

    def _of(self, proposal: Proposal) -> list[float]:
        """Returns the examples, loss rows and scored rows that were done, to be added to."""
        return self._done.setdefault(_key(proposal), [0.0] * 3)


def _work(key: _Key, amounts: list[float]) -> Work:
    return Work(*key, 0, *amounts)


def _key(proposal: Proposal) -> _Key:
    return _phase(proposal), _technique(proposal)


def _phase(proposal: Proposal) -> str:
    return CONFIRMING if proposal.confirms else TUNING


def _technique(proposal: Proposal) -> str:
    return str(proposal.configuration["technique"])
