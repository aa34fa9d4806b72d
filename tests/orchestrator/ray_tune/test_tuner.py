"""The driver of a sweep's trials, with a stand-in for Ray Tune that runs them one at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator.outcomes.conclusions import is_finished
from orchestrator.outcomes.failures import MAX_LOST, AlikeFailuresError, MachineError
from orchestrator.ray_tune.fit_node import UnfitNodeError
from orchestrator.ray_tune.placement import Slots
from orchestrator.ray_tune.room import NoNodeError
from orchestrator.state.attempts import AttemptLog
from orchestrator.state.stored_sweep import StoredSweep, latest
from orchestrator.store import Store
from orchestrator.trial.attempt import run
from tests.orchestrator import sweeps
from tests.orchestrator.stand_in import (
    ROOM,
    LostNodeError,
    NoPlaceError,
    Seen,
    instead_of_ray,
    run_trials,
)


def _stored(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *rates: float,
    stopping: dict[str, Any] | None = None,
) -> StoredSweep:
    points = [
        {"technique": "lora", "data_size": 100, "rank": number, "learning_rate": rate}
        for number, rate in enumerate(rates, 1)
    ]
    sweep = sweeps.toy(
        tmp_path, baseline=None, space=None, trials=None, stopping=stopping, points=points
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
    with pytest.raises(MachineError, match="No space left on device; free some space"):
        run_trials(stored, seen)
    assert seen.events == [("started", 0), ("interrupted", 0)]
    assert not stored.store.trials(stored.id)


def test_when_the_time_is_up_nothing_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored, seen = _stored(tmp_path, monkeypatch, 0.9), Seen()
    run_trials(stored, seen, expired=lambda: True)
    assert seen.events == []


RATES = (0.3, 0.9, 0.1, 0.8, 0.5, 0.7)


def _trained(log: Path) -> list[str]:
    """Returns what the toy has trained, a rung of a trial each."""
    return sorted(log.read_text().splitlines())


def test_trials_wait_at_their_rungs_and_each_rung_is_trained_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    stored = _stored(tmp_path, monkeypatch, *RATES, stopping=sweeps.TOY["stopping"])
    seen = Seen()
    run_trials(stored, seen)
    assert is_finished(stored)
    outcomes = {row["trial_number"]: row["outcome"] for row in stored.store.trials(stored.id)}
    assert outcomes == {number: "completed" if number == 1 else "stopped" for number in range(6)}
    reached = {row["trial_number"]: row["last_rung"] for row in stored.store.trials(stored.id)}
    assert reached == {0: 0, 1: 3, 2: 0, 3: 1, 4: 0, 5: 0}
    assert {row["attempts"] for row in stored.store.trials(stored.id)} == {1}
    # Five wait, the sixth hears at once that it ends; of the two that go on the first waits again.
    paused = [number for event, number in seen.events if event == "paused"]
    assert paused == [0, 1, 2, 3, 4, 1]
    trained = _trained(tmp_path / "log")
    assert len(trained) == len(set(trained)) == 6 + 2 + 1 + 1


@pytest.mark.parametrize("reports", range(1, 10))
def test_a_sweep_that_ends_while_trials_wait_goes_on_as_if_it_had_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reports: int
) -> None:
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    stored, seen = _stored(tmp_path, monkeypatch, *RATES, stopping=sweeps.TOY["stopping"]), Seen()

    def over() -> bool:
        return sum(event == "reported" for event, _ in seen.events) >= reports

    run_trials(stored, seen, expired=over)
    assert not is_finished(stored)
    run_trials(stored, Seen())
    assert is_finished(stored)
    reached = {row["trial_number"]: row["last_rung"] for row in stored.store.trials(stored.id)}
    assert reached == {0: 0, 1: 3, 2: 0, 3: 1, 4: 0, 5: 0}
    trained = _trained(tmp_path / "log")
    assert len(trained) == len(set(trained)) == 10


def test_who_fails_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rates = (0.3, 0.9, 9.0, 8.0, 0.5, 8.0)  # of them two fail, and one diverges at its second rung
    stored = _stored(tmp_path, monkeypatch, *rates, stopping=sweeps.TOY["stopping"])
    run_trials(stored, Seen())
    assert is_finished(stored)
    rows = stored.store.trials(stored.id)
    outcomes = {row["trial_number"]: row["outcome"] for row in rows}
    assert outcomes == {
        0: "stopped",
        1: "completed",
        2: "diverged",
        3: "failed",
        4: "stopped",
        5: "failed",
    }


class _Moving:
    """A room of two nodes, whose Ray says of a trial's first process that its node is unfit."""

    def __init__(self, nodes: int) -> None:
        self.slots, self.most, self.changes = ROOM.slots, 1, True
        self.marker, self.engines = None, None
        self.left, self.set_aside_for = nodes, list[str]()

    def look(self) -> None: ...

    def next(self, running: Any, left: int) -> Slots:
        assert not running
        return self.slots[0]

    def takes(self, slots: Slots) -> bool:
        return True

    def set_aside(self, node_id: str, reason: str) -> None:
        self.set_aside_for.append(f"{node_id} {reason}")
        self.left -= 1
        if not self.left:
            raise NoNodeError("no node is left")


