"""The one row of the table `trials` that says how a trial ended."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from orchestrator.outcomes.failures import halve_micro_batch
from orchestrator.search.content import content_id
from orchestrator.search.identity import configuration_id
from orchestrator.search.proposals import (
    Proposal,
    phase,
    rungs,
    stratum,
    trial_configuration,
)
from orchestrator.state.attempts import Attempts
from orchestrator.state.content_log import ContentLog
from orchestrator.state.stored_sweep import StoredSweep
from orchestrator.store.clusters import cluster_names
from orchestrator.store.rows import Row
from trainables.contract.scores import COLUMNS_OF_SCORES, METRICS, SCORES, UNJUDGED
from trainables.contract.standard_errors import clustered_standard_error

_REPORTED = (
    "train_loss",
    "eval_loss",
    *COLUMNS_OF_SCORES,
    "eval_rows",
    "eval_schemas",
    "train_rows_cut",
    "eval_rows_cut",
    "meteor_synonyms",
    "examples_seen",
    "trainable_parameters",
    "total_parameters",
    "trainable_percent",
    "train_seconds",
    "eval_seconds",
    "peak_memory_bytes",
    "device_kind",
    "device_name",
    "dtype",
    "prompt_version",
    "split_version",
    "scoring_version",
    "training_version",
    "sqlite_version",
    "node",
    "base_fingerprint",
    "dataset_fingerprint",
    "checkpoint",
)


@dataclass(frozen=True)
class TrialEnd:
    """How a trial ended, and what it left.

    Attributes:
        outcome: What `judge` found.
        reports: Its stored reports, by rung.
        test: Its predictions on the test rows.
        attempts: Its processes.
        error: Message and traceback of a failure.
    """

    outcome: str
    reports: Sequence[Row]
    test: pa.Table
    attempts: Attempts
    error: str | None


def final_row(
    stored: StoredSweep, proposal: Proposal, end: TrialEnd, environment: str
) -> dict[str, Any]:
    """Builds the row of the table `trials`.

    Args:
        stored: The sweep.
        proposal: The trial.
        end: How it ended.
        environment: JSON of what it ran in.
    """
    sweep = stored.sweep
    configuration = trial_configuration(sweep, proposal)
    parameters = configuration.parameters
    ended = datetime.datetime.now(datetime.UTC)
    # By the clock of its machine, which may be ahead of this one.
    started = min(end.attempts.started_at or ended, ended)
    last = end.reports[-1] if end.reports else {}
    measured = {name: last.get(name) for name in _REPORTED}
    completed = end.outcome == "completed"
    return {
        **names_of(stored, proposal),
        "technique": configuration.technique,
        "rank": parameters.get("rank"),
        "alpha": parameters.get("alpha"),
        "dropout": parameters.get("dropout"),
        "target_modules": parameters.get("target_modules"),
        "virtual_tokens": parameters.get("virtual_tokens"),
        "learning_rate": parameters.get("learning_rate"),
        "batch_size": parameters.get("batch_size"),
        # The untuned baseline has neither.
        "data_size": configuration.data_size or None,
        "epochs": (
            configuration.budget_examples / configuration.data_size
            if configuration.data_size
            else None
        ),
        "seed": configuration.seed,
        "outcome": end.outcome,
        "last_rung": last.get("rung"),
        "error": end.error,
        "attempts": end.attempts.counted,
        "steps": last.get("step"),
        **measured,
        "objective_metric": sweep.objective.metric,
        "objective_mode": sweep.objective.mode,
        # At a shorter training it is another figure, and none where the loss alone was measured.
        "objective": last.get(sweep.objective.metric) if completed else None,
        **(_test_scores(end.test, configuration.test_protocols) if completed else {}),
        # Not from the clock: a sweep may lie still for days between two attempts.
        "wall_seconds": last.get("elapsed_seconds"),
        "started_at": started,
        "ended_at": ended,
        "config_json": json.dumps(
            halve_micro_batch(
                configuration, end.attempts.memory_failures, sweep.resources.workers
            ).to_dict()
            | {"rungs": rungs(sweep, configuration)},
            sort_keys=True,
        ),
        "environment_json": environment,
    }


def names_of(stored: StoredSweep, proposal: Proposal) -> dict[str, Any]:
    """Returns the columns of a final row that say what a run is in its sweep."""
    sweep = stored.sweep
    configuration = trial_configuration(sweep, proposal)
    content = ContentLog(stored.files).content()
    return {
        "sweep_id": stored.id,
        "sweep_name": sweep.name,
        "question": sweep.question,
        "trial_id": stored.trial_id(proposal.trial_number),
        "trial_number": proposal.trial_number,
        "configuration_id": configuration_id(proposal.configuration),
        "content_id": content_id(configuration, rungs(sweep, configuration), content),
        "replicate": proposal.replicate,
        "phase": phase(sweep, proposal),
        "stratum": stratum(sweep, proposal),
        "profile": sweep.profile,
        "base_model": sweep.base_model,
        "dataset": sweep.dataset,
    }


def _test_scores(test: pa.Table, protocols: Sequence[str]) -> dict[str, Any]:
    """Returns the scores on the test rows by the first of the protocols, if there is one."""
    if not protocols:
        return {}
    test = test.filter(pc.field("protocol") == protocols[0])
    clusters = cluster_names(test)
    cut = pc.or_kleene(test.column("source_cut"), test.column("target_cut"))
    scores: dict[str, Any] = {
        "test_rows": test.num_rows,
        "test_schemas": len(set(clusters)),
        "test_rows_cut": pc.sum(cut).as_py(),
    }
    reasons = test.column("execution_reason")
    for name in SCORES:
        values = test.column(name)
        found = [(v, c) for v, c in zip(values.to_pylist(), clusters, strict=True) if v is not None]
        scores[f"test_{name}"] = pc.mean(values).as_py()
        scores[f"test_{name}_rows"] = len(found)
        # A text can be measured whatever it says; what it does, where the row can be.
        missing = pc.is_null(values)
        if METRICS[name].kind == "execution":
            missing = pc.and_(missing, pc.equal(reasons, UNJUDGED))
        scores[f"test_{name}_unjudged"] = pc.sum(missing).as_py() or 0
        scores[f"test_{name}_se"] = clustered_standard_error(
            [value for value, _ in found], [cluster for _, cluster in found]
        )
    return scores
