"""The driver of a sweep's trials, with a stand-in for Ray Tune that runs them one at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.outcomes.conclusions import is_finished
from orchestrator.outcomes.failures import AlikeFailuresError, MachineError
from orchestrator.state.stored_sweep import StoredSweep, latest
from orchestrator.store import Store
from tests.orchestrator import sweeps
from tests.orchestrator.stand_in import Seen, instead_of_ray, run_trials


def _stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *rates: float) -> StoredSweep:
    points = [
        {"technique": "lora", "data_size": 100, "rank": number, "learning_rate": rate}
        for number, rate in enumerate(rates, 1)
    ]
    sweep = sweeps.toy(
        tmp_path, baseline=None, space=None, trials=None, stopping=None, points=points
    )
    stored = latest(sweep, Store(tmp_path / "store"))
    instead_of_ray(stored, monkeypatch)
    return stored


def test_every_trial_is_run_concluded_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored, seen = _stored(tmp_path, monkeypatch, 0.9, 8.0, 0.5), Seen()
    run_trials(stored, seen)
    ends = [event for event in seen.events if event[0] in ("completed", "failed")]
    assert ends == [("completed", 0), ("failed", 1), ("completed", 2)]
    assert is_finished(stored)
    seen.events.clear()
    run_trials(stored, seen)  # nothing is left
    assert seen.events == []


def test_first_trials_that_fail_alike_end_therun_trials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored, seen = _stored(tmp_path, monkeypatch, 8.0, 8.0, 8.0, 0.9), Seen()
    with pytest.raises(AlikeFailuresError, match="All 3 trials so far ended alike"):
        run_trials(stored, seen)
    assert ("started", 3) not in seen.events


def test_an_error_of_the_machine_ends_the_run_and_blames_no_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored, seen = _stored(tmp_path, monkeypatch, 5.0, 0.9), Seen()
    with pytest.raises(MachineError, match="No space left"):
        run_trials(stored, seen)
    assert seen.events == [("started", 0), ("interrupted", 0)]
    assert not stored.store.trials(stored.id)


def test_when_the_time_is_up_nothing_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored, seen = _stored(tmp_path, monkeypatch, 0.9), Seen()
    run_trials(stored, seen, expired=lambda: True)
    assert seen.events == []