def _unfit_at_first(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    raised = iter(range(times))

    def run_one(job: Any, proposal: Any, report: Any) -> None:
        if next(raised, None) is not None:
            AttemptLog(job.stored.files).start(proposal.trial_number, "unfit")
            raise UnfitNodeError("ab12", "has another folder")
        run(job, proposal, report)

    monkeypatch.setattr("tests.orchestrator.stand_in.run", run_one)


def test_a_trial_whose_node_is_unfit_runs_on_another_and_no_attempt_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored, seen, room = _stored(tmp_path, monkeypatch, 0.9, 0.5), Seen(), _Moving(2)
    _unfit_at_first(monkeypatch, 1)
    run_trials(stored, seen, room=room)
    assert room.set_aside_for == ["ab12 has another folder"]
    rows = stored.store.trials(stored.id)
    assert [(row["outcome"], row["attempts"]) for row in rows] == [("completed", 1)] * 2
    assert seen.events[:3] == [("started", 0), ("interrupted", 0), ("started", 0)]


def _lost_at_first(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """The first node of a trial goes away while it runs, and the next ones too."""
    lost = iter(range(times))

    def run_one(job: Any, proposal: Any, report: Any) -> None:
        if next(lost, None) is not None:
            AttemptLog(job.stored.files).start(proposal.trial_number, "lost")
            raise LostNodeError
        run(job, proposal, report)

    monkeypatch.setattr("tests.orchestrator.stand_in.run", run_one)


def test_a_trial_whose_node_is_lost_goes_on_at_once_and_has_not_died(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored, seen, room = _stored(tmp_path, monkeypatch, 0.9, 0.5), Seen(), _Moving(2)
    _lost_at_first(monkeypatch, MAX_LOST - 1)  # more often than a process may die
    run_trials(stored, seen, room=room)
    assert room.set_aside_for == []
    rows = stored.store.trials(stored.id)
    assert [(row["outcome"], row["attempts"]) for row in rows] == [
        ("completed", MAX_LOST),
        ("completed", 1),
    ]
    # Before the next one begins: it is as far as any.
    assert seen.events[:3] == [("started", 0), ("interrupted", 0), ("started", 0)]


def test_a_group_that_waits_in_vain_is_placed_anew_and_has_not_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored, seen, waits = _stored(tmp_path, monkeypatch, 0.9), Seen(), iter(range(5))

    def run_one(job: Any, proposal: Any, report: Any) -> None:
        if next(waits, None) is not None:
            raise NoPlaceError
        run(job, proposal, report)

    monkeypatch.setattr("tests.orchestrator.stand_in.run", run_one)
    run_trials(stored, seen)
    (row,) = stored.store.trials(stored.id)
    assert (row["outcome"], row["attempts"]) == ("completed", 1)


def test_a_trial_that_loses_every_node_that_it_comes_to_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored, seen, room = _stored(tmp_path, monkeypatch, 0.9, 0.5), Seen(), _Moving(2)
    _lost_at_first(monkeypatch, MAX_LOST)
    run_trials(stored, seen, room=room)
    rows = stored.store.trials(stored.id)
    assert [(row["outcome"], row["attempts"]) for row in rows] == [
        ("failed", MAX_LOST),
        ("completed", 1),
    ]
    assert "its node has died" in rows[0]["error"]


def test_where_no_node_is_left_the_run_ends_and_no_trial_has_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored, room = _stored(tmp_path, monkeypatch, 0.9, 0.5), _Moving(2)
    _unfit_at_first(monkeypatch, 9)
    with pytest.raises(NoNodeError, match="no node is left"):
        run_trials(stored, Seen(), room=room)
    assert stored.store.trials(stored.id) == []
