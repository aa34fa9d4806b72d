"""Ray Tune's question at every report, passed on to early stopping."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from orchestrator.ray_tune.placement import Slots
from orchestrator.ray_tune.trainable import SLOTS
from orchestrator.search.halving import RUNG, Halving, Verdict
from orchestrator.store import StoreError


class SweepScheduler(FIFOScheduler):
    """First come, first run; `Halving` decides at every report.

    A trial that has to wait for others ends, as far as Ray Tune knows, and frees its slot; it is
    started again, from where it was saved, when it goes on.

    Attributes:
        stopped: Tune's ids of the trials stopped early.
        waiting: Tune's ids of the trials that ended to wait for others.
        errors: The error of each trial that ended in one, by Tune's id.
        keep: Stores a verdict (trial id, examples of the rung, whether it is to stop) and returns
            the one on record, before the trial hears of it.
        settled: Is told the verdicts that a report has led to, its own and those on trials that
            waited.
        trouble: Is told why a verdict could not be stored; the trial then ends there, to be
            continued another time.
        unmeasured: Is called at each report whose objective no row can give.
        go_on: Is told (trial id, examples of the rung) of each report that is not a stop.
        takes: Whether slots that a trial was given are still all that there are of their kind; None
            where nodes do not come and go.
        withdrawn: Tune's ids of the trials that waited for nodes that are gone or taken, while
            there are others, and never started.
    """

    def __init__(
        self,
        halving: Halving,
        identify: Callable[[Any], str],
        expired: Callable[[], bool] = lambda: False,
    ):
        """Makes the scheduler.

        Args:
            halving: The rungs, with what earlier runs of the sweep recorded in them.
            identify: Gives the id of a Tune trial's trial, which was entered in `halving`.
            expired: Whether the sweep's time is up; trials then end at their next rung, to be
                continued another time. A trial at its last rung has only its test rows left.
        """
        super().__init__()
        self._halving = halving
        self._identify = identify
        self._expired = expired
        self.stopped: set[str] = set()
        self.waiting: set[str] = set()
        self.errors: dict[str, str] = {}
        self.keep: Callable[..., bool] = lambda trial_id, rung, *, stopped: stopped
        self.settled: Callable[[list[Verdict]], None] = lambda verdicts: None
        self.trouble: Callable[[Exception], None] = lambda error: None
        self.unmeasured: Callable[[], None] = lambda: None
        self.go_on: Callable[[str, int], None] = lambda trial_id, rung: None
        self.takes: Callable[[Slots], bool] | None = None
        self.withdrawn: set[str] = set()

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Returns STOP or CONTINUE for the report."""
        if RUNG not in result:
            return str(TrialScheduler.CONTINUE)
        trial_id = self._identify(trial)
        if result.get("unmeasured"):
            self.unmeasured()
        rung = result[RUNG]
        self._halving.report(trial_id, rung, result["compared"], result["eval_loss"])
        try:
            self.settled(self._halving.settle(self.keep))
        except StoreError as error:
            self.trouble(error)
            return str(TrialScheduler.STOP)
        verdict = self._halving.verdict(trial_id, rung)
        if verdict is not False and not result["diverged"]:
            (self.waiting if verdict is None else self.stopped).add(trial.trial_id)
            return str(TrialScheduler.STOP)
        if result["diverged"] or (self._expired() and not result["last"]):
            return str(TrialScheduler.STOP)
        self.go_on(trial_id, result[RUNG])
        return str(TrialScheduler.CONTINUE)

    def choose_trial_to_run(self, tune_controller: Any) -> Any:
        """Returns the trial that waits longest, after those that wait in vain are withdrawn."""
        if self.takes is not None:
            for trial in list(tune_controller.get_live_trials()):
                waits = trial.status == "PENDING" and not _is_placed(tune_controller, trial)
                if waits and not self.takes(trial.config[SLOTS]):
                    self.withdrawn.add(trial.trial_id)
                    _withdraw(tune_controller, trial)
        return super().choose_trial_to_run(tune_controller)

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:
        """Keeps the error for the final row."""
        # Tune's own get_error (2.60) reads the copy in its storage, which is not there yet.
        try:
            self.errors[trial.trial_id] = Path(trial.error_file).read_text()
        except OSError as error:
            self.errors[trial.trial_id] = f"Ray's account of the error cannot be read: {error}"

    def __getstate__(self) -> dict[str, Any]:
        """Returns nothing: Ray Tune (2.60) pickles it into a snapshot that is never read here."""
        return {}

    def debug_string(self) -> str:
        """Returns one line for Ray Tune's own status display."""
        return f"successive halving, {len(self.stopped)} stopped"


def _is_placed(tune_controller: Any, trial: Any) -> bool:
    """Returns whether a trial that has not started has its resources.

    Ray Tune (2.60) does not tell that from one that waits for them.
    """
    actor = tune_controller._trial_to_actor.get(trial)
    return actor is not None and tune_controller._actor_manager.is_actor_started(actor)


def _withdraw(tune_controller: Any, trial: Any) -> None:
    """Ends a trial that has not started; Ray Tune (2.60) would keep a process for it."""
    if trial in tune_controller._staged_trials:
        tune_controller._unstage_trial_with_resources(trial)
    tune_controller.stop_trial(trial)
