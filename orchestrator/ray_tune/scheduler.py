"""Ray Tune's question at every report, passed on to early stopping."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ray.tune.schedulers import FIFOScheduler, TrialScheduler

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

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Returns STOP or CONTINUE for the report."""
        if RUNG not in result:
            return str(TrialScheduler.CONTINUE)
        trial_id = self._identify(trial)
        if result.get("unmeasured"):
            self.unmeasured()
        rung = result[RUNG]
        self._halving.report(trial_id, rung, result.get("compared"), result.get("eval_loss"))
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

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:
        """Keeps the error for the final row."""
        # Tune's own get_error reads the copy in its storage, which is not there yet.
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
