"""Runs that failed and are tried again, from sweeps of the toy without Ray."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.confirmation.begin import confirmation
from orchestrator.outcomes.conclusions import Conclusions, confirmation_of, is_finished
from orchestrator.outcomes.failed_runs import FailedRun, counted, failed_runs, try_again
from orchestrator.outcomes.failures import AlikeFailuresError
from orchestrator.outcomes.standing import standing
from orchestrator.results.answer import answer
from orchestrator.results.find_trial import named_trial
from orchestrator.results.leaderboard import leaderboard
from orchestrator.results.optuna_trials import FINAL_COLUMNS, optuna_trials
from orchestrator.results.selection import final_rows
from orchestrator.results.show import show
from orchestrator.results.sweeps import overview
from orchestrator.search.proposals import CONFIRMING
from orchestrator.search.tries import TRIES
from orchestrator.state.confirmation_log import ConfirmationLog
from orchestrator.state.proposal_log import ProposalLog
from orchestrator.state.stored_sweep import StoredSweep
from orchestrator.store.rows import Row
from tests.orchestrator import sweeps, toy
from tests.orchestrator.confirmation.toy_sweep import asked_sweep, confirm, stored_in, tune
from tests.orchestrator.running import files
from tests.orchestrator.stand_in import Seen, run_trials
from trainables.contract.configuration import TrialConfiguration
from trainables.contract.reports import Report, RungReport


class _Raising:
    """Takes reports, and raises before number `at`."""

    def __init__(self, report: Report, at: int) -> None:
        self._report, self._at = report, at

    def rung(self, report: RungReport) -> None:
        if report.rung >= self._at:
            raise ValueError("nothing of the trial's")
        self._report.rung(report)

    def test(self, *arguments: Any) -> None:
        self._report.test(*arguments)

    def follow(self, rung: int) -> None:
        self._report.follow(rung)


class _Broken:
    """The toy, of which trials raise before their report number `at`, for as long as it is broken.

    Attributes:
        broken: Whether a configuration fails.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int = 0) -> None:
        self.broken: Callable[[TrialConfiguration], bool] = lambda configuration: True
        learner = toy.finetune

        def finetune(
            configuration: TrialConfiguration, rungs: Any, report: Any, **others: Any
        ) -> None:
            breaks = self.broken(configuration)
            learner(configuration, rungs, _Raising(report, at) if breaks else report, **others)

        monkeypatch.setattr(toy, "finetune", finetune)

    def mend(self) -> None:
        self.broken = lambda configuration: False


def _ends(stored: StoredSweep) -> list[tuple[Any, ...]]:
    names = ("configuration_id", "replicate", "seed", "outcome", "objective", "last_rung")
    rows = final_rows(stored.root, [stored.id])
    return sorted((tuple(row[name] for name in names) for row in rows), key=repr)


def _fail(stored: StoredSweep) -> None:
    with pytest.raises(AlikeFailuresError, match="--retry-failed"):
        run_trials(stored, Seen())


@pytest.mark.parametrize("reported", [0, 1])
def test_a_sweep_whose_cause_of_failure_is_mended_ends_as_if_it_had_never_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reported: int
) -> None:
    whole = stored_in(sweeps.toy(tmp_path), tmp_path / "whole", monkeypatch)
    run_trials(whole, Seen())
    stored = stored_in(sweeps.toy(tmp_path), tmp_path, monkeypatch)
    toy_of = _Broken(monkeypatch, reported)
    if reported:  # who has reported waits at its rung, and is stopped or goes on and fails
        run_trials(stored, Seen())
    else:
        _fail(stored)
    before = {path: path.read_bytes() for path in files(stored.root)}
    failed = [each.trial_number for each in failed_runs(stored)]
    went_on = [row["trial_number"] for row in whole.store.trials(whole.id) if row["last_rung"]]
    assert failed == (went_on if reported else [0, 1, 2, 3])
    toy_of.mend()
    again = try_again(stored)
    assert [each.trial_number for each in again] == [TRIES + number for number in failed]
    assert failed_runs(stored) == []
    seen = Seen()
    run_trials(stored, seen)
    started = [number for what, number in seen.events if what == "started"]
    assert started[: len(failed)] == [TRIES + number for number in failed]
    assert is_finished(stored)
    assert _ends(stored) == _ends(whole)
    # What failed stays as it was, and no id names two trials.
    assert {path: path.read_bytes() for path in before} == before
    every = stored.store.trials(stored.id)
    assert len(every) == len({row["trial_id"] for row in every}) == 9 + len(failed)


