"""What an attempt at a trial puts on record when it fails."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.outcomes import environment
from orchestrator.search.proposals import Proposal
from orchestrator.state.attempts import MACHINE, NODE, AttemptLog
from orchestrator.state.content_log import ContentChangedError
from orchestrator.state.stored_sweep import latest
from orchestrator.store import Store
from orchestrator.trial.attempt import TrialJob, follow, run
from tests.orchestrator import sweeps
from trainables.contract.errors import PeerLostError, SharedError, UserError
from trainables.data.errors import DatasetError


class DeviceUnavailable(SharedError):  # noqa: N818 - named as the learner's
    """As `trainables.runtime.device.DeviceUnavailable`."""


class CheckpointError(UserError):
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
        (CheckpointError(), OSError(5, "Input/output error"), NODE),
        (OSError(28, "No space left on device"), None, MACHINE),
        (CheckpointError(), ValueError("of another model"), "failed"),
        (ContentChangedError("other rows"), None, MACHINE),
        (DatasetError("is not there"), None, NODE),
        (DeviceUnavailable("too old a driver"), None, NODE),
    ],
)
def test_a_failure_is_told_by_the_error_or_its_cause(
    tmp_path: Path, error: Exception, cause: Exception | None, kind: str
) -> None:
    stored = latest(sweeps.toy(tmp_path), Store(tmp_path / "store"))
    error.__cause__ = cause
    raising.error = error
    job = TrialJob(stored, "cpu", 1, f"{__name__}:raising")
    proposal = Proposal(1, 0, 0, {"technique": "lora", "data_size": 100, "learning_rate": 0.5})
    with pytest.raises(type(error)):
        run(job, proposal, lambda row: None)
    failure = AttemptLog(stored.files).of(1).failure
    assert failure is not None
    assert failure["outcome"] == kind


class _Raising:
    """A learner that raises."""

    error: Exception
    before: Callable[[], object] = staticmethod(lambda: None)

    def __call__(self, *arguments: object, **options: object) -> None:
        self.before()
        raise self.error


raising = _Raising()


def test_a_worker_whose_fellow_is_gone_says_nothing_of_the_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = latest(sweeps.toy(tmp_path), Store(tmp_path / "store"))
    monkeypatch.setattr(raising, "error", PeerLostError("closed by peer"), raising=False)
    job = TrialJob(stored, "cpu", 2, f"{__name__}:raising")
    proposal = Proposal(1, 0, 0, {"technique": "lora", "data_size": 100, "learning_rate": 0.5})
    with pytest.raises(PeerLostError):
        run(job, proposal, lambda row: None)
    with pytest.raises(PeerLostError):
        follow(job, proposal, lambda rung: None)
    assert AttemptLog(stored.files).of(1).failure is None


def test_an_attempt_is_on_record_with_what_it_runs_in(tmp_path: Path) -> None:
    stored = latest(sweeps.toy(tmp_path), Store(tmp_path / "store"))
    job = TrialJob(stored, "cpu", 1, "tests.orchestrator.toy:finetune")
    proposal = Proposal(1, 0, 0, {"technique": "lora", "data_size": 100, "learning_rate": 0.5})
    run(job, proposal, lambda row: None)
    assert AttemptLog(stored.files).environment(1, 1) == environment.capture()


def test_an_attempt_that_was_given_up_does_not_speak_for_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = latest(sweeps.toy(tmp_path), Store(tmp_path / "store"))
    log = AttemptLog(stored.files)
    # As where its node was cut off the network, and is back.
    monkeypatch.setattr(raising, "before", lambda: log.start(1, "another"))
    monkeypatch.setattr(raising, "error", OSError(28, "No space left on device"), raising=False)
    job = TrialJob(stored, "cpu", 1, f"{__name__}:raising")
    proposal = Proposal(1, 0, 0, {"technique": "lora", "data_size": 100, "learning_rate": 0.5})
    with pytest.raises(OSError, match="No space"):
        run(job, proposal, lambda row: None)
    assert log.of(1).count == 2
    assert log.of(1).failure is None


def test_a_follower_that_fails_before_the_first_worker_has_begun_is_heard(tmp_path: Path) -> None:
    stored = latest(sweeps.toy(tmp_path), Store(tmp_path / "store"))
    raising.error = ValueError("of the follower")
    job = TrialJob(stored, "cpu", 2, f"{__name__}:raising")
    proposal = Proposal(1, 0, 0, {"technique": "lora", "data_size": 100, "learning_rate": 0.5})
    with pytest.raises(ValueError, match="of the follower"):
        follow(job, proposal, lambda rung: None)
    log = AttemptLog(stored.files)
    log.start(1, "here")
    failure = log.of(1).failure
    assert failure is not None
    assert failure["error"] == "ValueError: of the follower"
