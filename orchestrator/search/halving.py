"""Early stopping: asynchronous successive halving (ASHA) as sweeps use it.

The stopping variant of ASHA (Li et al. 2020, "A System for Massively Parallel Hyperparameter
Tuning", section 3.3; Ray Tune's `ASHAScheduler` is the same): at a rung a report is compared with
those of its group that came there before, and ends its trial if it lies below their quantile
1 - 1/reduction_factor. Nobody is waited for, so the first one always goes on.

Ray Tune's class lets every tie with the quantile go on: where all trials score 0 it stops nobody.
Here a tie is broken by the validation loss, and where that is a tie too, by who came first: the
share 1/reduction_factor of those that came goes on.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.search.proposals import Proposal, phase
from orchestrator.search_space import Sweep
from orchestrator.search_space.strata import stratum_name
from trainables.contract.scores import METRICS
from trainables.techniques.registry import is_untuned

RUNG = "rung_examples"

_ROUNDING = 1e-9
"""A quantile's place among whole numbers is taken for one of them if it is so near."""


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


@dataclass
class _Rung:
    """What came to one rung of one group.

    Attributes:
        came: (value, tie-break) of each report, the better the greater, in ascending order.
        went_on: How many of them went on.
    """

    came: list[tuple[float, float]] = field(default_factory=list)
    went_on: int = 0

    def stops(self, report: tuple[float, float], factor: float) -> bool:
        """Returns whether a further report ends its trial."""
        if not self.came:
            return False
        place = (len(self.came) - 1) * (1 - 1 / factor)
        low = math.floor(place + _ROUNDING)
        part = max(0.0, place - low)
        below, above = self.came[low], self.came[min(low + 1, len(self.came) - 1)]
        cut = below[0] if part < _ROUNDING else below[0] + part * (above[0] - below[0])
        if report[0] != cut:
            return report[0] < cut
        loss = below[1]
        if part >= _ROUNDING:
            if below[0] != above[0]:
                return False  # the quantile lies between two values: no report ties with it
            loss += part * (above[1] - below[1])
        if report[1] != loss:
            return report[1] < loss
        return self.went_on * factor >= len(self.came) + 1

    def record(self, report: tuple[float, float], *, stopped: bool) -> None:
        """Takes a report in, with its verdict."""
        bisect.insort(self.came, report)
        self.went_on += not stopped


class TechniqueHalving:
    """ASHA per group over (trial, group, examples of the rung, value, loss).

    Knows nothing of a running Tune: its scheduler and the replay of a stored sweep share it.
    """

    def __init__(self, sweep: Sweep) -> None:
        """Makes the empty rungs; without `stopping` in the sweep every trial continues.

        Args:
            sweep: Gives what trials are compared by, the budget and the rungs, in examples.
        """
        self._judged: frozenset[int] = frozenset()
        self._factor = math.inf
        if sweep.stopping is not None and sweep.budget is not None:
            self._judged = frozenset(sweep.rungs(sweep.budget.examples)[:-1])
            self._factor = sweep.stopping.reduction_factor
        self._sign = 1.0 if METRICS[sweep.compared_by].mode == "max" else -1.0
        self._rungs: dict[tuple[str, int], _Rung] = {}
        self._verdicts: dict[tuple[str, int], bool] = {}

    def judges(self, group: str | None, rung: int, value: float | None) -> bool:
        """Returns whether a report is one that early stopping decides on.

        It is not at the full budget, nor in a trial without a group. A value that is not finite is
        never recorded: NaN would compare as "not worse".
        """
        return (
            group is not None
            and rung in self._judged
            and value is not None
            and math.isfinite(value)
        )

    def stops(
        self,
        trial_id: str,
        group: str | None,
        rung: int,
        value: float | None,
        loss: float | None = None,
    ) -> bool:
        """Records the report and returns whether the trial is to be stopped.

        A report that is told again has the verdict that it had, and is not recorded twice.

        Args:
            trial_id: The trial.
            group: What `compared_with` returned.
            rung: Examples at which the report was made.
            value: What trials are compared by, `Sweep.compared_by`.
            loss: The validation loss, which breaks ties.
        """
        if not self.judges(group, rung, value):
            return False
        assert group is not None
        assert value is not None
        known = self._verdicts.get((trial_id, rung))
        if known is not None:
            return known
        report = self._report(value, loss)
        stop = self._rung(group, rung).stops(report, self._factor)
        self.record(trial_id, group, rung, value, loss, stopped=stop)
        return stop

    def record(
        self,
        trial_id: str,
        group: str | None,
        rung: int,
        value: float | None,
        loss: float | None = None,
        *,
        stopped: bool,
    ) -> None:
        """Records a report whose verdict is known; arguments as of `stops`."""
        if not self.judges(group, rung, value) or (trial_id, rung) in self._verdicts:
            return
        assert group is not None
        assert value is not None
        self._rung(group, rung).record(self._report(value, loss), stopped=stopped)
        self._verdicts[trial_id, rung] = stopped

    def replay(
        self,
        reports: Iterable[Mapping[str, Any]],
        keep: Callable[..., bool] = lambda trial_id, rung, *, stopped: stopped,
    ) -> set[str]:
        """Records stored reports, oldest first, and decides on those that have no verdict.

        Args:
            reports: Rows with `trial_id`, `group`, `rung_examples`, `value`, `eval_loss` and
                `stopped`, the verdict: None if none is known.
            keep: Stores a verdict that is new (trial id, examples of the rung, `stopped`).

        Returns:
            The trials whose latest report was a verdict to stop.
        """
        latest: dict[str, bool] = {}
        for row in reports:
            trial_id, rung, stopped = row["trial_id"], row[RUNG], row["stopped"]
            report = (trial_id, row["group"], rung, row["value"], row["eval_loss"])
            if stopped is not None:
                self.record(*report, stopped=stopped)
            elif self.judges(row["group"], rung, row["value"]):
                stopped = keep(trial_id, rung, stopped=self.stops(*report))
            latest[trial_id] = bool(stopped)
        return {trial_id for trial_id, stop in latest.items() if stop}

    def _rung(self, group: str, rung: int) -> _Rung:
        return self._rungs.setdefault((group, rung), _Rung())

    def _report(self, value: float, loss: float | None) -> tuple[float, float]:
        finite = loss is not None and math.isfinite(loss)
        return self._sign * value, -loss if finite and loss is not None else 0.0
