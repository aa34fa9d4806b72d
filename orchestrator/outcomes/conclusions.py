"""How a trial ended, and the one row that says so.

The driver alone writes final rows, from what the trial stored and from the verdict on it; nothing
that travelled through Ray is needed, so a sweep that lost its driver can be concluded by the next
one.
"""

from __future__ import annotations

import datetime
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from orchestrator.outcomes import failures
from orchestrator.search.identity import configuration_id, trial_id
from orchestrator.search.proposals import Numbering, Proposal, rungs, trial_configuration
from orchestrator.search_space import Sweep
from orchestrator.state.attempts import DIED, MACHINE, TERMINATED, AttemptLog, Attempts
from orchestrator.store import Store, index
from orchestrator.store.rows import Row
from trainables.contract.scores import SCORES

_STORE_ERROR = re.compile(r"orchestrator\.store\.errors\.\w+: (.*)")
"""The last line of such an error's traceback."""

_REPORTED = (
    "train_loss",
    "eval_loss",
    *SCORES,
    *(f"{score}_se" for score in SCORES),
    "eval_rows",
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
    "node",
    "dataset_fingerprint",
    "checkpoint",
)


@dataclass(frozen=True)
class RunResult:
    """How one run ended, as far as the search learns from it.

    Attributes:
        outcome: One of `orchestrator.store.OUTCOMES`.
        curve: (examples of the rung, objective) of every report, in order; the objective is finite.
    """

    outcome: str
    curve: tuple[tuple[int, float], ...]


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
    if stopped:
        return "stopped"
    return failure


def diverged(report: Row, objective: str) -> bool:
    """Returns whether a loss or the objective of the report is NaN or infinite."""
    values = (report["train_loss"], report["eval_loss"], report[objective])
    return any(value is not None and not math.isfinite(value) for value in values)


def run_result(outcome: str, reports: Sequence[Row], objective: str) -> RunResult:
    """Returns what the search learns from a trial."""
    curve = tuple(
        (int(row["rung_examples"]), float(row[objective]))
        for row in reports
        if row[objective] is not None and math.isfinite(row[objective])
    )
    return RunResult(outcome, curve)


def final_row(
    sweep: Sweep,
    sweep_id: str,
    proposal: Proposal,
    outcome: str,
    reports: Sequence[Row],
    test: pa.Table,
    attempts: Attempts,
    environment: str,
    error: str | None,
) -> dict[str, Any]:
    """Builds the row of the table `trials`.

    Args:
        sweep: The resolved search space file.
        sweep_id: The sweep.
        proposal: The trial.
        outcome: What `judge` found.
        reports: Its stored reports, by rung.
        test: Its predictions on the test rows.
        attempts: Its processes.
        environment: JSON of what it ran in.
        error: Message and traceback of a failure.
    """
    configuration = trial_configuration(sweep, proposal)
    parameters = configuration.parameters
    ended = datetime.datetime.now(datetime.UTC)
    started = attempts.started_at or ended
    last = reports[-1] if reports else {}
    measured = {name: last.get(name) for name in _REPORTED}
    completed = outcome == "completed"
    return {
        "sweep_id": sweep_id,
        "sweep_name": sweep.name,
        "question": sweep.question,
        "trial_id": trial_id(sweep_id, proposal.trial_number),
        "trial_number": proposal.trial_number,
        "configuration_id": configuration_id(proposal.configuration),
        "replicate": proposal.replicate,
        "profile": sweep.profile,
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
        "base_model": sweep.base_model,
        "dataset": sweep.dataset,
        "outcome": outcome,
        "last_rung": last.get("rung"),
        "error": error,
        "attempts": attempts.count,
        "steps": last.get("step"),
        **measured,
        "objective_metric": sweep.objective.metric,
        "objective_mode": sweep.objective.mode,
        "objective": None if outcome == "diverged" else last.get(sweep.objective.metric),
        **(_test_scores(test, configuration.test_protocols[0]) if completed else {}),
        # Not from the clock: a sweep may lie still for days between two attempts.
        "wall_seconds": last.get("elapsed_seconds"),
        "started_at": started,
        "ended_at": ended,
        "config_json": json.dumps(
            failures.eased(
                configuration, attempts.memory_failures, sweep.resources.workers
            ).to_dict()
            | {"rungs": rungs(sweep, configuration)},
            sort_keys=True,
        ),
        "environment_json": environment,
    }


