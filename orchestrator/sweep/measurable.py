"""On how many validation rows a sweep's execution accuracy can be measured, before it starts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.outcomes.unmeasured import unmeasured
from orchestrator.search_space import Sweep
from orchestrator.sweep.rows import reading
from trainables.data.locations import is_on_hub
from trainables.data.splits import load_splits
from trainables.data.tables import Example
from trainables.sql.execution import SqlExecutor


@dataclass(frozen=True)
class Measurable:
    """What can be measured of a sweep's validation rows, whatever a model predicts.

    Attributes:
        rows: How many there are.
        missing: Kind of reason -> rows of which execution accuracy cannot be measured, most
            frequent first.
    """

    rows: int
    missing: Mapping[str, int]

    @property
    def measured(self) -> int:
        """Rows of which execution accuracy can be measured."""
        return self.rows - sum(self.missing.values())

    def sentence(self) -> str:
        """Returns it in words, with the reasons."""
        if not self.missing:
            return f"execution_accuracy can be measured on all {self.rows:,} validation rows"
        why = ", ".join(f"{kind} {count:,}" for kind, count in self.missing.items())
        return (
            f"execution_accuracy can be measured on {self.measured:,} of {self.rows:,} validation"
            f" rows (not measured: {why})"
        )


def measurable(sweep: Sweep) -> Measurable | None:
    """Returns on how many of the sweep's validation rows execution accuracy can be measured.

    Context and reference of a row decide it, so that it is the same for every trial. About 2,000
    rows a second; of other dialects than SQLite's about 50.

    Args:
        sweep: The resolved search space file.

    Returns:
        None for a data set of the hub's, which is not loaded for this.

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
        reading(sweep),
    )
    with SqlExecutor() as executor:
        # Those of one database one after the other.
        rows = sorted((_file(row), row.sql_context, row.sql) for row in splits.validation)
        found = [executor.measurable(context, sql, file or None) for file, context, sql in rows]
    kinds = Counter(each.reason.kind for each in found if each.reason is not None)
    return Measurable(len(found), dict(kinds.most_common()))


def _file(row: Example) -> str:
    return "" if row.database is None else row.database.file


def check_measurable(sweep: Sweep) -> None:
    """Refuses a sweep for execution accuracy where no validation row can be measured.

    Raises:
        UnmeasuredObjectiveError: Naming the reasons and what to do.
        DatasetError: As `measurable`, SandboxUnavailable too.
    """
    if sweep.objective.metric != "execution_accuracy":
        return
    found = measurable(sweep)
    if found is not None and not found.measured:
        raise unmeasured(sweep, found.rows, found.missing)
