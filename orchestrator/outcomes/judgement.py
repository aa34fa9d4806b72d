"""How a trial ended, judged from what it stored."""

from __future__ import annotations

import math
from collections.abc import Sequence

from orchestrator.store.rows import Row


def judge(
    reports: Sequence[Row],
    last_rung: int,
    objective: str,
    *,
    stopped: bool,
    tested: bool,
    failure: str | None,
) -> str | None:
    """Returns the outcome of a trial whose process has ended, or None if it is not final.

    Args:
        reports: Its stored reports, by rung.
        last_rung: Its budget, in examples.
        objective: The metric that the sweep optimises.
        stopped: Whether early stopping ended it.
        tested: Whether its test rows are scored, or none are asked for.
        failure: "failed", "out_of_memory" or "hung" if it ended by an error.
    """
    if reports and diverged(reports[-1], objective):
        return "diverged"
    if reports and reports[-1]["rung_examples"] == last_rung and tested:
        return "completed"
    if stopped and reports:  # what is not in the store was not trained, whoever heard of it
        return "stopped"
    return failure


def diverged(report: Row, objective: str) -> bool:
    """Returns whether a loss or the objective of the report is NaN or infinite."""
    values = (report["train_loss"], report["eval_loss"], report[objective])
    return any(value is not None and not math.isfinite(value) for value in values)
