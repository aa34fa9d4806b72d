"""A running sweep as an Optuna study that grows, so that an open `optuna-dashboard` shows it.

The file is only appended to: whoever has read it goes on from where he was. So a trial is written
as it begins, its values as they come, and its end once; what Optuna does not change of a trial that
has ended stays as it was.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from orchestrator.errors import remedy
from orchestrator.results.errors import ResultsError
from orchestrator.results.optuna_journal import check_journal, describe_study, publish_study
from orchestrator.results.optuna_trials import FINAL_COLUMNS, optuna_trials
from orchestrator.results.selection import final_rows
from orchestrator.state.lock import is_held
from orchestrator.state.sweep_files import found
from orchestrator.store import index
from orchestrator.store.place import Root
from orchestrator.terminal.output import Answer

SECONDS = 5.0
"""Between two looks at the store."""

_NUMBER = "trial_number"
"""The attribute by which a trial of the study is found again."""


def follow_journal(
    root: Root,
    sweep_ids: Sequence[str],
    target: Path,
    say: Callable[[str], object],
    wait: Callable[[], object] = lambda: time.sleep(SECONDS),
) -> Answer:
    """Writes a sweep into a file as `write_journal`, and what comes while it runs, to its end.

    Names and ranges of parameters are such that no later trial changes them: `optuna_trials`.

    Args:
        root: Of the store.
        sweep_ids: The sweep; one.
        target: The file; it is replaced if `write_journal` or this function wrote it.
        say: Prints a line for a person.
        wait: Waits for the next look.

    Raises:
        ResultsError: As `write_journal`; also where the store is a copy, which does not grow.
        StoreError: The store cannot be read.
        KeyboardInterrupt: Ctrl-C; the file has what was found until then.
    """
    sweep_id = check_journal(root, sweep_ids, target)
    files = found(root, sweep_id)
    if files is None:
        raise ResultsError(
            f"{root} is a copy, in which no sweep runs; without --follow it is written as it is."
        )
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study: _Growing | None = None
    while True:
        # Asked first: what is written between the two is in the last look.
        runs = is_held(files)
        if index.trials(root, sweep_id, columns=("trial_id",)).num_rows or not runs:
            finals = final_rows(root, [sweep_id], FINAL_COLUMNS)
            trials = optuna_trials(root, sweep_id, finals, settled=True)
            if study is None:
                publish_study(sweep_id, finals, trials, target)
                study = _Growing(sweep_id, target)
                say(f"To look at it: optuna-dashboard {shlex.quote(str(target))}")
            else:
                study.grow(trials)
            if not runs:
                return describe_study(sweep_id, trials, target, "The sweep does not run any more.")
        wait()


class _Growing:
    """A study in a file that is appended to."""

    def __init__(self, sweep_id: str, target: Path) -> None:
        self._target = target
        self._storage = JournalStorage(JournalFileBackend(str(target)))
        self._study = self._storage.get_study_id_from_name(sweep_id)

    def grow(self, trials: Sequence[FrozenTrial]) -> None:
        """Appends what the study lacks of the trials.

        Raises:
            ResultsError: The file cannot be written.
        """
        try:
            there = {
                trial.user_attrs[_NUMBER]: trial
                for trial in self._storage.get_all_trials(self._study)
            }
            for trial in trials:
                known = there.get(trial.user_attrs[_NUMBER])
                if known is None:
                    self._storage.create_new_trial(self._study, trial)
                elif not known.state.is_finished():
                    self._go_on(known, trial)
        except OSError as error:
            why = remedy(error, "name another file")
            raise ResultsError(f"{self._target} cannot be written: {why}.") from error

    def _go_on(self, known: FrozenTrial, trial: FrozenTrial) -> None:
        """Appends what has come of a trial, its end last: then Optuna takes nothing more."""
        number = known._trial_id
        if known.state is TrialState.WAITING and trial.state is not TrialState.WAITING:
            self._storage.set_trial_state_values(number, TrialState.RUNNING)
        for step, value in trial.intermediate_values.items():
            if step not in known.intermediate_values:
                self._storage.set_trial_intermediate_value(number, step, value)
        for name, value in trial.user_attrs.items():
            if known.user_attrs.get(name) != value:
                self._storage.set_trial_user_attr(number, name, value)
        if trial.state.is_finished():
            self._storage.set_trial_state_values(number, trial.state, trial.values)
