"""Which trial's model a user means, and where it lies."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from orchestrator.results.configurations import BASELINE, parameters
from orchestrator.results.errors import ResultsError
from orchestrator.results.leaderboard import leaderboard
from orchestrator.results.selection import (
    final_rows,
    find_trial,
    latest_sweep,
    select_sweeps,
)
from orchestrator.store.rows import Row
from trainables.configuration import TrialConfiguration

BEST = "best"


_EMBEDDED = " The embedded model knows its generated corpus and little else."


@dataclass(frozen=True)
class StoredModel:
    """A trial whose model can be used.

    Attributes:
        row: Its final row.
        configuration: What it did.
        checkpoint: Folder of its last checkpoint; None for the untuned baseline.
    """

    row: Row
    configuration: TrialConfiguration
    checkpoint: Path | None

    def describe(self) -> str:
        """Returns trial, sweep, technique, sizes and objective in one line."""
        row, own = self.row, parameters(self.row)
        words = [f"{name}={own[name]}" for name in ("rank", "data_size") if own.get(name)]
        metric = row["objective_metric"]
        score = "not measured" if row["objective"] is None else f"{row['objective']:.4f}"
        return (
            f"Trial {row['trial_id']} of {row['sweep_id']}: {' '.join([row['technique'], *words])},"
            f" {row['outcome']}, {metric} {score} on {row['eval_rows'] or 0} validation rows."
            + (_EMBEDDED if row["base_model"] == "embedded" else "")
        )


def choose(root: Path, sweep: str | None, trial: str) -> StoredModel:
    """Finds a trial and its checkpoint.

    Args:
        root: Folder of the experiment store.
        sweep: Name, id or glob of one sweep. None means the one written to last, or for a trial's
            id any.
        trial: "best" (the completed trial that leads its sweep's leaderboard), a trial's number,
            its id, or how that begins.

    Raises:
        ResultsError: There is no such sweep or trial, several sweeps match, or the trial left no
            usable model.
        StoreError: The store cannot be read.
    """
    if trial == BEST or trial.isdecimal():
        sweep_id = latest_sweep(root) if sweep is None else _only(root, sweep)
        row = _best(root, sweep_id) if trial == BEST else _numbered(root, sweep_id, trial)
    else:
        sweep_ids = select_sweeps(root, [] if sweep is None else [sweep])
        row = find_trial(final_rows(root, sweep_ids), trial)
    values = json.loads(row["config_json"])
    values.pop("rungs", None)
    return StoredModel(row, TrialConfiguration.from_dict(values), _checkpoint(root, row))


def _only(root: Path, sweep: str) -> str:
    found = select_sweeps(root, [sweep])
    if len(found) > 1:
        raise ResultsError(
            f"{len(found)} sweeps are called {sweep!r} ({', '.join(found)}); give the id of one."
        )
    return found[0]


def _best(root: Path, sweep_id: str) -> Row:
    for entry in leaderboard(root, sweep_id):
        if entry["place"] is not None and entry["outcome"] == "completed":
            return find_trial(final_rows(root, [sweep_id]), entry["trial_id"])
    raise ResultsError(
        f"No trial of {sweep_id} has completed with a score, so none is best; name one with"
        " --trial, or run the sweep's command to go on."
    )


def _numbered(root: Path, sweep_id: str, number: str) -> Row:
    rows = final_rows(root, [sweep_id])
    for row in rows:
        if row["trial_number"] == int(number):
            return row
    known = [row["trial_number"] for row in rows]
    raise ResultsError(
        f"There is no trial with the number {number} in {sweep_id}; it has {min(known)} to"
        f" {max(known)}, of which {len(known)} ended. --trial also takes an id (see `python -m"
        " orchestrator.results leaderboard`), and --sweep another sweep."
    )


def _checkpoint(root: Path, row: Row) -> Path | None:
    if row["technique"] == BASELINE:
        return None
    name = f"The trial {row['trial_id']}"
    if row["outcome"] == "diverged":
        raise ResultsError(f"{name} diverged, so its weights are of no use; choose another trial.")
    if row["checkpoint"] is None:
        raise ResultsError(
            f"{name} has no checkpoint: it ended as {row['outcome']} before its first report;"
            " choose another trial."
        )
    folder: Path = root / row["checkpoint"]
    if not folder.is_dir():
        raise ResultsError(
            f"The checkpoint of {name[0].lower()}{name[1:]} is not at {folder} any more: of the"
            " trials that have ended the best keep theirs (limits.checkpoints and"
            " limits.checkpoint_gigabytes of the search space file). Choose another trial."
        )
    return folder
