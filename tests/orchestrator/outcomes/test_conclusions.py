"""How a trial's end is judged, and what its final row says."""

from __future__ import annotations

import errno
import math
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from orchestrator.outcomes.conclusions import Conclusions, judge
from orchestrator.outcomes.failures import MachineError
from orchestrator.search.identity import sweep_id, trial_id
from orchestrator.search.proposals import Proposal, rungs, trial_configuration
from orchestrator.search_space import Sweep
from orchestrator.state.attempts import DIED, MACHINE, TERMINATED, AttemptLog
from orchestrator.state.checkpoints import TrialCheckpoints
from orchestrator.store import Store
from orchestrator.trial.attempt import TrialJob, run
from orchestrator.trial.recorder import TrialRecorder, resume_point
from tests.orchestrator import sweeps, toy


def _reports(*values: float | None, loss: float = 0.5) -> list[dict[str, Any]]:
    return [
        {"rung_examples": rung, "rouge_l": value, "train_loss": loss, "eval_loss": 0.5}
        for rung, value in zip((90, 270, 810, 900), values, strict=False)
    ]


@pytest.mark.parametrize(
    ("reports", "stopped", "tested", "failure", "outcome"),
    [
        (_reports(0.1, 0.2, 0.3, 0.4), False, True, None, "completed"),
        (_reports(0.1, 0.2, 0.3, 0.4), False, False, None, None),
        (_reports(0.1, 0.2, 0.3, 0.4), False, False, "failed", "failed"),
        (_reports(0.1), True, False, None, "stopped"),
        (_reports(0.1), False, False, None, None),
        (_reports(0.1, None, loss=math.nan), False, False, None, "diverged"),
        (_reports(0.1, None, loss=math.inf), True, False, None, "diverged"),
        (_reports(0.1), False, False, "out_of_memory", "out_of_memory"),
        ([], False, False, None, None),
        ([], False, False, "failed", "failed"),
    ],
)
def test_judge(
    reports: list[dict[str, Any]],
    stopped: bool,
    tested: bool,
    failure: str | None,
    outcome: str | None,
) -> None:
    found = judge(reports, 900, "rouge_l", stopped=stopped, tested=tested, failure=failure)
    assert found == outcome


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    return sweeps.toy(tmp_path)


def _run(store: Store, sweep: Sweep, rate: float, until: int | None = None) -> Proposal:
    """Runs a toy trial in this process, as a worker would; optionally killed at a rung."""
    proposal = Proposal(
        1, 0, 0, {"technique": "lora", "data_size": 100, "rank": 4, "learning_rate": rate}
    )
    identifier = sweep_id(sweep)
    configuration = trial_configuration(sweep, proposal)
    grid = rungs(sweep, configuration)
    attempt = AttemptLog(store, identifier).start(1, "here")

    def tell(row: dict[str, Any]) -> None:
        if row["rung_examples"] == until:
            raise KeyboardInterrupt

    recorder = TrialRecorder(store, identifier, 1, grid, "standard", attempt, tell)
    passed = resume_point(store, identifier, trial_id(identifier, 1), grid)
    folder = store.root / f"checkpoints/sweep={identifier}/{trial_id(identifier, 1)}"
    toy.finetune(
        configuration,
        grid,
        recorder,
        resume_from=folder / f"{passed:010d}" if passed is not None else None,
    )
    return proposal


def test_a_completed_trial_has_scores_of_both_splits(tmp_path: Path, sweep: Sweep) -> None:
    store = Store(tmp_path / "store")
    proposal = _run(store, sweep, 0.5)
    concluded = Conclusions(sweep, sweep_id(sweep), store, "{}").conclude(proposal, stopped=False)
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
    assert dict(result.curve) == pytest.approx({90: 0.05, 270: 0.15, 810: 0.45, 900: 0.5})


