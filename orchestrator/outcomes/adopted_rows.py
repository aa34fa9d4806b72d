"""Rows of a trial of another sweep, as rows of this one."""

from __future__ import annotations

import json
from typing import Any

from orchestrator.outcomes.final_row import names_of
from orchestrator.search.proposals import Proposal
from orchestrator.state.checkpoints import TrialCheckpoints, examples_of
from orchestrator.state.stored_sweep import StoredSweep
from orchestrator.store.rows import Row

_NAMES = ("base_model", "base_model_revision", "dataset", "dataset_revision")


def adopted_final_row(stored: StoredSweep, proposal: Proposal, row: Row) -> dict[str, Any]:
    """Returns the final row of an adopted run.

    What was measured, when and on what stays as it is; names, numbers and objective are those of
    this sweep, in which the content lies where its file says.

    Args:
        stored: The sweep that adopts.
        proposal: What the run is in it.
        row: The final row there.
    """
    sweep = stored.sweep
    completed = row["outcome"] == "completed"
    config = json.loads(row["config_json"]) | {name: getattr(sweep, name) for name in _NAMES}
    original = row["adopted_from"] or f"{row['sweep_id']}/{row['trial_id']}"
    return {
        **_without_version(row),
        **names_of(stored, proposal),
        "adopted_from": original,
        "objective_metric": sweep.objective.metric,
        "objective_mode": sweep.objective.mode,
        "objective": row[sweep.objective.metric] if completed else None,
        "checkpoint": _own_checkpoint(stored, proposal, row),
        "config_json": json.dumps(config, sort_keys=True),
    }


def adopted_report(stored: StoredSweep, proposal: Proposal, row: Row) -> dict[str, Any]:
    """Returns a report of an adopted run; arguments as of `adopted_final_row`."""
    return {
        **_without_version(row),
        "sweep_id": stored.id,
        "trial_id": stored.trial_id(proposal.trial_number),
        "trial_number": proposal.trial_number,
        "base_model": row["base_model"] and stored.sweep.base_model,
        "checkpoint": _own_checkpoint(stored, proposal, row),
    }


def _without_version(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "schema_version"}


def _own_checkpoint(stored: StoredSweep, proposal: Proposal, row: Row) -> str | None:
    if row["checkpoint"] is None:
        return None
    checkpoints = TrialCheckpoints(stored.files, stored.trial_id(proposal.trial_number))
    return checkpoints.key(examples_of(row["checkpoint"]))