def test_readers_count_the_latest_try_and_find_every_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = stored_in(sweeps.toy(tmp_path, baseline=None), tmp_path, monkeypatch)
    toy_of = _Broken(monkeypatch)
    _fail(stored)
    toy_of.mend()
    try_again(stored)
    run_trials(stored, Seen())
    board = leaderboard(stored.root, stored.id)
    assert "failed" not in {entry["outcome"] for entry in board}
    assert len(board) == 8
    data = overview(stored.root, [stored.id]).data
    assert isinstance(data, list)
    (row,) = data
    assert (row["trials"], row["failed"], row["running"]) == (8, 0, 0)
    assert named_trial(stored.root, [], "1")["outcome"] != "failed"
    assert named_trial(stored.root, [], stored.trial_id(1))["outcome"] == "failed"
    shown = show(stored.root, named_trial(stored.root, [], "1"))
    assert isinstance(shown.data, dict)
    assert shown.data["earlier_tries"] == [stored.trial_id(1)]
    finals = final_rows(stored.root, [stored.id], FINAL_COLUMNS)
    assert len(optuna_trials(stored.root, stored.id, finals)) == 8


def test_a_start_that_is_killed_between_two_proposals_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = stored_in(sweeps.toy(tmp_path, baseline=None), tmp_path, monkeypatch)
    toy_of = _Broken(monkeypatch)
    _fail(stored)
    again = try_again(stored)
    folder = stored.root / stored.files.proposals_key
    for left in again[1:]:  # as if it had been killed after the first
        (folder / f"{left.trial_number:06d}.json").unlink()
    assert [each.trial_number for each in try_again(stored)] == [TRIES + 1, TRIES + 2]
    toy_of.mend()
    run_trials(stored, Seen())
    assert is_finished(stored)
    assert max(ProposalLog(stored.files).read()) == TRIES + 2


def test_a_try_that_fails_again_may_be_tried_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = stored_in(sweeps.toy(tmp_path, baseline=None, trials=3), tmp_path, monkeypatch)
    toy_of = _Broken(monkeypatch)
    _fail(stored)
    try_again(stored)
    assert not is_finished(stored)
    _fail(stored)
    assert [each.trial_number // TRIES for each in failed_runs(stored)] == [1, 1, 1]
    toy_of.mend()
    try_again(stored)
    run_trials(stored, Seen())
    assert is_finished(stored)
    assert len(stored.store.trials(stored.id)) == 9
    assert failed_runs(stored) == []


def _confirmed(stored: StoredSweep) -> list[Row]:
    return [row for row in stored.store.trials(stored.id) if row["phase"] == "confirm"]


def test_confirming_runs_that_failed_are_tried_again_under_the_same_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = stored_in(asked_sweep(tmp_path), tmp_path, monkeypatch)
    tune(stored)
    toy_of = _Broken(monkeypatch)
    toy_of.broken = lambda configuration: configuration.seed >= 2**31
    chosen = confirm(stored)
    assert is_finished(stored)
    assert {row["outcome"] for row in _confirmed(stored)} == {"failed"}
    seeds = {row["seed"] for row in _confirmed(stored)}
    toy_of.mend()
    assert len(try_again(stored)) == 6
    assert not is_finished(stored)
    assert confirm(stored) == chosen
    assert is_finished(stored)
    later = [row for row in _confirmed(stored) if row["trial_number"] >= TRIES]
    assert {row["outcome"] for row in later} == {"completed"}
    assert {row["seed"] for row in later} == seeds
    assert [row["trial_number"] for row in later] == [
        TRIES + CONFIRMING + number for number in range(6)
    ]
    assert "Best by tuning: lora" in answer(stored.root, stored.id)


def test_what_tuning_could_not_choose_from_is_chosen_from_once_it_is_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = stored_in(asked_sweep(tmp_path), tmp_path, monkeypatch)
    toy_of = _Broken(monkeypatch)
    toy_of.broken = lambda configuration: configuration.parameters.get("rank") == 64
    tune(stored)
    before = confirm(stored)
    assert {each.choice.configuration["rank"] for each in before.confirmed} == {4, 8}
    toy_of.mend()
    try_again(stored)
    assert not is_finished(stored)
    tune(stored)
    assert confirmation_of(stored) is None
    after = confirm(stored)
    assert is_finished(stored)
    assert {each.choice.configuration["rank"] for each in after.confirmed} == {4, 8, 64}
    assert len(ConfirmationLog(stored.files).read()) == 2
    earlier, later = (
        {each.choice.configuration["rank"]: each.trials for each in record.confirmed}
        for record in (before, after)
    )
    assert earlier.items() <= later.items()


def test_where_all_of_them_fail_again_nothing_is_chosen_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = stored_in(asked_sweep(tmp_path), tmp_path, monkeypatch)
    toy_of = _Broken(monkeypatch)
    toy_of.broken = lambda configuration: configuration.parameters.get("rank") == 64
    tune(stored)
    before = confirm(stored)
    try_again(stored)
    tune(stored)
    assert confirmation(stored, standing(stored, Conclusions(stored, "{}"))) == before
    assert is_finished(stored)


def test_failures_are_counted_in_words() -> None:
    failed = [FailedRun(number, "failed") for number in range(2)]
    assert counted(failed[:1]) == "1 run failed"
    assert counted(failed) == "2 runs failed"
    assert counted([*failed, FailedRun(2, "hung")]) == "3 runs failed (2 failed, 1 hung)"
