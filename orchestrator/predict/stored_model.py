"""Which trial's model a user means, and where it lies."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from orchestrator.results.configurations import telling
from orchestrator.results.errors import ResultsError
from orchestrator.results.find_trial import named_trial
from orchestrator.state.checkpoints import check_inside
from orchestrator.store.errors import DamagedError
from orchestrator.store.rows import Row
from trainables.contract.configuration import BUILT_IN_MODELS, TrialConfiguration
from trainables.techniques.registry import is_untuned

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
        """Returns trial, sweep, configuration and objective in one line."""
        row = self.row
        metric = row["objective_metric"]
        score = "not measured" if row["objective"] is None else f"{row['objective']:.4f}"
        return (
            f"Trial {row['trial_id']} of {row['sweep_id']}: {telling(row)},"
            f" {row['outcome']}, {metric} {score} on {row['eval_rows'] or 0} validation rows."
            + (_EMBEDDED if row["base_model"] in BUILT_IN_MODELS else "")
        )


def choose(root: Path, sweep: str | None, trial: str) -> StoredModel:
    """Finds a trial and its checkpoint.

    Args:
        root: Folder of the experiment store.
        sweep: Name, id or glob of one sweep. None means the one written to last, or for a trial's
            id any.
        trial: As in `orchestrator.results.find_trial.pick`.

    Raises:
        ResultsError: There is no such sweep or trial, several sweeps match, or the trial left no
            usable model.
        StoreError: The store cannot be read.
    """
    row = named_trial(root, [] if sweep is None else [sweep], trial)
    return StoredModel(row, _configuration(row), _checkpoint(root, row))


def _configuration(row: Row) -> TrialConfiguration:
    try:
        values = json.loads(row["config_json"])
        values.pop("rungs", None)
        return TrialConfiguration.from_dict(values)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedError(
            f"The final row of the trial {row['trial_id']} of {row['sweep_id']} has a config_json"
            " that is none; it was changed since it was written, so choose another trial."
        ) from error


def _checkpoint(root: Path, row: Row) -> Path | None:
    if is_untuned(row):
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
    return check_inside(root, folder)
