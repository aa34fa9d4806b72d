"""An objective that no row can give: said at the first report, not when every trial has trained."""

from __future__ import annotations

from collections import Counter

from orchestrator.errors import UserError
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
    for report in index.reports(stored.root, stored.id, columns=columns).to_pylist():
        if is_unmeasured(report, metric):
            raise _unmeasured(stored, report)


def _unmeasured(stored: StoredSweep, report: Row) -> UnmeasuredObjectiveError:
    """Returns the error for a report without the objective; it counts the rows' reasons."""
    metric = stored.sweep.objective.metric
    predictions = reader.predictions(stored.root, stored.id, trial_ids=[report["trial_id"]])
    kinds = Counter(predictions["execution_reason"].drop_null().to_pylist())
    why = f" ({', '.join(kind for kind, _ in kinds.most_common())})" if kinds else ""
    return UnmeasuredObjectiveError(
        f"The objective {metric} cannot be measured on any of the {report['eval_rows']:,}"
        f" validation rows of {stored.sweep.dataset}{why}, so there is nothing to compare trials"
        " by; take another one, e.g. --set objective.metric=rouge_l, or rows whose contexts run in"
        " SQLite."
    )
