"""Early stopping: successive halving in cohorts that wait for each other.

Successive halving (Jamieson and Talwalkar 2016, "Non-stochastic Best Arm Identification and
Hyperparameter Optimization"): at a rung the share 1/reduction_factor of those that came there goes
on. A trial pauses at a rung until all of its cohort have come, and the slot trains another one
meanwhile. A verdict therefore depends on what was measured and not on who came first: the order of
arrival, the number of slots and a restart change nothing. (Asynchronous halving, ASHA, waits for
nobody and lets the first of each group go on, whatever it is worth: with few trials a group that
is most of what it trains.)

A cohort is compared with the cohorts of its group before it, too. A tie is broken by the validation
loss, and where that is a tie by the trials' order.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.search.proposals import Numbering, Proposal, phase
from orchestrator.search_space import Sweep
from orchestrator.search_space.strata import stratum_name
from trainables.contract.scores import METRICS
from trainables.techniques.registry import is_untuned

RUNG = "rung_examples"

COHORT = 6
"""Trials of a group that wait for each other where the search learns from how they end; where it
does not, in a grid or at random, all of a group do."""

_ROUNDING = 1e-9
"""A share of a number of trials is taken for a whole number of them if it is so near."""

Keep = Callable[..., bool]
"""Stores a verdict (trial id, examples of the rung, `stopped`); returns the one on record."""

Verdict = tuple[str, int, bool]
"""Trial, examples of the rung, whether the trial is to stop there."""


def cohort_size(sweep: Sweep) -> float:
    """Returns how many trials of a group wait for each other at most; infinite where all do."""
    return COHORT if sweep.search.method == "tpe" else math.inf


def compared_with(sweep: Sweep, proposal: Proposal) -> str | None:
    """Returns the name of the group that a trial is compared in; None for one never stopped.

    A technique is compared with its own kind, since their losses begin and fall differently; and
    within its stratum, since each is to have a best one. What confirms trains in full.

    Args:
        sweep: The resolved search space file.
        proposal: The trial.
    """
    configuration = proposal.configuration
    if is_untuned(configuration) or proposal.confirms:
        return None
    technique = str(configuration["technique"])
    values = sweep.stratum_of(configuration) if phase(sweep, proposal) == "tune" else None
    return f"{technique} ({stratum_name(values)})" if values else technique


_Key = tuple[float, float, int]
"""What trials are ranked by, the best the least: value, loss, and place in the group."""


@dataclass(eq=False)
class _Cohort:
    """Trials that wait for each other.

    Attributes:
        before: The cohort of the group before it, which is judged first at every rung.
        after: The one after it.
        members: Trial -> its place in the group.
        stage: Index of the rung that they are judged at next.
        awaited: Members that are still to come there.
    """

    before: _Cohort | None
    after: _Cohort | None = None
    members: dict[str, int] = field(default_factory=dict)
    stage: int = 0
    awaited: set[str] = field(default_factory=set)


@dataclass(eq=False)
class _Group:
    """Trials that are compared.

    Attributes:
        cohorts: In the order of their trials.
        count: Number of trials.
        came: By rung, what was judged there, in ascending order.
    """

    cohorts: list[_Cohort] = field(default_factory=list)
    count: int = 0
    came: dict[int, list[_Key]] = field(default_factory=dict)


class Halving:
    """Successive halving per group over (trial, examples of the rung, value, loss).

    Knows nothing of a running Tune: its scheduler and the replay of a stored sweep share it.
    """

    def __init__(self, sweep: Sweep, runs: int | None = None) -> None:
        """Makes the empty groups; without `stopping` in the sweep every trial goes on.

        Args:
            sweep: Gives what trials are compared by, the budget, the rungs and the number of runs.
            runs: That number, where the sweep has taken more over from others; confirming ones do
                not count.
        """
        self._rungs: tuple[int, ...] = ()
        self._factor = math.inf
        if sweep.stopping is not None and sweep.budget is not None:
            self._rungs = tuple(sweep.rungs(sweep.budget.examples)[:-1])
            self._factor = sweep.stopping.reduction_factor
        self._runs = len(Numbering(sweep)) if runs is None else runs
        self._size = cohort_size(sweep)
        self._sign = -1.0 if METRICS[sweep.compared_by].mode == "max" else 1.0
        self._entered: dict[str, str | None] = {}
        self._groups: dict[str, _Group] = {}
        self._cohorts: dict[str, tuple[_Group, _Cohort]] = {}
        self._reports: dict[tuple[str, int], _Key | None] = {}
        self._verdicts: dict[tuple[str, int], bool] = {}
        # Of each trial, so that nobody goes through all rungs: a sweep asks at every report.
        self._reached: dict[str, int] = {}
        self._stopped_at: dict[str, int] = {}
        self._left: set[str] = set()
        self._ready: list[tuple[_Group, _Cohort]] = []

    def enter(self, trial_id: str, group: str | None) -> None:
        """Adds a trial that is going to report; trials are added in the order of their numbers.

        Args:
            trial_id: The trial.
            group: What `compared_with` returned.
        """
        if trial_id in self._entered:
            return
        self._entered[trial_id] = group
        if group is not None and self._rungs:
            own = self._groups.setdefault(group, _Group())
            if not own.cohorts or len(own.cohorts[-1].members) >= self._size:
                own.cohorts.append(_Cohort(own.cohorts[-1] if own.cohorts else None))
                if (before := own.cohorts[-1].before) is not None:
                    before.after = own.cohorts[-1]
            cohort = own.cohorts[-1]
            cohort.members[trial_id] = own.count
            own.count += 1
            self._cohorts[trial_id] = own, cohort
            if cohort.stage:  # of a sweep that has grown: judged again, for what has no verdict
                cohort.stage = 0
                self._await(cohort)
            cohort.awaited.add(trial_id)
        if self._is_whole:
            self._ready += [
                (own, cohort) for own in self._groups.values() for cohort in own.cohorts
            ]

    def leave(self, trial_id: str) -> None:
        """Notes a trial that has ended, and comes to no further rung."""
        self._left.add(trial_id)
        self._arrived(trial_id)

    def report(
        self, trial_id: str, rung: int, value: float | None, loss: float | None = None
    ) -> None:
        """Notes a report; a second one of the same trial and rung changes nothing.

        A value that is not finite is not compared, and its trial goes on.

        Args:
            trial_id: A trial that was entered.
            rung: Examples at which the report was made.
            value: What trials are compared by, `Sweep.compared_by`.
            loss: The validation loss, which breaks ties.
        """
        found = self._cohorts.get(trial_id)
        if found is None or rung not in self._rungs or (trial_id, rung) in self._reports:
            return
        finite = value is not None and math.isfinite(value)
        key = None
        if finite and value is not None:
            known = loss is not None and math.isfinite(loss)
            place = found[1].members[trial_id]
            key = self._sign * value, loss if known and loss is not None else 0.0, place
        else:
            self._decide(trial_id, rung, stopped=False)
        self._reports[trial_id, rung] = key
        self._reached[trial_id] = max(rung, self._reached.get(trial_id, rung))
        self._arrived(trial_id)

    def record(self, trial_id: str, rung: int, *, stopped: bool) -> None:
        """Takes over a stored verdict on a report that was noted before."""
        if self._reports.get((trial_id, rung)) is not None:
            self._decide(trial_id, rung, stopped=stopped)

    def settle(self, keep: Keep = lambda trial_id, rung, *, stopped: stopped) -> list[Verdict]:
        """Gives every verdict that can be given now.

        Args:
            keep: Stores a verdict before anybody hears of it.

        Returns:
            What is new.

        Raises:
            StoreError: `keep` could not store one; what it stored before counts.
        """
        found: list[Verdict] = []
        while self._ready:
            own, cohort = self._ready.pop(0)
            if self._can_be_judged(own, cohort):
                found += self._judge(own, cohort, keep)
        return found

    def verdict(self, trial_id: str, rung: int) -> bool | None:
        """Returns whether a trial stops at a rung; None while that is not known."""
        if trial_id not in self._cohorts or rung not in self._rungs:
            return False
        return self._verdicts.get((trial_id, rung))

    def waits(self, trial_id: str) -> bool:
        """Returns whether a trial has come to a rung, and waits for its cohort."""
        return self._latest(trial_id) is None

    def stops(self, trial_id: str) -> bool:
        """Returns whether the latest verdict on a trial is that it stops."""
        return self._latest(trial_id) is True

    def _latest(self, trial_id: str) -> bool | None:
        rung = self._reached.get(trial_id)
        return False if rung is None else self._verdicts.get((trial_id, rung))

    def _decide(self, trial_id: str, rung: int, *, stopped: bool) -> None:
        self._verdicts[trial_id, rung] = stopped
        if stopped:
            self._stopped_at[trial_id] = min(rung, self._stopped_at.get(trial_id, rung))
        elif self._stopped_at.get(trial_id) == rung:
            at = [each for each in self._rungs if self._verdicts.get((trial_id, each))]
            self._stopped_at.pop(trial_id)
            if at:
                self._stopped_at[trial_id] = at[0]

    @property
    def _is_whole(self) -> bool:
        """Whether all trials have been entered: the last ones may then be a smaller cohort."""
        return len(self._entered) >= self._runs

    def _await(self, cohort: _Cohort) -> None:
        """Finds who is still to come to the cohort's stage."""
        if cohort.stage == len(self._rungs):
            cohort.awaited = set()
            return
        rung = self._rungs[cohort.stage]
        cohort.awaited = {
            trial
            for trial in cohort.members
            if trial not in self._left
            and (trial, rung) not in self._reports
            and self._stopped_at.get(trial, rung) >= rung
        }

    def _arrived(self, trial_id: str) -> None:
        found = self._cohorts.get(trial_id)
        if found is None:
            return
        own, cohort = found
        here = self._rungs[cohort.stage] if cohort.stage < len(self._rungs) else None
        if trial_id in self._left or (here is not None and (trial_id, here) in self._reports):
            cohort.awaited.discard(trial_id)
        if not cohort.awaited:
            self._ready.append((own, cohort))

    def _can_be_judged(self, own: _Group, cohort: _Cohort) -> bool:
        whole = len(cohort.members) >= self._size or self._is_whole
        at = cohort.stage < len(self._rungs)
        first = cohort.before is None or cohort.before.stage > cohort.stage
        return whole and at and first and not cohort.awaited

    def _judge(self, own: _Group, cohort: _Cohort, keep: Keep) -> list[Verdict]:
        """Judges a cohort at its stage and takes it to the next."""
        rung = self._rungs[cohort.stage]
        came = own.came.setdefault(rung, [])
        keys = {
            trial: key
            for trial in cohort.members
            if (key := self._reports.get((trial, rung))) is not None
        }
        for key in keys.values():
            place = bisect.bisect_left(came, key)
            if came[place : place + 1] != [key]:
                came.insert(place, key)
        most = math.ceil(len(came) / self._factor - _ROUNDING)
        found: list[Verdict] = []
        for trial, key in keys.items():
            if (trial, rung) not in self._verdicts:
                stopped = keep(trial, rung, stopped=bisect.bisect_left(came, key) >= most)
                self._decide(trial, rung, stopped=stopped)
                found.append((trial, rung, stopped))
        cohort.stage += 1
        self._await(cohort)
        self._ready.append((own, cohort))
        if cohort.after is not None:
            self._ready.append((own, cohort.after))
        return found


def replay(halving: Halving, reports: Iterable[Mapping[str, Any]]) -> None:
    """Notes stored reports, with the verdicts that are known.

    Args:
        halving: In which their trials were entered.
        reports: Rows with `trial_id`, `rung_examples`, `value`, `eval_loss` and `stopped`, the
            verdict: None if none is known.
    """
    for row in reports:
        halving.report(row["trial_id"], row[RUNG], row["value"], row["eval_loss"])
        if row["stopped"] is not None:
            halving.record(row["trial_id"], row[RUNG], stopped=row["stopped"])
