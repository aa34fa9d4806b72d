"""What Ray Tune is told at a report."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from orchestrator.ray_tune.placement import Slots
from orchestrator.ray_tune.scheduler import SweepScheduler
from orchestrator.ray_tune.trainable import SLOTS
from orchestrator.search.halving import Halving, Verdict
from orchestrator.store import StoreError
from tests.orchestrator import sweeps


class _Trial:
    """A trial of Ray Tune's, as far as the scheduler looks at it."""

    def __init__(self, trial_id: str) -> None:
        self.trial_id = trial_id


def _scheduler(
    folder: Path, trials: int = 2, **options: Any
) -> tuple[SweepScheduler, dict[str, Any]]:
    """Returns the scheduler of a sweep of "a", "b", ... and a report at its first rung."""
    sweep = sweeps.toy(folder, trials=trials, baseline=None, stopping=sweeps.BY_OBJECTIVE)
    halving = Halving(sweep)
    for number in range(trials):
        halving.enter(chr(ord("a") + number), "lora")
    scheduler = SweepScheduler(halving, lambda trial: trial.trial_id, **options)
    report = {"rung_examples": 90, "compared": 0.5, "eval_loss": 1.0}
    return scheduler, {**report, "last": False, "diverged": False}


def test_when_the_time_is_up_trials_end_at_their_rung_but_are_not_losers(tmp_path: Path) -> None:
    told: list[tuple[str, int]] = []
    scheduler, report = _scheduler(tmp_path, expired=lambda: True)
    scheduler.go_on = lambda trial_id, rung: told.append((trial_id, rung))
    assert scheduler.on_trial_result(None, _Trial("a"), report | {"compared": 0.1}) == "STOP"
    assert scheduler.on_trial_result(None, _Trial("b"), report) == "STOP"
    assert (scheduler.waiting, scheduler.stopped) == ({"a"}, set())
    last = report | {"rung_examples": 900, "last": True}
    assert scheduler.on_trial_result(None, _Trial("b"), last) == "CONTINUE"
    assert told == [("b", 900)]


def test_a_trial_waits_for_its_cohort_and_the_last_one_hears_at_once(tmp_path: Path) -> None:
    settled: list[Verdict] = []
    scheduler, report = _scheduler(tmp_path, trials=3)
    scheduler.settled = settled.extend
    assert scheduler.on_trial_result(None, _Trial("a"), report) == "STOP"
    assert scheduler.on_trial_result(None, _Trial("b"), report | {"compared": 0.2}) == "STOP"
    assert (scheduler.waiting, scheduler.stopped, settled) == ({"a", "b"}, set(), [])
    assert scheduler.on_trial_result(None, _Trial("c"), report | {"compared": 0.9}) == "CONTINUE"
    assert settled == [("a", 90, True), ("b", 90, True), ("c", 90, False)]
    assert scheduler.stopped == set()  # those that waited are not Ray Tune's to stop


def test_a_trial_that_diverges_is_no_loser_of_a_comparison(tmp_path: Path) -> None:
    scheduler, report = _scheduler(tmp_path)
    diverged = report | {"compared": float("nan"), "diverged": True}
    assert scheduler.on_trial_result(None, _Trial("a"), diverged) == "STOP"
    assert (scheduler.waiting, scheduler.stopped) == (set(), set())


def test_a_verdict_is_stored_before_the_trial_hears_of_it(tmp_path: Path) -> None:
    kept: list[tuple[str, int, bool]] = []
    heard: list[str] = []

    def keep(trial_id: str, rung: int, *, stopped: bool) -> bool:
        kept.append((trial_id, rung, stopped))
        return stopped

    scheduler, report = _scheduler(tmp_path)
    scheduler.keep = keep
    scheduler.settled = lambda verdicts: heard.append(f"{len(verdicts)} after {len(kept)}")
    scheduler.go_on = lambda trial_id, rung: heard.append(f"{trial_id} after {len(kept)}")
    assert scheduler.on_trial_result(None, _Trial("a"), report) == "STOP"
    assert scheduler.on_trial_result(None, _Trial("b"), report | {"compared": 0.9}) == "CONTINUE"
    last = report | {"rung_examples": 900, "last": True}
    assert scheduler.on_trial_result(None, _Trial("b"), last) == "CONTINUE"
    assert kept == [("a", 90, True), ("b", 90, False)]  # at the full budget nothing is decided
    assert heard == ["0 after 0", "2 after 2", "b after 2", "0 after 2", "b after 2"]


def test_what_is_on_record_counts(tmp_path: Path) -> None:
    scheduler, report = _scheduler(tmp_path, trials=1)
    scheduler.keep = lambda trial_id, rung, *, stopped: True
    assert scheduler.on_trial_result(None, _Trial("a"), report) == "STOP"
    assert scheduler.stopped == {"a"}


def test_without_its_verdict_on_record_a_trial_ends_and_is_no_loser(tmp_path: Path) -> None:
    told: list[Exception] = []

    def full(trial_id: str, rung: int, *, stopped: bool) -> bool:
        raise StoreError("the disk is full")

    scheduler, report = _scheduler(tmp_path, trials=1)
    scheduler.keep, scheduler.trouble = full, told.append
    assert scheduler.on_trial_result(None, _Trial("a"), report) == "STOP"
    assert scheduler.stopped == set()
    assert [str(error) for error in told] == ["the disk is full"]


def test_a_trial_that_waits_for_nodes_that_are_no_longer_all_there_are_is_withdrawn(
    tmp_path: Path,
) -> None:
    """One that has its resources, or runs, stays where it is."""
    before, now = (Slots("cpu", 1, 1, {"CPU": 1.0}, nodes) for nodes in (("a",), ("a", "b")))
    actors = {name: SimpleNamespace(name=name) for name in ("staged", "placed", "runs")}
    trials = [
        SimpleNamespace(trial_id=name, status=status, config={SLOTS: slots})
        for name, status, slots in (
            ("runs", "RUNNING", before),
            ("placed", "PENDING", before),
            ("staged", "PENDING", before),
            ("waits", "PENDING", before),
            ("new", "PENDING", now),
        )
    ]
    stopped: list[str] = []
    unstaged: list[str] = []
    live = {id(trial): trial for trial in trials}

    def stop(trial: Any) -> None:
        stopped.append(trial.trial_id)
        del live[id(trial)]

    controller = SimpleNamespace(
        get_live_trials=live.values,
        get_trials=list,
        stop_trial=stop,
        _staged_trials=[trials[2]],
        _unstage_trial_with_resources=lambda trial: unstaged.append(trial.trial_id),
        _trial_to_actor=_Actors({trial.trial_id: actors.get(trial.trial_id) for trial in trials}),
        _actor_manager=SimpleNamespace(is_actor_started=lambda actor: actor.name != "staged"),
    )
    scheduler = SweepScheduler(Halving(sweeps.toy(tmp_path)), str)
    scheduler.choose_trial_to_run(controller)
    assert stopped == []  # on one machine nobody asks
    scheduler.takes = lambda slots: slots == now
    scheduler.choose_trial_to_run(controller)
    assert stopped == ["staged", "waits"]
    assert unstaged == ["staged"]
    assert scheduler.withdrawn == {"staged", "waits"}


class _Actors(dict[str, Any]):
    """The actors of trials, which cannot be keys themselves."""

    def get(self, trial: Any, default: Any = None) -> Any:
        return super().get(trial.trial_id, default)
