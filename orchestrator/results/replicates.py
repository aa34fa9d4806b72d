"""The runs of one configuration as one row: what differs by the seed alone is averaged."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from orchestrator.results.configurations import by_configuration
from orchestrator.search.tries import TRIED_AGAIN
from orchestrator.store.rows import Row, finite_or_none
from trainables.contract.scores import METRICS, SCORES

_MEANS = (
    "objective",
    *(f"{name}{suffix}" for name in METRICS for suffix in ("", "_se")),
    *(f"test_{name}{suffix}" for name in SCORES for suffix in ("", "_se")),
    *("train_seconds", "eval_seconds", "wall_seconds"),
)
_LEAST = (
    *(f"{prefix}{name}_rows" for name in SCORES for prefix in ("", "test_")),
    *("eval_rows", "eval_schemas", "test_rows", "test_schemas", "last_rung", "examples_seen"),
)
_MOST = (
    *(f"{prefix}{name}_unjudged" for name in SCORES for prefix in ("", "test_")),
    "peak_memory_bytes",
)


def configurations(rows: Sequence[Row]) -> list[list[Row]]:
    """Returns the runs of each configuration of each sweep, by trial number.

    Args:
        rows: Final rows, by sweep and trial number.
    """
    by_sweep: dict[str, list[Row]] = {}
    for row in rows:
        by_sweep.setdefault(row["sweep_id"], []).append(row)
    return [runs for own in by_sweep.values() for runs in by_configuration(own).values()]


def joint_outcome(outcomes: Sequence[str]) -> str:
    """Returns how the runs of a configuration ended: in one word, if it can be ranked.

    `completed` where all did; `stopped` where some were stopped and the others completed: they are
    ranked by what all of them reached. Else the ends are counted, e.g. "1 completed, 1 diverged".
    """
    ends = Counter(outcomes)
    if len(ends) == 1:
        return outcomes[0]
    if set(ends) == {"completed", "stopped"}:
        return "stopped"
    return ", ".join(f"{count} {name}" for name, count in sorted(ends.items()))


def first_completed(rows: Sequence[Row]) -> Row:
    """Returns the run that stands for a configuration: the first that completed, else the first."""
    return next((row for row in rows if row["outcome"] == "completed"), rows[0])


def measured(rows: Sequence[Row]) -> list[Row]:
    """Returns the runs that say something of their configuration: where any did not fail, those.

    A failure has a cause outside the trial, mostly; one that diverged is a result.
    """
    return [row for row in rows if row["outcome"] not in TRIED_AGAIN] or list(rows)


def mean_row(rows: Sequence[Row]) -> Row:
    """Returns one row for the runs of a configuration, of those that are `measured`.

    Scores, losses and times are means, and None unless every run has a finite one: a mean over the
    others would be of other seeds. A standard error is the mean of theirs, which is that of the
    mean score where the runs' errors go together row by row, and too wide where they do not. Counts
    of rows are the least of them, ids and the like those of `first_completed`.

    Args:
        rows: Final rows, of any columns, at least one.
    """
    rows = measured(rows)
    first = first_completed(rows)
    if len(rows) == 1:
        return first
    merged: dict[str, Any] = dict(first) | {
        "outcome": joint_outcome([row["outcome"] for row in rows])
    }
    for name in _MEANS:
        if name in merged:
            merged[name] = _mean([row[name] for row in rows])
    for names, choose in ((_LEAST, min), (_MOST, max)):
        for name in names:
            if name in merged:
                known = [row[name] for row in rows if row[name] is not None]
                merged[name] = choose(known, default=None)
    return merged


def _mean(values: Sequence[Any]) -> float | None:
    finite = [value for each in values if (value := finite_or_none(each)) is not None]
    return math.fsum(finite) / len(finite) if len(finite) == len(values) else None
