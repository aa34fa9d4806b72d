"""What an attempt at a trial puts on record when it fails."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from orchestrator.outcomes import environment
from orchestrator.search.proposals import Proposal
from orchestrator.state.attempts import MACHINE, NODE, AttemptLog
from orchestrator.state.content_log import ContentChangedError
from orchestrator.state.stored_sweep import latest
from orchestrator.store import Store
from orchestrator.trial.attempt import TrialJob, follow, run
from orchestrator.trial.elsewhere import FailedElsewhereError, ModelLostError
from tests.orchestrator import running, sweeps, toy
from trainables.contract.configuration import TrialConfiguration
from trainables.contract.errors import PeerLostError, SharedError, UserError
from trainables.contract.reports import Report, RungReport
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


LORA = Proposal(1, 0, 0, {"technique": "lora", "data_size": 100, "learning_rate": 0.5})


def test_a_trial_whose_model_is_lost_goes_on_from_its_last_checkpoint_in_the_same_attempt(
    tmp_path: Path,
) -> None:
    stored = latest(sweeps.toy(tmp_path), Store(tmp_path / "store"))
    visits: list[Path | None] = []

    def learner(
        configuration: TrialConfiguration,
        rungs: Sequence[int],
        report: Report,
        *,
        resume_from: Path | None = None,
        **options: Any,
    ) -> None:
        visits.append(resume_from)
        toy.finetune(
            configuration, rungs, _Losing(report, rungs[1]), resume_from=resume_from, **options
        )

    rows: list[dict[str, Any]] = []
    run(TrialJob(stored, "cpu", 1, "not asked"), LORA, rows.append, learner)
    assert [row["rung_examples"] for row in rows] == [90, 270, 810, 900]
    assert len(visits) == 2
    assert visits[1] is not None
    assert visits[1].name == f"{90:010d}"
    assert AttemptLog(stored.files).of(1).count == 1


class _Losing:
    """Passes reports on; the first time at a rung the process that trains is lost."""

    lost: ClassVar[set[int]] = set()

    def __init__(self, report: Report, at: int) -> None:
        self._report = report
        self._at = at
        self.test, self.follow = report.test, report.follow

    def rung(self, report: RungReport) -> None:
        if report.rung_examples == self._at and self._at not in self.lost:
            self.lost.add(self._at)
            raise ModelLostError
        self._report.rung(report)


def test_a_failure_elsewhere_is_on_record_in_the_words_of_whoever_trained(tmp_path: Path) -> None:
    stored = latest(sweeps.toy(tmp_path), Store(tmp_path / "store"))
    raising.error = FailedElsewhereError("out_of_memory", "MemoryError: 1 GiB", "the traceback")
    with pytest.raises(FailedElsewhereError):
        run(TrialJob(stored, "cpu", 1, "not asked"), LORA, lambda row: None, raising)
    assert AttemptLog(stored.files).of(1).failure == {
        "outcome": "out_of_memory",
        "error": "MemoryError: 1 GiB",
        "traceback": "the traceback",
    }


_ALONE = f"""
import sys
from pathlib import Path
from orchestrator.state.stored_sweep import latest
from orchestrator.store import Store
from orchestrator.trial.attempt import TrialJob, run
from orchestrator.trial.elsewhere import ModelLostError
from orchestrator.trial.elsewhere import FailedElsewhereError, ModelLostError
from tests.orchestrator import running, sweeps, toy
from trainables.contract.configuration import TrialConfiguration
from {__name__} import LORA, raising

folder = Path(sys.argv[1])
raising.error = ModelLostError(sys.argv[2], was_alone=True)
stored = latest(sweeps.toy(folder), Store(folder / "store"))
run(TrialJob(stored, "cpu", 1, "not asked"), LORA, print, raising)
"""


@pytest.mark.parametrize("account", ["", "Thread 0x1: in a kernel"])
def test_a_trial_that_was_alone_ends_as_the_process_did_that_trained_it(
    tmp_path: Path, account: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _ALONE, str(tmp_path), account], cwd=running.TOP, timeout=60
    )
    assert done.returncode == -signal.SIGKILL
    log = AttemptLog(latest(sweeps.toy(tmp_path), Store(tmp_path / "store")).files)
    assert log.of(1).count == 1
    assert log.of(1).failure is None
    assert log.hang(1) == (account or None)
