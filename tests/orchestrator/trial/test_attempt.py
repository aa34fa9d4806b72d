"""What an attempt at a trial puts on record when it fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.search.proposals import Proposal
from orchestrator.state.attempts import MACHINE, AttemptLog
from orchestrator.state.stored_sweep import latest
from orchestrator.store import Store
from orchestrator.trial.attempt import TrialJob, run
from tests.orchestrator import sweeps
from trainables.contract.errors import SharedError, UserError
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
        (CheckpointError(), OSError(5, "Input/output error"), MACHINE),
        (CheckpointError(), ValueError("of another model"), "failed"),
        (DatasetError("has changed"), None, MACHINE),
        (DeviceUnavailable("too old a driver"), None, MACHINE),
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

    def __call__(self, *arguments: object, **options: object) -> None:
        raise self.error


raising = _Raising()
