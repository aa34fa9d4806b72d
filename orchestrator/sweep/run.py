"""Runs or continues a sweep, from its options to its result."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

from rich.console import Console

from orchestrator.outcomes import environment
from orchestrator.outcomes.conclusions import Conclusions, is_finished
from orchestrator.outcomes.failures import MAX_MEMORY_FAILURES, MachineError
from orchestrator.ray_tune.access import LOOPBACK, describe_dashboard
from orchestrator.ray_tune.placement import Slots, slots
from orchestrator.search.identity import sweep_id
from orchestrator.search.proposals import Numbering
from orchestrator.search_space import Sweep
from orchestrator.state.attempts import AttemptLog
from orchestrator.state.device_seconds import DeviceSeconds
from orchestrator.state.lock import hold
from orchestrator.state.stop_request import StopRequest
from orchestrator.store import Store
from orchestrator.store.keys import state_folder
from orchestrator.sweep.preflight import StartOptions, check_options, check_sources
from orchestrator.sweep.progress import Progress
from orchestrator.sweep.spending import Spending
from orchestrator.sweep.termination import terminable
from orchestrator.terminal.console import quiet
from orchestrator.trial.heartbeat import examples_seen


class LimitReachedError(Exception):
    """A limit was reached before the sweep's end."""


def run(sweep: Sweep, root: Path, out: Console, options: StartOptions) -> None:
    """Runs or continues a sweep and shows its result; a finished one is only shown.

    Args:
        sweep: The resolved search space file.
        root: Folder of the experiment store.
        out: Where to print.
        options: How it is started.

    Raises:
        UserError: The options contradict the file, or it asks for more rows than there are.
        Unavailable: The base model or the data set cannot be reached.
        AccessError: The cluster cannot be joined, or others could use the one started here.
        NoRoomError: The cluster cannot hold a trial.
        SweepHeldError: Another process runs the sweep.
        StoreError: The store cannot be used.
        MachineError: An error of the machine, such as a full disk, ended a trial.
        AlikeFailuresError: The first trials all failed in the same way.
        LimitReachedError: One of the limits was reached before the end.
        KeyboardInterrupt: Ctrl-C or SIGTERM; the same call continues.
    """
    check_options(sweep, options)
    is_new = not root.exists()
    if is_new:
        check_sources(sweep)  # before a folder is made
    store = Store(root)
    identifier = _identifier(sweep, store, options.new)
    out.print(
        f"[bold]{sweep.name}[/]: {sweep.question}\n"
        f"Profile {sweep.profile} ({sweep.profile_reason}): {sweep.base_model} on {sweep.dataset}."
        f" Sweep {identifier} in {store.root}."
    )
    limit = None
    if not is_finished(sweep, identifier, store):
        if not is_new:
            check_sources(sweep)
        with hold(store.root, identifier):
            limit = _run_trials(sweep, identifier, store, options, out)
    if store.trials(identifier):
        _show_result(sweep, identifier, store, out)
    if not is_finished(sweep, identifier, store):
        if limit is None:
            raise MachineError(
                "Some trials ended without a result; the same command tries them again, and"
                f" {_log(store, identifier)} may say why."
            )
        raise LimitReachedError(
            f"The limit of {limit} was reached before the end of the sweep; the same command"
            " continues it, that of devices with a larger number."
        )


