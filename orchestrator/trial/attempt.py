"""One trial as a Ray Train function.

A trial on one device runs in the process that Ray Tune gave it: Ray Train's local mode, with the
process kept for the next trial. A trial on several devices is a Ray Train worker group, whose rank
0 records and reports, and waits at each rung until the verdict is known.
"""

from __future__ import annotations

import contextlib
import importlib
import platform
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from orchestrator.outcomes.conclusions import diverged
from orchestrator.outcomes.failures import eased
from orchestrator.search.halving import RUNG
from orchestrator.search.identity import trial_id
from orchestrator.search.proposals import Proposal, rungs, trial_configuration
from orchestrator.search_space import Sweep
from orchestrator.state.attempts import MACHINE, AttemptLog
from orchestrator.state.checkpoints import TrialCheckpoints
from orchestrator.state.stop_request import StopRequest
from orchestrator.store import Store, StoreError
from orchestrator.store.keys import state_folder
from orchestrator.trial.heartbeat import Heartbeat
from orchestrator.trial.recorder import TrialRecorder, resume_point
from orchestrator.trial.termination import THIS_PROCESS, Terminable
from orchestrator.trial.watchdog import Watchdog

_OF_THE_MACHINE = ("BaseModelUnavailable", "DatasetError", "DeviceUnavailable")
"""Errors of the learner's that are about what all trials share: no trial is to blame."""
_LACK_OF_MEMORY = (
    "out of memory",  # CUDA's allocator and driver, MPS
    "cublas_status_alloc_failed",  # cuBLAS allocates outside torch's allocator
    "cudnn_status_alloc_failed",
    "invalid buffer size",  # MPS: larger than any single buffer may be
)
"""How a lack of device memory reads where it is a plain `RuntimeError`, in small letters."""


@dataclass(frozen=True)
class TrialJob:
    """What all trials of a sweep have in common.

    Attributes:
        root: Folder of the experiment store, absolute, the same on every node.
        sweep_id: The sweep.
        sweep: The resolved search space file.
        kind: "cuda", "mps" or "cpu".
        workers: Processes of one trial.
        resources: What Ray reserves for one of them.
        learner: "module:function" of what trains; `trainables.finetune.finetune` is one.
    """

    root: Path
    sweep_id: str
    sweep: Sweep
    kind: str
    workers: int
    resources: dict[str, float]
    learner: str


def tune_function(job: TrialJob) -> Callable[[dict[str, Any]], None]:
    """Returns the function that Ray Tune runs for each trial, with `{"proposal": Proposal}`."""

    def trial(config: dict[str, Any]) -> None:
        proposal: Proposal = config["proposal"]
        with _labelled(proposal, trial_id(job.sweep_id, proposal.trial_number)):
            if job.workers == 1:
                _fit_here(job, proposal)
            else:
                _fit_in_group(job, proposal)

    # The dashboard's Actors page shows this name beside each of the sweep's processes.
    trial.__name__ = job.sweep.name
    if job.workers == 1:
        vars(trial)["__mixins__"] = (Terminable,)  # read by Ray Tune's `wrap_function`
    return trial


def run(
    job: TrialJob,
    proposal: Proposal,
    tell: Callable[[dict[str, Any]], None],
    follow: Callable[[int], None] | None = None,
) -> None:
    """Runs one attempt at a trial in this process.

    Args:
        job: What all trials have in common.
        proposal: The trial.
        tell: Takes the stored row of each report; does not return if the trial is to end there.
        follow: Given in the workers of a group that do not report: called with each rung.

    Raises:
        Exception: Whatever the learner raised; it is on record before.
    """
    store = Store(job.root)
    identifier = trial_id(job.sweep_id, proposal.trial_number)
    log = AttemptLog(store, job.sweep_id)
    configuration = eased(
        trial_configuration(job.sweep, proposal),
        log.of(proposal.trial_number).memory_failures,
        job.workers,
    )
    grid = rungs(job.sweep, configuration)
    report: TrialRecorder | _Follower
    watchdog: Watchdog | None = None
    if follow is None:
        attempt = log.start(proposal.trial_number, platform.node())
        watchdog = Watchdog(
            log.hang_account(proposal.trial_number, attempt),
            60 * job.sweep.limits.heartbeat_minutes,
        )
        report = TrialRecorder(
            store,
            job.sweep_id,
            proposal.trial_number,
            grid,
            configuration.validation_protocol,
            attempt,
            _while_paused(watchdog, tell),
        )
    else:
        # Where a follower hangs the first worker waits for it, and is ended by its own watchdog.
        report = _Follower(follow)
    passed = resume_point(store, job.sweep_id, identifier, grid)
    checkpoints = TrialCheckpoints(store.root, job.sweep_id, identifier)
    if follow is None:
        # Of an attempt that ended before its report: nobody may rely on it.
        checkpoints.drop_after(passed or 0)
    module, _, function = job.learner.partition(":")
    try:
        with watchdog or contextlib.nullcontext():
            learn = getattr(importlib.import_module(module), function)
            learn(
                configuration,
                grid,
                report,
                resume_from=None if passed is None else checkpoints.path(passed),
                device=job.kind,
                heartbeat=(
                    None
                    if watchdog is None
                    else Heartbeat(watchdog, log.progress_note(proposal.trial_number)).beat
                ),
                interruption=(
                    Interruption(
                        StopRequest(store.root, job.sweep_id),
                        checkpoints,
                        partial(log.save_on_termination, proposal.trial_number),
                    )
                    if job.workers == 1
                    else None
                ),
            )
    except Exception as error:
        # On a full disk the record cannot be written either; the driver then sees a death.
        with contextlib.suppress(StoreError):
            log.fail(
                proposal.trial_number,
                _kind(error),
                f"{type(error).__name__}: {error}",
                traceback.format_exc(),
            )
        raise


