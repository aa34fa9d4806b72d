"""The driver of a sweep's trials, with a stand-in for Ray Tune that runs them one at a time."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from orchestrator.outcomes.conclusions import Conclusions, is_finished
from orchestrator.outcomes.failures import AlikeFailuresError, MachineError
from orchestrator.outcomes.standing import standing
from orchestrator.ray_tune.placement import Slots
from orchestrator.ray_tune.trainable import tune_result
from orchestrator.ray_tune.tuner import SweepTuner
from orchestrator.search.proposals import Proposal
from orchestrator.state.stored_sweep import StoredSweep, latest
from orchestrator.store import Store
from orchestrator.trial.attempt import TrialJob, run
from tests.orchestrator import sweeps

LEARNER = "tests.orchestrator.toy:finetune"
SLOTS = Slots("cpu", 1, 1, {"CPU": 1.0})


class _StoppedError(BaseException):
    """Ray Tune ends a trial's function from within its report."""


class _Tuner:
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
        except Exception:
            self._scheduler.errors[trial.trial_id] = "the worker died"
            error = True
        self._searcher.on_trial_complete(trial.trial_id, error=error)

    stored: StoredSweep


class _Seen:
    """A watcher that writes down what it is told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, int]] = []

    def started(self, proposal: Proposal) -> None:
        self.events.append(("started", proposal.trial_number))

    def reported(self, proposal: Proposal, rung_examples: int, objective: float | None) -> None:
        self.events.append(("reported", proposal.trial_number))

    def ended(self, proposal: Proposal, row: dict[str, Any]) -> None:
        self.events.append((row["outcome"], proposal.trial_number))

    def interrupted(self, proposal: Proposal, *, goes_on: bool = True) -> None:
        self.events.append(("interrupted", proposal.trial_number))

    def passed(self) -> None: ...


def _stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *rates: float) -> StoredSweep:
    points = [
        {"technique": "lora", "data_size": 100, "rank": number, "learning_rate": rate}
        for number, rate in enumerate(rates, 1)
    ]
    sweep = sweeps.toy(
        tmp_path, baseline=None, space=None, trials=None, stopping=None, points=points
    )
    stored = latest(sweep, Store(tmp_path / "store"))
    monkeypatch.setattr("ray.tune.Tuner", _Tuner)
    monkeypatch.setattr("ray.tune.register_trainable", lambda *_: None)
    monkeypatch.setattr(_Tuner, "stored", stored, raising=False)
    return stored


def _run(stored: StoredSweep, seen: _Seen, **options: Any) -> None:
    conclusions = Conclusions(stored, "{}")
    tuner = SweepTuner(stored, standing(stored, conclusions), conclusions, [seen], **options)
    tuner.run(SLOTS, LEARNER)


def test_every_trial_is_run_concluded_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored, seen = _stored(tmp_path, monkeypatch, 0.9, 8.0, 0.5), _Seen()
    _run(stored, seen)
    ends = [event for event in seen.events if event[0] in ("completed", "failed")]
    assert ends == [("completed", 0), ("failed", 1), ("completed", 2)]
    assert is_finished(stored)
    seen.events.clear()
    _run(stored, seen)  # nothing is left
    assert seen.events == []


def test_first_trials_that_fail_alike_end_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored, seen = _stored(tmp_path, monkeypatch, 8.0, 8.0, 8.0, 0.9), _Seen()
    with pytest.raises(AlikeFailuresError, match="All 3 trials so far ended alike"):
        _run(stored, seen)
    assert ("started", 3) not in seen.events


def test_an_error_of_the_machine_ends_the_run_and_blames_no_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored, seen = _stored(tmp_path, monkeypatch, 5.0, 0.9), _Seen()
    with pytest.raises(MachineError, match="No space left"):
        _run(stored, seen)
    assert seen.events == [("started", 0), ("interrupted", 0)]
    assert not stored.store.trials(stored.id)


def test_when_the_time_is_up_nothing_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored, seen = _stored(tmp_path, monkeypatch, 0.9), _Seen()
    _run(stored, seen, expired=lambda: True)
    assert seen.events == []