def test_a_diverged_trial_has_no_objective(tmp_path: Path, sweep: Sweep) -> None:
    store = Store(tmp_path / "store")
    proposal = _run(store, sweep, 9.0)
    concluded = Conclusions(sweep, sweep_id(sweep), store, "{}").conclude(proposal, stopped=False)
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
    concluded = Conclusions(sweep, sweep_id(sweep), store, "{}").conclude(proposal, stopped=False)
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
    conclusions = Conclusions(sweep, sweep_id(sweep), store, "{}")
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
    log = AttemptLog(store, sweep_id(sweep))
    log.start(1, "here")
    log.save_on_termination(1)  # of the attempt before the latest one
    log.start(1, "here")
    if saved:
        log.save_on_termination(1)
    proposal = Proposal(1, 0, 0, {"technique": "lora", "data_size": 100, "learning_rate": 0.5})
    conclusions = Conclusions(sweep, sweep_id(sweep), store, "{}")
    assert conclusions.conclude(proposal, stopped=False, error=error) is None
    attempts = log.of(1)
    assert attempts.failure is not None
    assert attempts.failure["outcome"] == kind
    assert (attempts.count, attempts.deaths) == (2, int(kind == DIED))


def test_a_full_disk_is_no_death_of_the_trial(tmp_path: Path, sweep: Sweep) -> None:
    store = Store(tmp_path / "store")
    conclusions = Conclusions(sweep, sweep_id(sweep), store, "{}")
    AttemptLog(store, sweep_id(sweep)).start(1, "here")
    proposal = Proposal(1, 0, 0, {"technique": "lora", "data_size": 100, "learning_rate": 0.5})
    why = "/e/checkpoints was not stored: the disk is full; free some space."
    account = f"Traceback ...\norchestrator.store.errors.NotPublishedError: {why}\n"
    with pytest.raises(MachineError) as caught:
        conclusions.conclude(proposal, stopped=False, error=account)
    assert str(caught.value) == why
    assert AttemptLog(store, sweep_id(sweep)).of(1).deaths == 0


def test_a_hung_trial_says_what_to_do_if_it_was_still_loading(tmp_path: Path, sweep: Sweep) -> None:
    store = Store(tmp_path / "store")
    log = AttemptLog(store, sweep_id(sweep))
    log.hang_account(1, log.start(1, "here")).write_text("Thread 1: snapshot_download")
    conclusions = Conclusions(sweep, sweep_id(sweep), store, "{}")
    proposal = Proposal(1, 0, 0, {"technique": "lora", "data_size": 100, "learning_rate": 0.5})
    concluded = conclusions.conclude(proposal, stopped=False, error="the worker died")
    assert concluded is not None
    assert concluded[0]["outcome"] == "hung"
    error = concluded[0]["error"]
    assert "snapshot_download" in error
    remedy = error.rsplit("\n", 1)[-1]
    assert "for 30 minutes (limits.heartbeat_minutes; if it was still loading, raise that" in remedy


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask


def test_checkpoints_are_readable_and_unreported_ones_are_not_trusted(tmp_path: Path) -> None:
    checkpoints = TrialCheckpoints(tmp_path, "toy-1", "t-a")
    for rung in (90, 270, 810):
        checkpoints.publish(rung, lambda folder: (folder / "weights").touch(0o600))
    assert (checkpoints.path(90) / "weights").stat().st_mode & 0o777 == 0o666 & ~_umask()
    checkpoints.drop_after(270)
    assert checkpoints.stored() == {90, 270}


def test_a_checkpoint_that_can_be_removed_in_part_only_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints = TrialCheckpoints(tmp_path, "toy-1", "t-a")
    for rung in (90, 270, 810):
        checkpoints.publish(rung, lambda folder: (folder / "weights").touch())

    def refuse(path: Path, **_: object) -> None:
        (path / "weights").unlink()
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(shutil, "rmtree", refuse)
    checkpoints.drop_after(270)
    checkpoints.drop_before(270)
    assert checkpoints.stored() == {270}
    assert (checkpoints.path(270) / "weights").is_file()
    assert len(list((tmp_path / "staging").iterdir())) == 2


def test_a_checkpoint_that_cannot_be_renamed_stays_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints = TrialCheckpoints(tmp_path, "toy-1", "t-a")
    for rung in (90, 270):
        checkpoints.publish(rung, lambda folder: (folder / "weights").touch())

    def refuse(path: Path, target: Path) -> Path:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "rename", refuse)
    checkpoints.drop_before(270)
    assert checkpoints.stored() == {90, 270}
    assert (checkpoints.path(90) / "weights").is_file()


