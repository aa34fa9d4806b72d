"""Runs the trials of a sweep under Ray Tune.

Ray Tune places trials on the cluster, keeps their processes for the next ones and asks scheduler
and searcher at every event. What it remembers itself is a cache under `state/`, made anew at every
start.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import ray
from ray import tune
from ray.exceptions import AuthenticationError
from ray.tune.execution import class_cache

from orchestrator.outcomes.conclusions import Conclusions, RunResult
from orchestrator.outcomes.failures import AlikeFailuresError, FirstFailures, MachineError
from orchestrator.outcomes.kept_models import Shelf
from orchestrator.outcomes.standing import Standing
from orchestrator.ray_tune import access, memory_kills
from orchestrator.ray_tune.go_ahead import VerdictBoard
from orchestrator.ray_tune.placement import Slots
from orchestrator.search.halving import RUNG, SweepScheduler
from orchestrator.search.identity import trial_id
from orchestrator.search.proposals import Proposal, ProposalBook
from orchestrator.search.study import SweepSearcher
from orchestrator.search_space import Sweep
from orchestrator.state.attempts import AttemptLog
from orchestrator.store import Store, StoreError
from orchestrator.store.keys import state_folder
from orchestrator.store.rows import Row
from orchestrator.trial.attempt import TrialJob, tune_function

_TUNE_SETTINGS = {
    # Tune's own CSV, JSON and TensorBoard files: the store has everything.
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    # A stopped function that is still in a long step is waited for; after the default of 2 s the
    # next trial in its process would fail.
    "TUNE_FUNCTION_THREAD_TIMEOUT_S": "60",
    # Ctrl-C raises KeyboardInterrupt in the driver, which says how to continue.
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "RAY_AIR_NEW_OUTPUT": "0",
    # Relative paths in a search space file mean the folder that the sweep was started in.
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_TRAIN_ENABLE_STATE_TRACKING": "1",
}

_TRIAL_SETTINGS = {
    # The trials share the machine's cores; the tokenizer would take them all.
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
}


class Watcher(Protocol):
    """Is told what happens to trials, in the driver."""

    def started(self, proposal: Proposal) -> None:
        """A trial's process has taken it up."""

    def reported(self, proposal: Proposal, rung_examples: int, objective: float | None) -> None:
        """A trial has reported."""

    def ended(self, proposal: Proposal, row: Row) -> None:
        """A trial has its final row."""

    def interrupted(self, proposal: Proposal) -> None:
        """A trial has ended without a final row: it is to be continued."""

    def passed(self) -> None:
        """Time has passed, a second at most while trials run."""


@contextmanager
def cluster(
    address: str | None, dashboard: bool, dashboard_host: str = access.LOOPBACK
) -> Iterator[dict[str, Any]]:
    """Starts a local Ray cluster, or connects to one, and leaves it at the end.

    Args:
        address: Of a running cluster; None starts one on this machine, on loopback only.
        dashboard: Whether a local cluster has a dashboard.
        dashboard_host: The address that a local cluster's dashboard listens on.

    Yields:
        `{"resources": Ray's total resources, "dashboard": its address or None}`.

    Raises:
        AccessError: The cluster cannot be joined, or others could use the one started here.
    """
    os.environ.update({name: os.environ.get(name, value) for name, value in _TUNE_SETTINGS.items()})
    local: dict[str, Any] = {}
    if address is None:
        access.check_dashboard(dashboard_host)
        access.protect_token()
        local = {"include_dashboard": dashboard, "dashboard_host": dashboard_host}
    else:
        access.check_address(address)
    _keep_credentials()
    memory_kills.survive()
    try:
        context = ray.init(
            address=address or "local",
            log_to_driver=False,
            logging_level=logging.ERROR,
            runtime_env={"env_vars": {**_TUNE_SETTINGS, **_TRIAL_SETTINGS}},
            **local,
        )
    except (AuthenticationError, ConnectionError, ValueError) as error:
        if address is None:
            raise
        raise access.AccessError(
            f"The Ray cluster at {address} (--address) cannot be joined:"
            f" {str(error).strip().splitlines()[0]} Is it running, and does it share this"
            " machine's Ray token (RAY_AUTH_MODE=token, RAY_AUTH_TOKEN)?"
        ) from error
    try:
        if address is None:
            access.check_loopback_only(ray.util.get_node_ip_address())
        yield {"resources": ray.cluster_resources(), "dashboard": context.dashboard_url or None}
    finally:
        ray.shutdown()


def _keep_credentials() -> None:
    """Keeps Ray Tune from copying AWS credentials into the trials' runtime environments.

    Those are shown by the dashboard and the State API and written to Ray's logs under `/tmp/ray`,
    which other users can read. Trials on this machine inherit the environment anyway; other nodes
    have their own, as for every other token.
    """
    class_cache.ENV_VARS_TO_PROPAGATE.difference_update(
        {name for name in class_cache.ENV_VARS_TO_PROPAGATE if name.startswith("AWS_")}
    )


