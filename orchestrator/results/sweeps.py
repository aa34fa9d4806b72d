"""What sweeps there are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from orchestrator.results.profile_words import profile_words
from orchestrator.results.replicates import mean_row
from orchestrator.results.selection import latest_tries, sweep_name
from orchestrator.results.spent import device_seconds, unfinished
from orchestrator.state.device_seconds import DeviceSeconds
from orchestrator.state.plan_record import read_plan
from orchestrator.state.sweep_files import found
from orchestrator.store import OUTCOMES, index
from orchestrator.store.arrays import having
from orchestrator.store.place import Root
from orchestrator.store.rows import Row, finite_or_none
from orchestrator.store.schema import CONFIRM
from orchestrator.terminal.fitting_table import FittingTable
from orchestrator.terminal.output import Answer
from orchestrator.terminal.values import duration, number, time

_SHARED = ("sweep_id", "trial_id", "trial_number", "train_seconds", "eval_seconds")
_OF_TRIALS = (
    *(*_SHARED, "sweep_name", "question", "profile", "outcome", "objective", "eval_loss"),
    *("base_model", "dataset", "phase", "configuration_id", "adopted_from"),
    *("objective_metric", "objective_mode", "started_at", "ended_at"),
)
_OF_REPORTS = (*_SHARED, "reported_at")


def overview(root: Root, sweep_ids: Sequence[str]) -> Answer:
    """Returns one row a sweep: trials by outcome, best, time and cost.

    Of a run that failed and was tried again the latest try counts. `running` counts trials that
    have reported and have no final row: they run now, or are continued by the sweep's command.
    `device_seconds` is the sum over all trials of training and evaluation. Where it was foretold
    when a sweep began, `planned_device_seconds` stands beside `spent_device_seconds`, which counts
    loading and what was lost in crashes too.

    Args:
        root: Of the store.
        sweep_ids: The sweeps.

    Raises:
        StoreError: The store cannot be read.
    """
    trials = index.trials(root, *sweep_ids, columns=_OF_TRIALS)
    reports = index.reports(root, *sweep_ids, columns=_OF_REPORTS)
    rows = [
        {**_row(name, *(_of(name, each) for each in (trials, reports))), **_planned(root, name)}
        for name in sweep_ids
    ]
    profiles = {name: _profile(_of(name, trials)) for name in sweep_ids}
    rows.sort(key=lambda row: str(row["last_written"]), reverse=True)
    shown = [
        outcome
        for outcome in (*OUTCOMES, "running", "adopted")
        if any(row[outcome] for row in rows)
    ]
    costs = ["planned", "spent"] if any(row["planned_device_seconds"] for row in rows) else []
    before = ["sweep", "profile", *shown, "objective", "best", "trial", "device time"]
    headers = [*before, *costs, "last"]
    lines = [
        [
            row["sweep_id"],
            profiles[row["sweep_id"]],
            *(str(row[outcome]) for outcome in shown),
            row["objective"] or "-",
            number(row["best"]),
            row["best_trial"] or "-",
            duration(row["device_seconds"]),
            *(duration(row[f"{each}_device_seconds"]) for each in costs),
            time(row["last_written"]),
        ]
        for row in rows
    ]
    right = {*shown, *costs, "best", "device time"}
    least_first = ("spent", "planned", "device time", "last", "profile", "objective", "trial")
    remedy = "`results sweeps --format csv` has all."
    return Answer(rows, FittingTable(headers, lines, right, least_first, remedy, ("sweep",)))


def _profile(of_trials: pa.Table) -> str:
    """Returns what the profile of a sweep is called; "-" of one whose trials have not ended."""
    for row in of_trials.slice(0, 1).to_pylist():
        return profile_words(row["profile"], row["base_model"], row["dataset"])
    return "-"


def _row(name: str, of_trials: pa.Table, reports: pa.Table) -> dict[str, Any]:
    trials: list[Row] = latest_tries(of_trials).to_pylist()
    first = trials[0] if trials else {}
    # As in the leaderboard: configurations by the mean over their seeds; confirming runs are not
    # ranked, and a stopped trial's score belongs to a shorter training.
    searched = [row for row in trials if row["phase"] != CONFIRM]
    runs: dict[str, list[Row]] = {}
    for row in searched:
        runs.setdefault(row["configuration_id"] or row["trial_id"], []).append(row)
    scored = [row for own in runs.values() if (row := mean_row(own))["objective"] is not None]
    ranked = [row for row in scored if row["outcome"] == "completed"] or scored
    sign = 1.0 if first.get("objective_mode") == "min" else -1.0

    def order(row: Row) -> tuple[float, float]:
        loss = finite_or_none(row["eval_loss"])
        return sign * row["objective"], math.inf if loss is None else loss

    best = min(ranked, key=order, default={})
    running = unfinished(of_trials, reports)
    adopted = [row for row in trials if row["adopted_from"] is not None]
    own = [row for row in trials if row["adopted_from"] is None]
    started = [row["started_at"] for row in own or trials if row["started_at"]]
    written = [row["ended_at"] for row in trials if row["ended_at"]]
    return {
        "sweep_id": name,
        "name": first.get("sweep_name") or sweep_name(name),
        "question": first.get("question"),
        "profile": first.get("profile"),
        "trials": len(trials),
        **{outcome: sum(row["outcome"] == outcome for row in trials) for outcome in OUTCOMES},
        "running": len(running),
        "adopted": len(adopted),
        "objective": first.get("objective_metric"),
        "best": best.get("objective"),
        "best_trial": best.get("trial_id"),
        "device_seconds": device_seconds([*of_trials.to_pylist(), *running]),
        "started_at": min(started, default=None),
        "last_written": max(
            [*written, *filter(None, [pc.max(reports["reported_at"]).as_py()])], default=None
        ),
    }


def _planned(root: Root, sweep_id: str) -> dict[str, Any]:
    files = found(root, sweep_id)
    planned = None if files is None else read_plan(files)
    known = files is not None and planned is not None
    return {
        "planned_device_seconds": planned.middle if planned is not None else None,
        "spent_device_seconds": DeviceSeconds(files).read() if files and known else None,
    }


def _of(sweep_id: str, content: pa.Table) -> pa.Table:
    return having(content, "sweep_id", [sweep_id])
