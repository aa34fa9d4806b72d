"""Trials that no other trial beats in both of two respects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orchestrator.results.configurations import Configurations
from orchestrator.results.errors import ResultsError, unknown
from orchestrator.results.measured import mixed_scoring
from orchestrator.results.selection import FACTS, check_same_evaluation, final_rows
from orchestrator.store.place import Root
from orchestrator.store.rows import Row, finite_or_none
from orchestrator.terminal.output import Answer, table
from orchestrator.terminal.values import text
from trainables.contract.scores import METRICS

COSTS = (
    *("trainable_percent", "trainable_parameters", "total_parameters", "rank", "virtual_tokens"),
    *("data_size", "examples_seen", "train_seconds", "eval_seconds", "wall_seconds"),
    "peak_memory_bytes",
)
"""Of which less is better; of a metric its record says which way."""


def pareto(root: Root, sweep_ids: Sequence[str], x: str, y: str) -> Answer:
    """Returns the completed trials that are not dominated, by x.

    A trial is dominated if another one is at least as good in both respects and better in one.

    Args:
        root: Of the store.
        sweep_ids: The sweeps.
        x: A score (more is better), or a loss or one of `COSTS` (less is better).
        y: Another.

    Raises:
        ResultsError: A name is unknown, both are the same, or no completed trial has both.
        StoreError: The store cannot be read.
    """
    known = (*METRICS, *COSTS)
    for name in (x, y):
        if name not in known:
            raise unknown("measure", name, known)
    if x == y:
        raise ResultsError(f"--x and --y are both {x}; name two measures to weigh up.")
    rows = final_rows(root, sweep_ids, [*{*FACTS, x, y}])
    check_same_evaluation(rows)
    names = Configurations(rows)
    candidates = [
        row
        for row in rows
        if row["outcome"] == "completed"
        and finite_or_none(row[x]) is not None
        and finite_or_none(row[y]) is not None
    ]
    if not candidates:
        raise ResultsError(f"No completed trial has both {x} and {y}.")
    front = undominated(candidates, x, y)
    data: list[dict[str, Any]] = [
        {
            "trial_id": row["trial_id"],
            "sweep_id": row["sweep_id"],
            "configuration": names.describe(row),
            x: row[x],
            y: row[y],
        }
        for row in front
    ]
    headers = ["trial", "configuration", x, y]
    lines = [[row["trial_id"], row["configuration"], text(row[x]), text(row[y])] for row in data]
    remark = f"{len(front)} of {len(candidates)} completed trials are not dominated."
    return Answer(data, table(headers, lines, {x, y}), (remark, *mixed_scoring(candidates, (x, y))))


def undominated(rows: Sequence[Row], x: str, y: str) -> list[Row]:
    """Returns the rows that no other one dominates, best x first.

    Rows equal in both respects do not dominate each other.
    """

    def cost(row: Row, name: str) -> float:
        more_is_better = name in METRICS and METRICS[name].mode == "max"
        return -float(row[name]) if more_is_better else float(row[name])

    front: list[Row] = []
    lowest = float("inf")
    for row in sorted(rows, key=lambda row: (cost(row, x), cost(row, y))):
        if cost(row, y) < lowest:
            lowest = cost(row, y)
            front.append(row)
        elif cost(row, y) == lowest and cost(row, x) == cost(front[-1], x):
            front.append(row)
    return front