def run_trials(
    sweep: Sweep,
    sweep_id: str,
    store: Store,
    standing: Standing,
    conclusions: Conclusions,
    slots: Slots,
    watchers: Sequence[Watcher],
    learner: str,
    expired: Callable[[], bool] = lambda: False,
) -> None:
    """Runs every trial of the sweep that has no final row. Ray must be running.

    Args:
        sweep: The resolved search space file.
        sweep_id: The sweep.
        store: Where everything goes.
        standing: Where the sweep stands.
        conclusions: Writes the final rows.
        slots: How trials are placed.
        watchers: Are told what happens.
        learner: "module:function" of what trains.
        expired: Whether the time is up: nothing more starts, and trials end at their next rung.

    Raises:
        KeyboardInterrupt: Ctrl-C; the same sweep can be continued.
        StoreError: A final row could not be stored.
        MachineError: A trial met an error that is the machine's, not its own.
        AlikeFailuresError: Every trial so far failed in the same way.
    """
    first_failures = FirstFailures(standing.rows.values())
    shelf = Shelf(store.root, sweep)
    for row in standing.rows.values():
        shelf.ended(row)
    trouble: list[Exception] = []

    def over() -> bool:
        return bool(trouble) or expired()

    board = VerdictBoard(sweep_id) if slots.workers > 1 else None
    scheduler = SweepScheduler(
        standing.halving, _identify(sweep_id), None if board is None else board.post, over
    )

    log = AttemptLog(store, sweep_id)
    earlier_attempts = {
        number: log.of(number).count
        for number in standing.proposals
        if number not in standing.finished
    }

    def conclude(tune_id: str, proposal: Proposal) -> RunResult | None:
        concluded = None
        try:
            concluded = conclusions.conclude(
                proposal,
                stopped=tune_id in scheduler.stopped,
                error=scheduler.errors.get(tune_id),
                earlier_attempts=earlier_attempts.get(proposal.trial_number, 0),
            )
        except (MachineError, StoreError) as error:
            trouble.append(error)  # Ray Tune would log it and go on.
        if concluded is None:
            for watcher in watchers:
                watcher.interrupted(proposal)
            return None
        row, result = concluded
        shelf.ended(row)
        for watcher in watchers:
            watcher.ended(proposal, row)
        try:
            first_failures.check(row)
        except AlikeFailuresError as error:
            trouble.append(error)
        return result

    def propose(proposal: Proposal) -> Proposal | None:
        try:
            return ProposalBook(store, sweep_id).write(proposal)
        except StoreError as error:
            trouble.append(error)
            return None

    searcher = SweepSearcher(
        sweep,
        standing.proposals,
        standing.finished,
        propose,
        conclude,
        over,
    )
    if not searcher.left:
        return
    job = TrialJob(store.root, sweep_id, sweep, slots.kind, slots.workers, slots.resources, learner)
    # Ray Train's record of worker groups; of an earlier run nothing is read.
    shutil.rmtree(store.root / state_folder(sweep_id) / "ray", ignore_errors=True)
    # The dashboard's Actors page shows the registered name.
    tune.register_trainable(sweep.name, tune.with_resources(tune_function(job), _placement(slots)))
    # Ray Tune's own record, in part pickles that it loads again when the run ends, lies in a folder
    # that is this user's alone, and not on the store's disk, which may be full.
    with tempfile.TemporaryDirectory(prefix=f"{sweep_id}-") as folder:
        tune.Tuner(
            sweep.name,
            tune_config=tune.TuneConfig(
                search_alg=searcher,
                scheduler=scheduler,
                num_samples=searcher.left,
                max_concurrent_trials=slots.trials,
                reuse_actors=slots.workers == 1,
                trial_dirname_creator=lambda trial: _identifier(sweep_id, trial),
                trial_name_creator=lambda trial: _identifier(sweep_id, trial),
            ),
            run_config=tune.RunConfig(
                name=sweep_id,
                storage_path=folder,
                verbose=0,
                callbacks=[_Events(watchers)],
            ),
        ).fit()
    if trouble:
        raise trouble[0]


def _placement(slots: Slots) -> Any:
    if slots.workers == 1:
        return tune.PlacementGroupFactory([slots.resources])
    # The function that starts a worker group waits; its workers reserve the devices themselves.
    return tune.PlacementGroupFactory([{"memory": 1}])


def _identifier(sweep_id: str, trial: Any) -> str:
    return trial_id(sweep_id, trial.config["proposal"].trial_number)


def _identify(sweep_id: str) -> Any:
    def identify(trial: Any) -> tuple[str, str]:
        proposal: Proposal = trial.config["proposal"]
        return _identifier(sweep_id, trial), str(proposal.configuration["technique"])

    return identify


class _Events(tune.Callback):
    """Passes Ray Tune's events on to the watcher."""

    def __init__(self, watchers: Sequence[Watcher]) -> None:
        self._watchers = watchers

    def __getstate__(self) -> dict[str, Any]:
        """Returns nothing: Ray Tune pickles what it is given into a snapshot that is never read."""
        return {}

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        for watcher in self._watchers:
            watcher.started(trial.config["proposal"])

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        if RUNG in result:
            for watcher in self._watchers:
                watcher.reported(trial.config["proposal"], result[RUNG], result["objective"])

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        for watcher in self._watchers:
            watcher.passed()