def _while_paused(
    watchdog: Watchdog, tell: Callable[[dict[str, Any]], None]
) -> Callable[[dict[str, Any]], None]:
    """Returns `tell` with the watchdog off while the verdict is awaited."""

    def told(row: dict[str, Any]) -> None:
        with watchdog.paused():
            tell(row)

    return told


@dataclass(frozen=True)
class Interruption:
    """Ends a trial where it is when the driver or SIGTERM asks for it: a learner's protocol.

    Attributes:
        request: The driver's.
        checkpoints: Of the trial.
        saved: Called when this process is to end, and has saved.
    """

    request: StopRequest
    checkpoints: TrialCheckpoints
    saved: Callable[[], None]

    def requested(self) -> bool:
        """Returns whether the trial is to end."""
        return THIS_PROCESS.received or self.request.made()

    def record(self, examples_seen: int, save: Callable[[Path], None]) -> None:
        """Keeps the checkpoint of where it is."""
        self.checkpoints.publish(examples_seen, save)
        if THIS_PROCESS.received:
            self.saved()


@dataclass(frozen=True)
class _Follower:
    """The report of a worker that leaves reporting to the first of its group."""

    follow: Callable[[int], None]


def objective_of(job: TrialJob, proposal: Proposal, row: dict[str, Any]) -> dict[str, Any]:
    """Returns what Ray Tune is told of a stored report."""
    metric = job.sweep.objective.metric
    budget = job.sweep.budget_examples(proposal.configuration)
    return {
        RUNG: row[RUNG],
        "last": row[RUNG] == budget,
        "diverged": diverged(row, metric),
        "objective": row[metric],
        metric: row[metric],
        "step": row["step"],
    }


def _fit_here(job: TrialJob, proposal: Proposal) -> None:
    import ray.tune
    from ray.train import RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer

    def loop() -> None:
        with THIS_PROCESS.awaited():
            run(job, proposal, lambda row: ray.tune.report(objective_of(job, proposal, row)))

    TorchTrainer(
        loop,
        scaling_config=ScalingConfig(num_workers=0),
        run_config=RunConfig(name=trial_id(job.sweep_id, proposal.trial_number)),
    ).fit()


def _fit_in_group(job: TrialJob, proposal: Proposal) -> None:
    from ray.train import RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer
    from ray.tune.integration.ray_train import TuneReportCallback

    from orchestrator.ray_tune.worker_group import GroupConfig

    TorchTrainer(
        _group_loop,
        train_loop_config={"job": job, "proposal": proposal},
        scaling_config=ScalingConfig(
            num_workers=job.workers,
            use_gpu=job.kind == "cuda",
            resources_per_worker=job.resources,
        ),
        torch_config=GroupConfig(backend="nccl" if job.kind == "cuda" else "gloo"),
        run_config=RunConfig(
            name=trial_id(job.sweep_id, proposal.trial_number),
            storage_path=str(job.root / state_folder(job.sweep_id) / "ray"),
            callbacks=[TuneReportCallback()],
        ),
    ).fit()


def _group_loop(config: dict[str, Any]) -> None:
    import ray.train

    from orchestrator.ray_tune.go_ahead import wait_for_verdict

    job: TrialJob = config["job"]
    proposal: Proposal = config["proposal"]
    identifier = trial_id(job.sweep_id, proposal.trial_number)

    def tell(row: dict[str, Any]) -> None:
        ray.train.report(objective_of(job, proposal, row))
        # Without the verdict the group would train on while it is being stopped.
        wait_for_verdict(job.sweep_id, identifier, row[RUNG])

    def follow(rung: int) -> None:
        # Ray Train passes a report on when every worker has made one.
        ray.train.report({})

    first = ray.train.get_context().get_world_rank() == 0
    with _labelled(proposal, identifier):
        run(job, proposal, tell, None if first else follow)


def _kind(error: BaseException | None) -> str:
    """Returns the kind of failure of an error or of what caused it."""
    while error is not None:
        # By name where the class is torch's or the learner's, which this package does not import.
        name = type(error).__name__
        if (
            isinstance(error, MemoryError)
            or name == "OutOfMemoryError"
            or (isinstance(error, RuntimeError) and _lacks_memory(str(error).lower()))
        ):
            return "out_of_memory"
        if isinstance(error, StoreError | OSError) or name in _OF_THE_MACHINE:
            return MACHINE
        error = error.__cause__
    return "failed"


def _lacks_memory(message: str) -> bool:
    return any(text in message for text in _LACK_OF_MEMORY)


@contextlib.contextmanager
def _labelled(proposal: Proposal, identifier: str) -> Iterator[None]:
    rank = proposal.configuration.get("rank")
    label = f"{identifier} {proposal.configuration['technique']}"
    label += f" r={rank}" if rank is not None else ""
    with (
        contextlib.redirect_stdout(_LabelledStream(sys.stdout, label)),
        contextlib.redirect_stderr(_LabelledStream(sys.stderr, label)),
    ):
        configuration = {k: v for k, v in proposal.configuration.items() if k != "technique"}
        print(f"starts: {configuration}, replicate {proposal.replicate}", flush=True)
        yield


class _LabelledStream:
    """A text stream that begins every line with a label."""

    def __init__(self, stream: TextIO, label: str) -> None:
        self._stream = stream
        self._label = label
        self._line_begins = True

    def write(self, text: str) -> int:
        for line in text.splitlines(keepends=True):
            if self._line_begins:
                self._stream.write(f"[{self._label}] ")
            self._stream.write(line)
            self._line_begins = line.endswith("\n")
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
