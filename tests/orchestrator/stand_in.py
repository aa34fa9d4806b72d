"""A stand-in for Ray Tune that runs a sweep's trials one at a time, in this process."""

from __future__ import annotations

import traceback
from types import SimpleNamespace
from typing import Any

import pytest

from orchestrator.outcomes.conclusions import Conclusions
from orchestrator.outcomes.standing import standing
from orchestrator.ray_tune.fit_node import UnfitNodeError
from orchestrator.ray_tune.placement import Slots
from orchestrator.ray_tune.room import FixedRoom
from orchestrator.ray_tune.trainable import tune_result
from orchestrator.ray_tune.tuner import SweepTuner
from orchestrator.search.proposals import Proposal
from orchestrator.search.run_report import RunReport
from orchestrator.state.stored_sweep import StoredSweep
from orchestrator.trial.attempt import TrialJob, run

LEARNER = "tests.orchestrator.toy:finetune"
_NODE_DEATH = """\
ray.exceptions.ActorDiedError: The actor died unexpectedly before finishing this task.
The actor died because its node has died. Node Id: ab12, Ip: 10.211.7.3.
"""
"""As Ray (2.60) tells it."""
_NO_PLACE = """\
ray.train.ControllerError: Training failed due to controller error:
The worker group startup timed out after 300.0 seconds waiting for 2 workers. Potential causes
"""
ROOM = FixedRoom(Slots("cpu", 1, 1, {"CPU": 1.0}))


class _StoppedError(BaseException):
    """Ray Tune ends a trial's function from within its report."""


class LostNodeError(Exception):
    """The node of a trial's process goes away."""


class NoPlaceError(Exception):
    """A group of processes waited for its nodes in vain."""


class Tuner:
    """Asks searcher and scheduler as `ray.tune.Tuner` does, and runs the toy in this process."""

    def __init__(self, name: str, *, tune_config: Any, run_config: Any) -> None:
        self._searcher, self._scheduler = tune_config.search_alg, tune_config.scheduler
        (self._events,) = run_config.callbacks

    def fit(self) -> None:
        number = 0
        while isinstance(config := self._searcher.suggest(f"tune-{number}"), dict):
            self._run(SimpleNamespace(trial_id=f"tune-{number}", config=config, error_file=""))
            number += 1

    def _run(self, trial: Any) -> None:
        proposal: Proposal = trial.config["proposal"]
        self._events.on_trial_start(0, [], trial)

        def report(row: dict[str, Any]) -> None:
            result = tune_result(self.stored, proposal, row)
            self._events.on_trial_result(0, [], trial, result)
            if self._scheduler.on_trial_result(None, trial, result) == "STOP":
                raise _StoppedError

        error = False
        try:
            run(TrialJob(self.stored, "cpu", 1, LEARNER), proposal, report)
        except _StoppedError:
            pass
        except UnfitNodeError as unfit:
            self._scheduler.errors[trial.trial_id] = f"Traceback:\nUnfitNodeError: {unfit}"
            error = True
        except LostNodeError:
            self._scheduler.errors[trial.trial_id] = _NODE_DEATH
            error = True
        except NoPlaceError:
            self._scheduler.errors[trial.trial_id] = _NO_PLACE
            error = True
        except Exception:
            self._scheduler.errors[trial.trial_id] = traceback.format_exc()
            error = True
        self._searcher.on_trial_complete(trial.trial_id, error=error)

    stored: StoredSweep


class Seen:
    """A watcher that writes down what it is told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, int]] = []

    def started(self, proposal: Proposal) -> None:
        self.events.append(("started", proposal.trial_number))

    def reported(self, proposal: Proposal, report: RunReport) -> None:
        self.events.append(("reported", proposal.trial_number))

    def ended(self, proposal: Proposal, row: dict[str, Any]) -> None:
        self.events.append((row["outcome"], proposal.trial_number))

    def paused(self, proposal: Proposal) -> None:
        self.events.append(("paused", proposal.trial_number))

    def interrupted(self, proposal: Proposal, *, goes_on: bool = True) -> None:
        self.events.append(("interrupted", proposal.trial_number))

    def passed(self) -> None: ...


def instead_of_ray(stored: StoredSweep, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has the trials of a sweep run by the stand-in."""
    monkeypatch.setattr("ray.tune.Tuner", Tuner)
    monkeypatch.setattr("ray.tune.register_trainable", lambda *_: None)
    monkeypatch.setattr(Tuner, "stored", stored, raising=False)


def run_trials(stored: StoredSweep, seen: Seen, **options: Any) -> None:
    """Runs what is left of a sweep; options as of `SweepTuner`."""
    conclusions = Conclusions(stored, "{}")
    state = standing(stored, conclusions)
    SweepTuner(stored, state, conclusions, [seen], **{"room": ROOM} | options).run(LEARNER)
