"""How a run ended, as far as the search learns from it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class RunResult:
    """How one run ended.

    Attributes:
        outcome: One of `orchestrator.store.OUTCOMES`.
        curve: (examples of the rung, value) of every report, in order; the value is finite, and of
            a completed run the last one is its objective.
    """

    outcome: str
    curve: tuple[tuple[int, float], ...]


def run_result(outcome: str, reports: Sequence[Mapping[str, Any]], objective: str) -> RunResult:
    """Returns what the search learns from a run.

    Args:
        outcome: How it ended.
        reports: Its rows of the table `reports`, by rung.
        objective: The metric that the sweep optimises.
    """
    curve = tuple(
        (int(row["rung_examples"]), float(row[objective]))
        for row in reports
        if row[objective] is not None and math.isfinite(row[objective])
    )
    return RunResult(outcome, curve)