def is_finished(sweep: Sweep, sweep_id: str, store: Store) -> bool:
    """Returns whether every run of the sweep has its final row."""
    done = set(index.trials(store.root, sweep_id)["trial_number"].to_pylist())
    return all(number in done for number, _, _ in Numbering(sweep))


class Conclusions:
    """Writes the final rows of one sweep."""

    def __init__(self, sweep: Sweep, sweep_id: str, store: Store, environment: str) -> None:
        """Prepares to write final rows.

        Args:
            sweep: The resolved search space file.
            sweep_id: The sweep.
            store: Where to.
            environment: JSON of what the trials run in.
        """
        self._sweep = sweep
        self._sweep_id = sweep_id
        self._store = store
        self._environment = environment
        self._attempts = AttemptLog(store, sweep_id)

    def conclude(
        self,
        proposal: Proposal,
        *,
        stopped: bool,
        error: str | None = None,
        earlier_attempts: int | None = None,
    ) -> tuple[Row, RunResult] | None:
        """Writes the final row of a trial whose process has ended.

        Args:
            proposal: The trial.
            stopped: Whether early stopping ended it.
            error: Ray's account of the error that ended it, if one did.
            earlier_attempts: How many attempts there were before this one, where that is known.

        Returns:
            The stored row and what the search learns from it; None if the end is not final, so
            that the trial is to be continued.

        Raises:
            MachineError: The machine, not the trial, is at fault.
            StoreError: The row could not be stored.
        """
        identifier = trial_id(self._sweep_id, proposal.trial_number)
        metric = self._sweep.objective.metric
        configuration = trial_configuration(self._sweep, proposal)
        reports = self._store.reports(self._sweep_id, identifier)
        test = self._store.predictions(self._sweep_id, identifier, "test")
        attempts = self._attempts.of(proposal.trial_number)
        failure = None
        if error is not None:
            if attempts.count == earlier_attempts:  # it died before it could say that it started
                self._attempts.start(proposal.trial_number, "")
                attempts = self._attempts.of(proposal.trial_number)
            if attempts.failure is None:
                self._record_end(proposal.trial_number, error)
                attempts = self._attempts.of(proposal.trial_number)
            failure = failures.outcome(attempts, self._sweep.limits.max_attempts)
            error = attempts.failure["traceback"] if attempts.failure else error
        outcome = judge(
            reports,
            rungs(self._sweep, configuration)[-1],
            metric,
            stopped=stopped,
            tested=set(configuration.test_protocols) <= set(test["protocol"].to_pylist()),
            failure=failure,
        )
        if outcome is None:
            return None
        row = final_row(
            self._sweep,
            self._sweep_id,
            proposal,
            outcome,
            reports,
            test,
            attempts,
            self._environment,
            error if outcome == failure else None,
        )
        stored = self._store.publish_trial(row)
        return stored, run_result(stored["outcome"], reports, metric)

    def _record_end(self, trial_number: int, error: str) -> None:
        """Puts on record how a process ended that could not say it itself."""
        hang = self._attempts.hang(trial_number)
        if hang is not None:
            minutes = self._sweep.limits.heartbeat_minutes
            reason = (
                f"no sign of life for {minutes:g} minutes (limits.heartbeat_minutes; if it was"
                " still loading, raise that or run `hf download` beforehand)"
            )
            self._attempts.fail(trial_number, "hung", reason, f"{hang.strip()}\n{reason}")
        elif "low on memory" in error:  # Ray ends a process before the machine runs out.
            self._attempts.fail(trial_number, "out_of_memory", "the host's memory ran low", error)
        elif refused := _STORE_ERROR.search(error):  # A full disk takes no record of itself.
            self._attempts.fail(trial_number, MACHINE, refused[1], error)
        elif self._attempts.saved_on_termination(trial_number):
            self._attempts.fail(trial_number, TERMINATED, "its process received SIGTERM", error)
        else:
            self._attempts.fail(trial_number, DIED, "the process died", error)


def _test_scores(test: pa.Table, protocol: str) -> dict[str, Any]:
    test = test.filter(pc.field("protocol") == protocol)
    scores: dict[str, Any] = {"test_rows": test.num_rows}
    for name in SCORES:
        values = test.column(name)
        count = len(values) - values.null_count
        scores[f"test_{name}"] = pc.mean(values).as_py()
        if count > 1:
            scores[f"test_{name}_se"] = pc.stddev(values, ddof=1).as_py() / math.sqrt(count)
    return scores
