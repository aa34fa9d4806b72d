"""Which trial's model a user means, and where it lies."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestrator.results.configurations import telling, whole_configuration
from orchestrator.results.errors import ResultsError
from orchestrator.results.find_trial import named_trial
from orchestrator.state.checkpoints import checkpoint_folder, checkpoint_name
from orchestrator.store import Store
from orchestrator.store.place import Root
from orchestrator.store.rows import Row
from orchestrator.terminal.commands import command
from trainables.base_models.availability import check_model
from trainables.base_models.fingerprint import base_fingerprint
from trainables.base_models.locations import SET_A_FOLDER
from trainables.contract.configuration import BUILT_IN_MODELS, TrialConfiguration
from trainables.runtime.hub import Unavailable
from trainables.techniques.registry import is_untuned

BASE_MODEL = "--base-model"
"""The option that says where a trial's base model lies now."""

_EMBEDDED = " The embedded model knows its generated corpus and little else."


@dataclass(frozen=True)
class StoredModel:
    """A trial whose model can be used.

    Attributes:
        row: Its final row.
        configuration: What it did.
        checkpoint: Folder of this machine with its last checkpoint; None for the untuned baseline.
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


def choose(root: Root, sweep: str | None, trial: str) -> StoredModel:
    """Finds a trial and its checkpoint.

    Args:
        root: Of the experiment store.
        sweep: Name, id or glob of one sweep. None means the one written to last, or for a trial's
            id any.
        trial: As in `orchestrator.results.find_trial.pick`.

    Raises:
        ResultsError: There is no such sweep or trial, several sweeps match, or the trial left no
            usable model.
        StoreError: The store cannot be read.
    """
    row = named_trial(root, [] if sweep is None else [sweep], trial)
    return StoredModel(row, whole_configuration(row), _checkpoint(root, row))


def with_its_base(model: StoredModel, folder: Path | None) -> StoredModel:
    """Returns the model with the present place of its base model, checked to be the same.

    Args:
        model: A trial's.
        folder: Where the base model lies; None where the trial found it.

    Raises:
        ResultsError: It is another one.
        Unavailable: It is not there, or is incomplete.
    """
    configuration = model.configuration
    if folder is not None:
        configuration = dataclasses.replace(
            configuration, base_model=str(folder.absolute()), base_model_revision=None
        )
    base = configuration.base_model, configuration.base_model_revision
    try:
        check_model(*base)
    except Unavailable as error:
        raise Unavailable(str(error).replace(SET_A_FOLDER, f"{BASE_MODEL} FOLDER")) from error
    before = model.row["base_fingerprint"]
    if folder is not None and before is not None and before != (now := base_fingerprint(*base)):
        raise ResultsError(
            f"The base model in {folder} is not the one of the trial {model.row['trial_id']}:"
            f" weights, configuration or tokenizer differ (fingerprint {before}, now {now}); give"
            " the folder that it was trained on, or a copy of it."
        )
    return dataclasses.replace(model, configuration=configuration)


@contextmanager
def others_named(model: StoredModel, root: Root) -> Iterator[None]:
    """Adds to what is said of a damaged checkpoint how to find another trial, or to get this one.

    Args:
        model: A trial's; its checkpoint is read within.
        root: Of its store.

    Raises:
        ResultsError: The checkpoint is incomplete, damaged or another model's.
    """
    # Loads torch, as whoever reads a checkpoint does.
    from trainables.training.checkpoint import CheckpointError

    try:
        yield
    except CheckpointError as error:
        row = model.row
        listed = ("leaderboard", "--trials", "--root", root, "--sweep", row["sweep_id"])
        raise ResultsError(
            f"{error} `{command('orchestrator.results', *listed)}` lists the sweep's trials, of"
            " which `--trial ID` names one; its own command with `--new` trains all anew."
        ) from error


def _checkpoint(root: Root, row: Row) -> Path | None:
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
    store = Store(root, is_read=True)
    folder = checkpoint_folder(store, row["checkpoint"])
    if folder is None:
        raise ResultsError(
            f"The checkpoint of {name[0].lower()}{name[1:]} is not at"
            f" {checkpoint_name(store, row['checkpoint'])} any more: of the"
            " trials that have ended the best keep theirs (limits.checkpoints and"
            " limits.checkpoint_gigabytes of the search space file). Choose another trial."
        )
    return folder
