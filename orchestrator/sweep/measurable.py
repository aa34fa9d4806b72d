"""On how many validation rows a sweep's execution accuracy can be measured, before it starts."""

from __future__ import annotations

from orchestrator.outcomes.unmeasured import unmeasured
from orchestrator.search_space import Sweep
from orchestrator.sweep.rows import splits_of
from trainables.data.locations import is_on_hub
from trainables.evaluation.measurable import Measurable, measurable_rows


def measurable(sweep: Sweep) -> Measurable | None:
    """Returns on how many of the sweep's validation rows execution accuracy can be measured.

    Args:
        sweep: The resolved search space file.

    Returns:
        None for a data set of the hub's, which is not loaded for this.

    Raises:
        DatasetError: The data set cannot be read, or has too few rows.
        SandboxUnavailable: No SQL can be run here.
    """
    return None if is_on_hub(sweep.dataset) else measurable_rows(splits_of(sweep).validation)


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
