"""How a run ended, as far as the search learns from it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.search_space import Sweep
from trainables.contract.scores import METRICS

Curve = tuple[tuple[int, float], ...]
"""(examples of the rung, value) of reports, in order; every value is finite."""


@dataclass(frozen=True)
class RunResult:
    """How one run ended.

    Attributes:
        outcome: One of `orchestrator.store.OUTCOMES`.
        curve: What trials are compared by at its rungs, greater or less as of the objective. The
            last value of a completed run is its objective; the curve is empty if that is none.
    """

    outcome: str
    curve: Curve


def run_result(outcome: str, reports: Sequence[Mapping[str, Any]], sweep: Sweep) -> RunResult:
    """Returns what the search learns from a run.

    Args:
        outcome: How it ended.
        reports: Its rows of the table `reports`, by rung.
        sweep: Gives the objective, and by what early stopping compares.
    """
    metric, mode = sweep.objective.metric, sweep.objective.mode
    if outcome != "completed":
        return RunResult(outcome, signed_curve(reports, sweep.compared_by, str(mode)))
    last = signed_curve(reports[-1:], metric, str(mode))
    return RunResult(
        outcome, last and (*signed_curve(reports[:-1], sweep.compared_by, str(mode)), *last)
    )


def signed_curve(reports: Sequence[Mapping[str, Any]], metric: str, mode: str) -> Curve:
    """Returns the finite values of a metric, with the sign that makes them better as `mode` says.

    Args:
        reports: Rows of the table `reports`, by rung.
        metric: A score or loss; a loss is turned round where more is better.
        mode: "max" or "min", of the objective.
    """
    sign = 1.0 if METRICS[metric].mode == mode else -1.0
    return tuple(
        (int(row["rung_examples"]), sign * row[metric])
        for row in reports
        if row[metric] is not None and math.isfinite(row[metric])
    )
