"""What the final row of a trial says."""

from __future__ import annotations

import datetime
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from orchestrator.outcomes.conclusions import Conclusions
from orchestrator.outcomes.failures import MachineError
from orchestrator.search.proposals import Proposal, rungs, trial_configuration
from orchestrator.search_space import Sweep
from orchestrator.state.attempts import DIED, MACHINE, NODE, TERMINATED, AttemptLog
from orchestrator.state.stored_sweep import latest
from orchestrator.store import Store
from orchestrator.trial.recorder import TrialRecorder, resume_point
from tests.orchestrator import sweeps, toy


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    return sweeps.toy(tmp_path)


def _run(
    store: Store,
    sweep: Sweep,
    rate: float,
    until: int | None = None,
    environment: dict[str, Any] | None = None,
) -> Proposal:
    """Runs a toy trial in this process, as a worker would; optionally killed at a rung."""
    proposal = Proposal(
        1, 0, 0, {"technique": "lora", "data_size": 100, "rank": 4, "learning_rate": rate}
    )
    stored = latest(sweep, store)
    configuration = trial_configuration(sweep, proposal)
    attempt = AttemptLog(stored.files).start(1, "here", environment)

    def tell(row: dict[str, Any]) -> None:
        if row["rung_examples"] == until:
            raise KeyboardInterrupt

    passed = resume_point(stored, proposal)
    folder = store.root / f"checkpoints/sweep={stored.id}/{stored.trial_id(1)}"
    toy.finetune(
        configuration,
        rungs(sweep, configuration),
        TrialRecorder(stored, proposal, attempt, tell),
        resume_from=folder / f"{passed:010d}" if passed is not None else None,
    )
    return proposal


def test_a_completed_trial_has_scores_of_both_splits(tmp_path: Path, sweep: Sweep) -> None:
    store = Store(tmp_path / "store")
    proposal = _run(store, sweep, 0.5)
    concluded = Conclusions(latest(sweep, store), "{}").conclude(proposal, stopped=False)
    assert concluded is not None
    row, result = concluded
    assert row["outcome"] == "completed"
    assert row["objective"] == row["rouge_l"] == 0.5
    assert row["test_rows"] == 2
    assert row["test_rouge_l"] == pytest.approx(0.505)
    assert row["test_rouge_l_se"] == pytest.approx(0.005)
    assert row["epochs"] == 9.0
    assert row["attempts"] == 1
    assert row["alpha"] == 8.0
    # The loss at the rungs, turned round since more of the objective is better, which is the last.
    assert dict(result.curve) == pytest.approx({90: -0.95, 270: -0.85, 810: -0.55, 900: 0.5})


def test_by_the_objective_every_rung_is_scored_and_learnt_from(tmp_path: Path) -> None:
    sweep, store = sweeps.toy(tmp_path, stopping=sweeps.BY_OBJECTIVE), Store(tmp_path / "store")
    proposal = _run(store, sweep, 0.5)
    concluded = Conclusions(latest(sweep, store), "{}").conclude(proposal, stopped=False)
    assert concluded is not None
    assert dict(concluded[1].curve) == pytest.approx({90: 0.05, 270: 0.15, 810: 0.45, 900: 0.5})


@pytest.mark.parametrize("by", ["eval_loss", "objective"])
def test_a_stopped_trial_has_a_loss_and_no_objective(tmp_path: Path, by: str) -> None:
    stopping = sweeps.BY_OBJECTIVE | {"by": by}
    sweep, store = sweeps.toy(tmp_path, stopping=stopping), Store(tmp_path / "store")
    with pytest.raises(KeyboardInterrupt):
        _run(store, sweep, 0.5, until=270)
    proposal = Proposal(
        1, 0, 0, {"technique": "lora", "data_size": 100, "rank": 4, "learning_rate": 0.5}
    )
    concluded = Conclusions(latest(sweep, store), "{}").conclude(proposal, stopped=True)
    assert concluded is not None
    row, result = concluded
    assert (row["outcome"], row["last_rung"], row["objective"]) == ("stopped", 1, None)
    assert row["eval_loss"] == pytest.approx(0.85)
    assert row["rouge_l"] == (pytest.approx(0.15) if by == "objective" else None)
    sign, at = (1, (0.05, 0.15)) if by == "objective" else (-1, (0.95, 0.85))
    assert dict(result.curve) == pytest.approx({90: sign * at[0], 270: sign * at[1]})
    predictions = store.predictions(row["sweep_id"], row["trial_id"], "validation")
    assert predictions.num_rows == (4 if by == "objective" else 0)


