"""Stops a sweep at its first report if no validation row can give the objective."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from orchestrator.errors import UserError
from orchestrator.search_space import Sweep
from orchestrator.state.stored_sweep import StoredSweep
from orchestrator.store import index, reader
from orchestrator.store.rows import Row
from trainables.contract.scores import SCORES


class UnmeasuredObjectiveError(UserError):
    """The sweep's objective cannot be measured on any of its validation rows."""


def is_unmeasured(report: Row, metric: str) -> bool:
    """Returns whether no validation row can give a score, whatever is predicted.

    Args:
        report: A row of the table `reports`.
        metric: The score; a loss is never unmeasured.
    """
    if metric not in SCORES or not report["eval_rows"]:
        return False
    return report.get(f"{metric}_rows") == 0 and not report.get(f"{metric}_unjudged")


def check_measured(stored: StoredSweep) -> None:
    """Refuses a sweep of whose objective a stored report says that no row can give it.

    Raises:
        UnmeasuredObjectiveError: Naming the reasons and what to do.
    """
    metric = stored.sweep.objective.metric
    if metric not in SCORES:
        return
    columns = ("trial_id", "eval_rows", f"{metric}_rows", f"{metric}_unjudged")
    for report in index.reports(stored.address, stored.id, columns=columns).to_pylist():
        if is_unmeasured(report, metric):
            raise unmeasured(stored.sweep, report["eval_rows"], _reasons(stored, report))


def unmeasured(sweep: Sweep, rows: int, reasons: Iterable[str]) -> UnmeasuredObjectiveError:
    """Returns the error for an objective that no row can give.

    Args:
        sweep: The resolved search space file.
        rows: Validation rows.
        reasons: Why they cannot, most frequent first.
    """
    why = ", ".join(reasons)
    return UnmeasuredObjectiveError(
        f"The objective {sweep.objective.metric} cannot be measured on any of the {rows:,}"
        f" validation rows of {sweep.dataset}{why and f' ({why})'}, so there is nothing to compare"
        " trials by; take another one, e.g. --set objective.metric=rouge_l, or rows whose contexts"
        " run in SQLite."
    )


def _reasons(stored: StoredSweep, report: Row) -> list[str]:
    predictions = reader.predictions(stored.address, stored.id, trial_ids=[report["trial_id"]])
    kinds = Counter(predictions["execution_reason"].drop_null().to_pylist())
    return [kind for kind, _ in kinds.most_common()]
