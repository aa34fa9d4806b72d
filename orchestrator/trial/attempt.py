"""One attempt at a trial, in the process that it was given."""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import platform
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from orchestrator.errors import told
from orchestrator.outcomes import environment
from orchestrator.outcomes.failures import halve_micro_batch
from orchestrator.search.proposals import Proposal, rungs, trial_configuration
from orchestrator.state.attempts import AttemptLog
from orchestrator.state.checkpoints import TrialCheckpoints
from orchestrator.state.node_marker import NodeMarker
from orchestrator.state.stop_request import StopRequest
from orchestrator.state.stored_sweep import StoredSweep
from orchestrator.store import StoreError
from orchestrator.trial.elsewhere import FailedElsewhereError, ModelLostError
from orchestrator.trial.failure_kind import failure_kind
from orchestrator.trial.heartbeat import Heartbeat
from orchestrator.trial.interruption import TrialInterruption
from orchestrator.trial.recorder import Follower, TrialRecorder, resume_point
from orchestrator.trial.watchdog import Watchdog
from trainables.contract.errors import PeerLostError
from trainables.contract.reports import Interruption, Learner, Report


@dataclass(frozen=True)
class TrialJob:
    """What all trials of a sweep have in common.

    Attributes:
        stored: The sweep; its root is the same on every node.
        kind: "cuda", "mps" or "cpu".
        workers: Processes of one trial.
        learner: "module:function" of what trains, a `trainables.contract.reports.Learner`.
        marker: By which a node sees that its root is the driver's; None where there is no other
            node than the driver's.
    """

    stored: StoredSweep
    kind: str
    workers: int
    learner: str
    marker: NodeMarker | None = None


def run(
    job: TrialJob,
    proposal: Proposal,
    report: Callable[[dict[str, Any]], None],
    learner: Learner | None = None,
) -> None:
    """Runs one attempt at a trial in this process, which is its first worker or its only one.

    Args:
        job: What all trials have in common.
        proposal: The trial.
        report: Takes the stored row of each report; does not return if the trial is to end there.
        learner: What trains in place of the job's, in another process: the trial goes on where that
            is lost, and ends as it did if it was alone there.

    Raises:
        Exception: Whatever the learner raised; it is on record before.
    """
    number, files = proposal.trial_number, job.stored.files
    log = AttemptLog(files)
    attempt = log.start(number, platform.node(), environment.capture())
    minutes = job.stored.sweep.limits.heartbeat_minutes
    watchdog = Watchdog(log.hang_account(number, attempt), 60 * minutes)

    def tell(row: dict[str, Any]) -> None:
        with watchdog.paused():  # the driver may take its time to answer
            report(row)

    checkpoints = TrialCheckpoints(files, files.trial_id(number))
    is_new = attempt == 1
    interruption = TrialInterruption(
        StopRequest(files), checkpoints, partial(log.save_on_termination, number)
    )

    def learn() -> None:
        nonlocal is_new
        passed, memory_failures = None, 0
        if not is_new:
            memory_failures = log.of(number).memory_failures
            passed = resume_point(job.stored, proposal)
            # Of an attempt that ended before its report: nobody may rely on it.
            checkpoints.drop_after(passed or 0)
        recorder = TrialRecorder(job.stored, proposal, attempt, tell, is_new=is_new)
        is_new = False  # where it goes on after its model was lost
        _learn(
            job,
            proposal,
            recorder,
            passed,
            memory_failures,
            Heartbeat(watchdog, log.progress_note(number)).beat,
            # The workers of a group would have to agree on the step.
            interruption if job.workers == 1 else None,
            learner,
        )

    with _failure_on_record(log, number, attempt), watchdog:
        while True:
            try:
                return learn()
            except ModelLostError as lost:
                if lost.was_alone:
                    _end_as(lost, log.hang_account(number, attempt))


def _end_as(lost: ModelLostError, hang_account: Path) -> None:
    """Ends this process as that ended which had the trial's model: the driver counts the death."""
    if lost.account:
        hang_account.write_text(lost.account)
    os.kill(os.getpid(), signal.SIGKILL)


def follow(job: TrialJob, proposal: Proposal, pass_on: Callable[[int], None]) -> None:
    """Takes part in an attempt as a worker that leaves reporting to the first of its group.

    Where it hangs the first worker waits for it, and is ended by its own watchdog.

    Args:
        job: What all trials have in common.
        proposal: The trial.
        pass_on: Called with each rung.

    Raises:
        Exception: Whatever the learner raised; it is on record before.
    """
    log, number = AttemptLog(job.stored.files), proposal.trial_number
    with _failure_on_record(log, number):
        passed = resume_point(job.stored, proposal)
        _learn(job, proposal, Follower(pass_on), passed, log.of(number).memory_failures)


def _learn(
    job: TrialJob,
    proposal: Proposal,
    report: Report,
    passed: int | None,
    memory_failures: int,
    heartbeat: Callable[[int], None] | None = None,
    interruption: Interruption | None = None,
    learner: Learner | None = None,
) -> None:
    files = job.stored.files
    checkpoint = None
    if passed is not None:
        checkpoints = TrialCheckpoints(files, files.trial_id(proposal.trial_number))
        checkpoint = checkpoints.folder(passed)
    configuration = trial_configuration(job.stored.sweep, proposal)
    if learner is None:
        learner = named(job.learner)
    learner(
        halve_micro_batch(configuration, memory_failures, job.workers),
        rungs(job.stored.sweep, configuration),
        report,
        resume_from=checkpoint,
        device=job.kind,
        heartbeat=heartbeat,
        interruption=interruption,
    )


def named(name: str) -> Any:
    """Returns what "module:attribute" names, such as a learner."""
    module, _, attribute = name.partition(":")
    if module not in sys.modules:
        _load(module)
    return getattr(importlib.import_module(module), attribute)


def _load(module: str) -> None:
    """Imports a module, and has the collector of cycles leave alone what that makes, for good.

    With torch and transformers that is half a million objects, next to none of them garbage. To
    look through them again and again took a seventh of the import's CPU time, and half a second
    of each full collection afterwards (`benchmarks/RESULTS.md`, "What a process loads").
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        importlib.import_module(module)
        gc.freeze()
    finally:
        if was_enabled:
            gc.enable()


@contextlib.contextmanager
def _failure_on_record(
    log: AttemptLog, trial_number: int, attempt: int | None = None
) -> Iterator[None]:
    """Puts an error on record before it goes on to whoever runs the process."""
    try:
        yield
    except PeerLostError:  # whoever is gone has said why, or the driver finds that it died
        raise
    except FailedElsewhereError as error:
        with contextlib.suppress(StoreError):
            log.fail(trial_number, error.kind, error.error, error.trace, attempt)
        raise
    except Exception as error:
        # On a full disk the record cannot be written either; the driver then sees a death.
        with contextlib.suppress(StoreError):
            message = f"{type(error).__name__}: {told(error)}"
            log.fail(trial_number, failure_kind(error), message, traceback.format_exc(), attempt)
        raise