def _run_trials(
    sweep: Sweep, identifier: str, store: Store, options: StartOptions, out: Console
) -> str | None:
    """Returns the limit that ended the run, in words, if one did."""
    # Imports Ray, which takes two seconds that a finished sweep need not wait for.
    from orchestrator.outcomes.standing import standing
    from orchestrator.ray_tune.tuner import cluster, run_trials

    log = _log(store, identifier)
    captured = json.dumps(environment.capture(), sort_keys=True)
    conclusions = Conclusions(sweep, identifier, store, captured)
    store.remove_abandoned()
    out.print(f"Starting Ray; its messages go to {log}.")
    request = StopRequest(store.root, identifier)
    request.withdraw()

    with (
        quiet(log) as screen,
        cluster(options.address, options.dashboard, options.dashboard_host or LOOPBACK) as ray,
        terminable(request.make) as terminated,
    ):
        placement = slots(sweep, ray["resources"])
        _announce(placement, ray["dashboard"], options.dashboard_host, screen)
        state = standing(sweep, identifier, store, conclusions)

        def news() -> str | None:
            # Not said in the signal's handler, which may come in the middle of another line.
            if not terminated():
                return None
            how = "save where they are" if placement.workers == 1 else "end at their next rung"
            return f"SIGTERM: the trials {how} and end."

        numbers = {number for number, _, _ in Numbering(sweep)}
        earlier = {number: row for number, row in state.rows.items() if number in numbers}
        progress = Progress(
            sweep,
            identifier,
            screen,
            placement.trials,
            earlier,
            seen=partial(examples_seen, AttemptLog(store, identifier)),
            news=news,
        )
        if state.proposals:
            screen.print(f"Continuing: {progress.summary()}.")
        record = DeviceSeconds(store.root, identifier)
        spending = Spending(
            placement.devices,
            # Reports alone do not know of work that a crash made of no use.
            max(record.read(), placement.devices * state.seconds),
            options.max_hours,
            options.max_device_hours,
            record.write,
        )

        def over() -> bool:
            return spending.reached() is not None or request.made()

        with progress.live(), spending:
            # Again for trials whose process died or lacked memory: they go on from their last rung.
            for _ in range(sweep.limits.max_attempts + MAX_MEMORY_FAILURES):
                run_trials(
                    sweep,
                    identifier,
                    store,
                    state,
                    conclusions,
                    placement,
                    (progress, spending),
                    options.learner,
                    over,
                )
                if spending.reached() or request.made() or is_finished(sweep, identifier, store):
                    break
                state = standing(sweep, identifier, store, conclusions, state.halving)
        screen.print(progress.summary() + ".")
    return spending.reached()


def _log(store: Store, identifier: str) -> Path:
    return store.root / state_folder(identifier) / "driver.log"


def _announce(placement: Slots, dashboard: str | None, host: str | None, screen: Console) -> None:
    where = describe_dashboard(dashboard, host) if dashboard else "no dashboard"
    screen.print(f"Ray is up: {placement.describe()}; {where}.")


def _identifier(sweep: Sweep, store: Store, new: bool) -> str:
    """Returns the id of the latest sweep of this spec, or with `new` of the next one."""
    ordinal = 1
    while _has_begun(store, sweep_id(sweep, ordinal + 1)):
        ordinal += 1
    if new and _has_begun(store, sweep_id(sweep, ordinal)):
        ordinal += 1
    return sweep_id(sweep, ordinal)


def _has_begun(store: Store, identifier: str) -> bool:
    return (store.root / state_folder(identifier) / "proposals").is_dir()


def _show_result(sweep: Sweep, identifier: str, store: Store, out: Console) -> None:
    from orchestrator.results.answer import answer
    from orchestrator.results.leaderboard import leaderboard, render
    from orchestrator.terminal.output import print_whole

    out.print()
    print_whole(out, render(leaderboard(store.root, identifier)))
    out.print(f"\n{sweep.question}", style="bold")
    out.print(answer(store.root, identifier), markup=False)
    pattern = store.root / "trials" / f"sweep={identifier}" / "*.parquet"
    out.print(
        f"\nEverything is Parquet under {store.root}. For example:\n"
        f'  duckdb -c "SELECT technique, rank, data_size, {sweep.objective.metric}, outcome'
        f" FROM '{pattern}' ORDER BY objective DESC\"\n"
        f"  python -m orchestrator.results --root {store.root} leaderboard --sweep {identifier}",
        markup=False,
    )
