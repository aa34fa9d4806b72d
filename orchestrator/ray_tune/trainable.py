"""One trial as a Ray Train function.

A trial on one device runs in the process that Ray Tune gave it: Ray Train's local mode, with the
process kept for the next trial. A trial on several devices is a Ray Train worker group, whose rank
0 records and reports, and waits at each rung until the driver lets it go on.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from orchestrator.outcomes.judgement import diverged
from orchestrator.outcomes.unmeasured import is_unmeasured
from orchestrator.ray_tune.fit_node import check_root, on_fit_node
from orchestrator.ray_tune.placement import Slots
from orchestrator.search.halving import RUNG
from orchestrator.search.proposals import Proposal, rungs, trial_configuration
from orchestrator.search.run_report import RunReport
from orchestrator.state.attempts import AttemptLog
from orchestrator.state.stored_sweep import StoredSweep
from orchestrator.trial.attempt import TrialJob, follow, run
from orchestrator.trial.labelled_output import labelled
from orchestrator.trial.termination import THIS_PROCESS

if TYPE_CHECKING:
    from orchestrator.ray_tune.group_board import GroupReports


SLOTS = "slots"
ENGINE = "engine"


def tune_function(job: TrialJob, board: str | None = None) -> Callable[[dict[str, Any]], None]:
    """Returns the function that Ray Tune runs for each trial.

    Its configuration is `{"proposal": Proposal, "slots": Slots, "engine": str | None}`: the trial,
    where it runs, and the engine that trains it, if one does.

    Args:
        job: What all trials have in common.
        board: Name of the board that worker groups report and wait at; None without any.
    """

    def trial(config: dict[str, Any]) -> None:
        proposal: Proposal = config["proposal"]
        slots: Slots = config[SLOTS]
        here = replace(job, kind=slots.kind)
        with labelled(proposal, job.stored.trial_id(proposal.trial_number)):
            if board is None:
                _fit_here(here, proposal, config[ENGINE])
            else:
                _fit_in_group(here, slots, board, proposal)

    # The dashboard's Actors page shows this name beside each of the sweep's processes.
    trial.__name__ = job.stored.sweep.name
    # Ray Tune (2.60) runs a function in a class of its own, which `wrap_function` derives from
    # these: the one way into a trial's process in its main thread.
    vars(trial)["__mixins__"] = (_Terminable,)
    return trial


def tune_result(stored: StoredSweep, proposal: Proposal, row: dict[str, Any]) -> dict[str, Any]:
    """Returns what Ray Tune is told of a stored report."""
    metric = stored.sweep.objective.metric
    budget = stored.sweep.budget_examples(proposal.configuration)
    report = RunReport(
        row[RUNG],
        row[metric],
        row["eval_loss"],
        error=row.get(f"{metric}_se"),
        train_seconds=row["train_seconds"] or 0.0,
        eval_seconds=row["eval_seconds"] or 0.0,
        eval_rows=row["eval_rows"] or 0,
        scored=bool(row["bleu_rows"]),
        train_loss=row["train_loss"],
        memory_bytes=row["peak_memory_bytes"],
    )
    return {
        RUNG: row[RUNG],
        "last": row[RUNG] == budget,
        "diverged": diverged(row, metric),
        "unmeasured": is_unmeasured(row, metric),
        "compared": row[stored.sweep.compared_by],
        "eval_loss": row["eval_loss"],
        metric: row[metric],
        "step": row["step"],
        **report.as_dict(),
    }


class _Terminable:
    """Base class of Ray Tune's class of a trial's function: takes SIGTERM in the main thread."""

    def setup(self, config: dict[str, Any]) -> None:
        """Called once in each process, in the main thread."""
        THIS_PROCESS.install()
        super().setup(config)  # type: ignore[misc]


def _fit_here(job: TrialJob, proposal: Proposal, engine: str | None) -> None:
    import ray.tune
    from ray.train import RunConfig, ScalingConfig

    # `TorchTrainer` (Ray 2.60) imports torch, of which a trial that an engine trains has no need.
    from ray.train.v2.api.data_parallel_trainer import DataParallelTrainer

    identifier = job.stored.trial_id(proposal.trial_number)
    learner = None
    if engine is not None:
        from orchestrator.ray_tune.packed_trial import PackedLearner

        learner = PackedLearner(engine, identifier)

    def report(row: dict[str, Any]) -> None:
        check_root(job.marker)
        ray.tune.report(tune_result(job.stored, proposal, row))

    def loop() -> None:
        with THIS_PROCESS.awaited(), on_fit_node(job.marker):
            run(job, proposal, report, learner)

    DataParallelTrainer(
        loop, scaling_config=ScalingConfig(num_workers=0), run_config=RunConfig(name=identifier)
    ).fit()


def _fit_in_group(job: TrialJob, slots: Slots, board: str, proposal: Proposal) -> None:
    from ray.train import FailureConfig, RunConfig, ScalingConfig, WorkerGroupError
    from ray.train.torch import TorchTrainer

    from orchestrator.ray_tune.group_board import GroupReports
    from orchestrator.ray_tune.worker_group import GroupConfig

    reports = GroupReports(board)
    trainer = TorchTrainer(
        _group_loop,
        train_loop_config={"job": job, "proposal": proposal, "reports": reports},
        scaling_config=ScalingConfig(
            num_workers=job.workers,
            use_gpu=job.kind == "cuda",
            resources_per_worker=slots.resources,
            label_selector=slots.selector or None,
        ),
        torch_config=GroupConfig(backend="nccl" if job.kind == "cuda" else "gloo"),
        run_config=RunConfig(
            # Another one for a group that goes on: of what Ray Train stored nothing is read.
            name=f"{job.stored.trial_id(proposal.trial_number)}-{uuid.uuid4().hex}",
            storage_path=str(job.stored.files.ray_train),
            # Ray Train (2.60) would begin the group again by itself, for ever and on the same
            # nodes, where a node is taken back or does not come. The driver knows of others.
            failure_config=FailureConfig(max_preemption_failures=0, controller_failure_limit=0),
        ),
    )
    log, number = AttemptLog(job.stored.files), proposal.trial_number
    say_so = partial(log.save_on_termination, number)
    try:
        with THIS_PROCESS.announced(say_so), reports.handed_to_tune():
            trainer.fit()
    except WorkerGroupError as error:
        # Of those who ended first; the rest of the group gets its SIGTERM from Ray Train.
        if any(log.is_worker_terminated(number, rank) for rank in error.worker_failures):
            say_so()
        raise


def _group_loop(config: dict[str, Any]) -> None:
    import ray.train

    job: TrialJob = config["job"]
    proposal: Proposal = config["proposal"]
    reports: GroupReports = config["reports"]
    identifier = job.stored.trial_id(proposal.trial_number)

    def report(row: dict[str, Any]) -> None:
        check_root(job.marker)
        reports.post(tune_result(job.stored, proposal, row))
        # Without it the group would train on while it is being stopped.
        reports.wait_for_go_ahead(identifier, row[RUNG])

    grid = rungs(job.stored.sweep, trial_configuration(job.stored.sweep, proposal))

    def pass_on(rung: int) -> None:
        reports.wait_for_go_ahead(identifier, grid[rung])

    rank = ray.train.get_context().get_world_rank()
    log = AttemptLog(job.stored.files)
    with (
        labelled(proposal, identifier),
        on_fit_node(job.marker),
        THIS_PROCESS.announced(partial(log.worker_terminated, proposal.trial_number, rank)),
    ):
        if rank == 0:
            run(job, proposal, report)
        else:
            follow(job, proposal, pass_on)