def test_errors_on_test_rows_are_clustered_and_cut_rows_counted(
    tmp_path: Path, sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = toy._predictions

    def predictions(score: float) -> list[dict[str, Any]]:
        """Two schemas with two rows each, that are alike."""
        return [
            row
            | {"example_id": f"{row['example_id']}-{copy}", "schema_group": row["example_id"]}
            | {"source_cut": copy == 1, "target_cut": False}
            for row in plain(score)
            for copy in range(2)
        ]

    monkeypatch.setattr(toy, "_predictions", predictions)
    store = Store(tmp_path / "store")
    concluded = Conclusions(latest(sweep, store), "{}").conclude(
        _run(store, sweep, 0.5), stopped=False
    )
    assert concluded is not None
    row, _ = concluded
    assert (row["test_rows"], row["test_schemas"], row["test_rows_cut"]) == (4, 2, 2)
    assert row["test_rouge_l_se"] == pytest.approx(0.005)


def test_a_diverged_trial_has_no_objective(tmp_path: Path, sweep: Sweep) -> None:
    store = Store(tmp_path / "store")
    proposal = _run(store, sweep, 9.0)
    concluded = Conclusions(latest(sweep, store), "{}").conclude(proposal, stopped=False)
    assert concluded is not None
    row, result = concluded
    assert row["outcome"] == "diverged"
    assert row["objective"] is None
    assert math.isnan(row["train_loss"])
    assert len(result.curve) == 1


def test_a_killed_trial_goes_on_from_its_last_rung(
    tmp_path: Path, sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    monkeypatch.setenv("TOY_LOG", str(log))
    store = Store(tmp_path / "store")
    with pytest.raises(KeyboardInterrupt):
        _run(store, sweep, 0.5, until=270)
    proposal = _run(store, sweep, 0.5)
    trained = [int(line.rsplit(" ", 1)[1]) for line in log.read_text().splitlines()]
    assert trained == [90, 270, 810, 900]
    concluded = Conclusions(latest(sweep, store), "{}").conclude(proposal, stopped=False)
    assert concluded is not None
    assert concluded[0]["attempts"] == 2


def test_only_the_last_checkpoint_of_a_trial_is_kept(tmp_path: Path, sweep: Sweep) -> None:
    store = Store(tmp_path / "store")
    _run(store, sweep, 0.5)
    kept = sorted(path.name for path in (store.root / "checkpoints").glob("*/*/*"))
    assert kept == ["0000000900"]
    assert not list((store.root / "staging").iterdir())


def test_a_process_that_dies_without_a_word_is_tried_again_before_it_is_a_failure(
    tmp_path: Path, sweep: Sweep
) -> None:
    store = Store(tmp_path / "store")
    conclusions = Conclusions(latest(sweep, store), "{}")
    proposal = Proposal(
        1, 0, 0, {"technique": "lora", "data_size": 100, "rank": 4, "learning_rate": 0.5}
    )
    ends = []
    for rung in (90, 270, 810):
        with pytest.raises(KeyboardInterrupt):
            _run(store, sweep, 0.5, until=rung)
        ends.append(conclusions.conclude(proposal, stopped=False, error="the worker died"))
    assert ends[:2] == [None, None]
    assert ends[2] is not None
    row, _ = ends[2]
    assert (row["outcome"], row["error"], row["attempts"]) == ("failed", "the worker died", 3)


@pytest.mark.parametrize(
    ("saved", "error", "kind"),
    [
        (True, "the worker died", TERMINATED),
        (False, "the worker died", DIED),
        (True, "the node was low on memory", "out_of_memory"),
    ],
)
def test_a_death_after_a_save_on_sigterm_is_none(
    tmp_path: Path, sweep: Sweep, saved: bool, error: str, kind: str
) -> None:
    store = Store(tmp_path / "store")
    log = AttemptLog(latest(sweep, store).files)
    log.start(1, "here")
    log.save_on_termination(1)  # of the attempt before the latest one
    log.start(1, "here")
    if saved:
        log.save_on_termination(1)
    proposal = Proposal(1, 0, 0, {"technique": "lora", "data_size": 100, "learning_rate": 0.5})
    conclusions = Conclusions(latest(sweep, store), "{}")
    assert conclusions.conclude(proposal, stopped=False, error=error) is None
    attempts = log.of(1)
    assert attempts.failure is not None
    assert attempts.failure["outcome"] == kind
    assert (attempts.count, attempts.deaths) == (2, int(kind == DIED))


def test_a_full_disk_is_no_death_of_the_trial(tmp_path: Path, sweep: Sweep) -> None:
    store = Store(tmp_path / "store")
    conclusions = Conclusions(latest(sweep, store), "{}")
    AttemptLog(latest(sweep, store).files).start(1, "here")
    proposal = Proposal(1, 0, 0, {"technique": "lora", "data_size": 100, "learning_rate": 0.5})
    why = "/e/checkpoints was not stored: the disk is full; free some space."
    account = f"Traceback ...\norchestrator.store.errors.NotPublishedError: {why}\n"
    with pytest.raises(MachineError) as caught:
        conclusions.conclude(proposal, stopped=False, error=account)
    assert str(caught.value) == why
    assert AttemptLog(latest(sweep, store).files).of(1).deaths == 0


def test_a_hung_trial_says_what_to_do_if_it_was_still_loading(tmp_path: Path, sweep: Sweep) -> None:
    store = Store(tmp_path / "store")
    log = AttemptLog(latest(sweep, store).files)
    log.hang_account(1, log.start(1, "here")).write_text("Thread 1: snapshot_download")
    conclusions = Conclusions(latest(sweep, store), "{}")
    proposal = Proposal(1, 0, 0, {"technique": "lora", "data_size": 100, "learning_rate": 0.5})
    concluded = conclusions.conclude(proposal, stopped=False, error="the worker died")
    assert concluded is not None
    assert concluded[0]["outcome"] == "hung"
    error = concluded[0]["error"]
    assert "snapshot_download" in error
    remedy = error.rsplit("\n", 1)[-1]
    assert "for 30 minutes (limits.heartbeat_minutes; if it was still loading, raise that" in remedy


def test_a_process_that_dies_before_it_starts_is_another_death(
    tmp_path: Path, sweep: Sweep
) -> None:
    store = Store(tmp_path / "store")
    proposal = Proposal(1, 0, 0, {"technique": "lora", "data_size": 100, "learning_rate": 0.5})
    log = AttemptLog(latest(sweep, store).files)
    log.start(1, "here")
    log.fail(1, MACHINE, "the disk was full", "and is not any more")
    conclusions = Conclusions(latest(sweep, store), "{}")
    concluded = conclusions.conclude(proposal, stopped=False, error="died", earlier_attempts=1)
    assert concluded is None
    assert (log.of(1).count, log.of(1).deaths) == (2, 1)


def test_a_row_has_the_environment_of_the_machine_that_reported_last(
    tmp_path: Path, sweep: Sweep
) -> None:
    store = Store(tmp_path / "store")
    stored = latest(sweep, store)
    log = AttemptLog(stored.files)
    log.start(1, "one", {"machine": "arm64"})  # lost before its first report
    proposal = _run(store, sweep, 0.5, environment={"machine": "x86_64"})
    log.start(1, "three", {"machine": "riscv"})  # did nothing more
    concluded = Conclusions(stored, '{"machine": "here"}').conclude(proposal, stopped=False)
    assert concluded is not None
    assert concluded[0]["environment_json"] == '{"machine": "x86_64"}'


def test_a_trial_of_a_machine_whose_clock_is_ahead_does_not_end_before_it_starts(
    tmp_path: Path, sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path / "store")

    class Ahead(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return datetime.datetime.now(tz) + datetime.timedelta(days=2)

    clocks = SimpleNamespace(datetime=Ahead, UTC=datetime.UTC)
    with monkeypatch.context() as there:
        there.setattr("orchestrator.state.attempts.datetime", clocks)
        proposal = _run(store, sweep, 0.5)
    concluded = Conclusions(latest(sweep, store), "{}").conclude(proposal, stopped=False)
    assert concluded is not None
    row, _ = concluded
    assert row["started_at"] <= row["ended_at"]


def test_attempts_on_machines_that_could_not_take_the_trial_do_not_count(
    tmp_path: Path, sweep: Sweep
) -> None:
    store = Store(tmp_path / "store")
    log = AttemptLog(latest(sweep, store).files)
    log.start(1, "unfit")
    log.fail(1, NODE, "no driver", "DeviceUnavailable: no driver")
    proposal = _run(store, sweep, 0.5)
    concluded = Conclusions(latest(sweep, store), "{}").conclude(proposal, stopped=False)
    assert concluded is not None
    assert concluded[0]["attempts"] == 1


def test_workers_that_do_not_meet_end_the_sweep_and_blame_no_trial(
    tmp_path: Path, sweep: Sweep
) -> None:
    store = Store(tmp_path / "store")
    proposal = Proposal(1, 0, 0, {"technique": "lora", "data_size": 100, "learning_rate": 0.5})
    met = "Worker 1 of 2, at 10.0.0.2 (interface eth0), did not meet the others at 10.0.0.1"
    error = f"Traceback:\ntrainables.runtime.rendezvous.RendezvousError: {met}\n"
    conclusions = Conclusions(latest(sweep, store), "{}")
    with pytest.raises(MachineError, match=r"Worker 1 of 2, at 10\.0\.0\.2"):
        conclusions.conclude(proposal, stopped=False, error=error, earlier_attempts=0)