@pytest.mark.parametrize(
    ("reported", "stored", "point"),
    [
        ((), {37}, 37),  # interrupted before its first rung
        ((), {90}, None),  # ended between the checkpoint and the report
        ((90,), {90}, 90),
        ((90,), {90, 113, 200}, 200),  # interrupted twice on the way to the second
        ((90, 270), {200, 270}, 270),
        ((90, 270), {270, 810}, 270),
        ((90, 270), {13}, 13),  # somebody took the later ones away
        ((90, 270), set(), None),
    ],
)
def test_a_trial_goes_on_from_where_it_was_last_known_to_be(
    tmp_path: Path, sweep: Sweep, reported: tuple[int, ...], stored: set[int], point: int | None
) -> None:
    store = Store(tmp_path / "store")
    identifier = sweep_id(sweep)
    trial = trial_id(identifier, 1)
    proposal = Proposal(1, 0, 0, {"technique": "lora", "data_size": 100, "learning_rate": 0.5})
    grid = rungs(sweep, trial_configuration(sweep, proposal))
    checkpoints = TrialCheckpoints(store.root, identifier, trial)
    recorder = TrialRecorder(store, identifier, 1, grid, "standard", 1, lambda row: None)
    for index, rung in enumerate(reported):
        recorder.rung(toy.ToyReport(index, rung, rung, {}, [], lambda folder: None))
    for examples in checkpoints.stored() - stored:
        checkpoints.path(examples).rmdir()
    for examples in stored:
        checkpoints.publish(examples, lambda folder: None)
    assert resume_point(store, identifier, trial, grid) == point


def test_a_process_that_dies_before_it_starts_is_another_death(
    tmp_path: Path, sweep: Sweep
) -> None:
    store = Store(tmp_path / "store")
    proposal = Proposal(1, 0, 0, {"technique": "lora", "data_size": 100, "learning_rate": 0.5})
    log = AttemptLog(store, sweep_id(sweep))
    log.start(1, "here")
    log.fail(1, MACHINE, "the disk was full", "and is not any more")
    conclusions = Conclusions(sweep, sweep_id(sweep), store, "{}")
    concluded = conclusions.conclude(proposal, stopped=False, error="died", earlier_attempts=1)
    assert concluded is None
    assert (log.of(1).count, log.of(1).deaths) == (2, 1)


class DatasetError(Exception):
    """As `trainables.data.tables.DatasetError`."""


class DeviceUnavailable(Exception):  # noqa: N818 - named as the learner's
    """As `trainables.runtime.device.DeviceUnavailable`."""


class CheckpointError(Exception):
    """As `trainables.training.checkpoint.CheckpointError`."""


@pytest.mark.parametrize(
    ("error", "cause", "kind"),
    [
        (ValueError("no"), None, "failed"),
        (ValueError("no"), KeyError("nor this"), "failed"),
        (MemoryError(), None, "out_of_memory"),
        (RuntimeError("CUDA error: out of memory"), None, "out_of_memory"),
        (RuntimeError("MPS backend out of memory (MPS allocated: 17 GiB)"), None, "out_of_memory"),
        (RuntimeError("Invalid buffer size: 19.38 GiB"), None, "out_of_memory"),
        (
            RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"),
            None,
            "out_of_memory",
        ),
        (RuntimeError("CUDA error: device-side assert triggered"), None, "failed"),
        (CheckpointError(), RuntimeError("CUDA out of memory."), "out_of_memory"),
        (CheckpointError(), OSError(5, "Input/output error"), MACHINE),
        (CheckpointError(), ValueError("of another model"), "failed"),
        (DatasetError("has changed"), None, MACHINE),
        (DeviceUnavailable("too old a driver"), None, MACHINE),
    ],
)
def test_a_failure_is_told_by_the_error_or_its_cause(
    tmp_path: Path, sweep: Sweep, error: Exception, cause: Exception | None, kind: str
) -> None:
    store = Store(tmp_path / "store")
    error.__cause__ = cause
    raising.error = error
    job = TrialJob(store.root, sweep_id(sweep), sweep, "cpu", 1, {"CPU": 1}, f"{__name__}:raising")
    proposal = Proposal(1, 0, 0, {"technique": "lora", "data_size": 100, "learning_rate": 0.5})
    with pytest.raises(type(error)):
        run(job, proposal, lambda row: None)
    failure = AttemptLog(store, sweep_id(sweep)).of(1).failure
    assert failure is not None
    assert failure["outcome"] == kind


class _Raising:
    """A learner that raises."""

    error: Exception

    def __call__(self, *arguments: object, **options: object) -> None:
        raise self.error


raising = _Raising()
