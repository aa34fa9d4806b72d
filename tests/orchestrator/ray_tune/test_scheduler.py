"""What Ray Tune is told at a report."""

from __future__ import annotations

from pathlib import Path

from orchestrator.ray_tune.scheduler import SweepScheduler
from orchestrator.search.halving import TechniqueHalving
from orchestrator.store import StoreError
from tests.orchestrator import sweeps


class _Trial:
    """A trial of Ray Tune's, as far as the scheduler looks at it."""

    def __init__(self, trial_id: str) -> None:
        self.trial_id = trial_id


def test_when_the_time_is_up_trials_end_at_their_rung_but_are_not_losers(tmp_path: Path) -> None:
    told: list[tuple[str, int]] = []
    scheduler = SweepScheduler(
        TechniqueHalving(sweeps.toy(tmp_path, stopping=sweeps.BY_OBJECTIVE)),
        lambda trial: (trial.trial_id, "lora"),
        expired=lambda: True,
    )
    scheduler.go_on = lambda trial_id, rung: told.append((trial_id, rung))
    report = {"rung_examples": 90, "compared": 0.5, "last": False, "diverged": False}
    assert scheduler.on_trial_result(None, _Trial("a"), report) == "STOP"
    assert scheduler.on_trial_result(None, _Trial("b"), report | {"compared": 0.1}) == "STOP"
    assert scheduler.stopped == {"b"}
    last = report | {"rung_examples": 900, "last": True}
    assert scheduler.on_trial_result(None, _Trial("c"), last) == "CONTINUE"
    assert told == [("c", 900)]


def test_a_verdict_is_stored_before_the_trial_hears_of_it(tmp_path: Path) -> None:
    kept: list[tuple[str, int, bool]] = []
    heard: list[str] = []

    def keep(trial_id: str, rung: int, *, stopped: bool) -> bool:
        kept.append((trial_id, rung, stopped))
        return stopped

    scheduler = SweepScheduler(
        TechniqueHalving(sweeps.toy(tmp_path)), lambda trial: (trial.trial_id, "lora")
    )
    scheduler.keep = keep
    scheduler.go_on = lambda trial_id, rung: heard.append(f"{trial_id} after {len(kept)}")
    report = {"rung_examples": 90, "compared": 0.5, "last": False, "diverged": False}
    assert scheduler.on_trial_result(None, _Trial("a"), report) == "CONTINUE"
    assert scheduler.on_trial_result(None, _Trial("b"), report | {"compared": 0.9}) == "STOP"
    last = report | {"rung_examples": 900, "last": True}
    assert scheduler.on_trial_result(None, _Trial("a"), last) == "CONTINUE"
    assert kept == [("a", 90, False), ("b", 90, True)]  # at the full budget nothing is decided
    assert heard == ["a after 1", "a after 2"]


def test_what_is_on_record_counts(tmp_path: Path) -> None:
    scheduler = SweepScheduler(
        TechniqueHalving(sweeps.toy(tmp_path)), lambda trial: (trial.trial_id, "lora")
    )
    scheduler.keep = lambda trial_id, rung, *, stopped: True
    report = {"rung_examples": 90, "compared": 0.5, "last": False, "diverged": False}
    assert scheduler.on_trial_result(None, _Trial("a"), report) == "STOP"
    assert scheduler.stopped == {"a"}


def test_without_its_verdict_on_record_a_trial_ends_and_is_no_loser(tmp_path: Path) -> None:
    told: list[Exception] = []

    def full(trial_id: str, rung: int, *, stopped: bool) -> bool:
        raise StoreError("the disk is full")

    scheduler = SweepScheduler(
        TechniqueHalving(sweeps.toy(tmp_path)), lambda trial: (trial.trial_id, "lora")
    )
    scheduler.keep, scheduler.trouble = full, told.append
    report = {"rung_examples": 90, "compared": 0.5, "last": False, "diverged": False}
    assert scheduler.on_trial_result(None, _Trial("a"), report) == "STOP"
    assert scheduler.stopped == set()
    assert [str(error) for error in told] == ["the disk is full"]
