"""On how many validation rows a sweep's execution accuracy can be measured, before it starts."""

from __future__ import annotations

from collections import Counter

from orchestrator.search_space import Sweep
from trainables.data.locations import is_on_hub
from trainables.data.splits import load_splits
from trainables.sql.execution import SqlExecutor


def measurable(sweep: Sweep) -> str | None:
    """Says how many of the sweep's validation rows can be measured, and why others cannot.

    Context and reference of a row decide it, so that it is the same for every trial. About 2,000
    rows a second; of other dialects than SQLite's about 50.

    Args:
        sweep: The resolved search space file.

    Returns:
        One line; None for a data set of the hub's, which is not loaded for this.

    Raises:
        DatasetError: The data set cannot be read, or has too few rows.
        SandboxUnavailable: No SQL can be run here.
    """
    if is_on_hub(sweep.dataset):
        return None
    wanted = sweep.evaluation
    splits = load_splits(
        sweep.dataset,
        sweep.dataset_revision,
        sweep.seed,
        wanted.validation_rows,
        wanted.test_rows,
        sweep.split_by,
    )
    with SqlExecutor() as executor:
        found = [executor.measurable(row.sql_context, row.sql) for row in splits.validation]
    kinds = Counter(each.reason.kind for each in found if each.reason is not None)
    rows = len(splits.validation)
    if not kinds:
        return f"execution_accuracy can be measured on all {rows:,} validation rows"
    why = ", ".join(f"{kind} {count:,}" for kind, count in kinds.most_common())
    return (
        f"execution_accuracy can be measured on {rows - kinds.total():,} of {rows:,} validation"
        f" rows (not measured: {why})"
    )
