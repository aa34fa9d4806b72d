"""Runs or continues a sweep, from its options to its result."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from orchestrator.dashboard.catalogue import DEVICE_SECONDS
from orchestrator.errors import CommandError, ExitCode
from orchestrator.outcomes import environment
from orchestrator.outcomes.adoption import carry_out_confirming
from orchestrator.outcomes.conclusions import (
    Conclusions,
    confirmation_of,
    is_finished,
    is_searched,
)
from orchestrator.outcomes.failed_runs import counted, failed_runs, try_again
from orchestrator.outcomes.failures import MAX_MEMORY_FAILURES, MachineError
from orchestrator.outcomes.kept_models import remove_surplus
from orchestrator.outcomes.unmeasured import check_measured
from orchestrator.ray_tune.access import LOOPBACK, check_address, describe_dashboard
from orchestrator.ray_tune.pitfalls import check_services
from orchestrator.ray_tune.placement import Slots, local_slots
from orchestrator.ray_tune.room import Room
from orchestrator.results.profile_words import profile_words
from orchestrator.search.content import Content
from orchestrator.search.proposals import Proposal
from orchestrator.search_space import Sweep
from orchestrator.search_space.written import written
from orchestrator.state.adoption_log import AdoptionLog
from orchestrator.state.attempts import AttemptLog
from orchestrator.state.checkpoints import remove_abandoned
from orchestrator.state.content_log import ContentLog
from orchestrator.state.device_seconds import DeviceSeconds
from orchestrator.state.lock import Hold, hold
from orchestrator.state.start_log import Start, StartLog
from orchestrator.state.stop_request import StopRequest
from orchestrator.state.stored_sweep import StoredSweep, latest
from orchestrator.store import Store
from orchestrator.store.place import Root
from orchestrator.store.roots import is_there
from orchestrator.store.unread import unread
from orchestrator.sweep.adopting import adopt
from orchestrator.sweep.base_fit import check_loads
from orchestrator.sweep.content import check_content, content_of
from orchestrator.sweep.foretold import foretell
from orchestrator.sweep.memory import check_memory, needs
from orchestrator.sweep.notes import Notes
from orchestrator.sweep.on_end import Ending, on_end
from orchestrator.sweep.packing import settled
from orchestrator.sweep.preflight import (
    LEARNER,
    StartOptions,
    check_not_begun_otherwise,
    check_options,
    check_place,
    check_sources,
    same_command,
)
from orchestrator.sweep.pricing import tested_rows
from orchestrator.sweep.progress import Progress
from orchestrator.sweep.result import check_completed, say_failed, show_result
from orchestrator.sweep.rows import describe_split, describe_table
from orchestrator.sweep.spending import Spending, spent_before
from orchestrator.sweep.termination import terminable
from orchestrator.sweep.where import room_for
from orchestrator.terminal.console import quiet
from orchestrator.terminal.plain_console import PlainConsole, shown
from orchestrator.tracking.tools import check_servers
from orchestrator.tracking.watcher import Tracking
from orchestrator.trial.heartbeat import examples_seen
from trainables.contract.configuration import BUILT_IN_MODELS
from trainables.data.survey import Survey

if TYPE_CHECKING:
    from orchestrator.outcomes.standing import Standing


class LimitReachedError(CommandError):
    """A limit was reached before the sweep's end."""

    exit_code = ExitCode.LIMIT


class OutputClosedError(CommandError):
    """Whoever read the sweep's output, such as `head`, has closed it."""


def run(sweep: Sweep, root: Root, out: PlainConsole, options: StartOptions) -> None:
    """Runs or continues a sweep and shows its result; a finished one is only shown.

    Args:
        sweep: The resolved search space file.
        root: Of the experiment store.
        out: Where to print; while it is quiet, only the result is.
        options: How it is started.

    Raises:
        UserError: The options contradict the file, it asks for more rows than there are, or a sweep
            of it that stops otherwise has begun.
        Unavailable: The base model or the data set cannot be reached.
        LeaseLostError: Another process has taken the sweep, whose store is in a bucket.
        AccessError: The cluster cannot be joined, or others could use the one started here.
        NoRoomError: The cluster cannot hold a trial.
        NoNodeError: No node of the cluster that is joined can run one.
        SweepHeldError: Another process runs the sweep.
        StoreError: The store cannot be used.
        MachineError: An error of the machine, such as a full disk, ended a trial.
        AlikeFailuresError: The first trials all failed in the same way.
        LimitReachedError: One of the limits was reached before the end.
        OtherContentError: The sweep was begun with other rows, another base model, or by a version
            under which trials have other numbers.
        UnmeasuredObjectiveError: No validation row can give the sweep's objective.
        OutputClosedError: Whoever read the output has closed it before the end.
        NoneCompletedError: The sweep is finished, and none of its trials completed.
        KeyboardInterrupt: Ctrl-C or SIGTERM; the same call continues.
    """
    with on_end(options.on_end, out) as ending:
        _run(sweep, root, out, options, ending)


def _run(
    sweep: Sweep, root: Root, out: PlainConsole, options: StartOptions, ending: Ending
) -> None:
    check_options(sweep, options)
    check_place(sweep, root)
    is_new = not is_there(root)
    rows = None
    if is_new:  # before a folder is made
        rows = _check_reachable(sweep, options)
        _check_base(sweep, options)
    stored = latest(sweep, Store(root), new=options.new)
    check_not_begun_otherwise(sweep, stored, options)
    asked = shown(f"{sweep.name}: {sweep.question}")
    asked.stylize("bold", 0, len(sweep.name))
    out.print(asked)
    out.print(
        f"Profile {profile_words(sweep.profile, sweep.base_model, sweep.dataset)}"
        f" ({sweep.profile_reason}): {sweep.base_model} on {sweep.dataset}."
        f" Sweep {stored.id} in {stored.address}."
    )
    # Of a bucket it would be three requests more, and nothing is renamed there by hand.
    if isinstance(root, Path) and (words := unread(root)):
        out.print(shown(words))
    limit = None
    failed = failed_runs(stored) if options.retry_failed else []
    if options.retry_failed and not failed:
        out.print(f"No run of {stored.id} has failed that is not tried again already.")
    if failed or not is_finished(stored):
        ending.stored = stored
        if not is_new:
            rows = _check_reachable(sweep, options)
            if not stored.files.has_begun():
                _check_base(sweep, options)
        check_measured(stored)
        if sweep.objective.metric == "execution_accuracy":
            # Imports sqlglot, which no other start has a use for.
            from orchestrator.sweep.measurable import check_measurable

            check_measurable(sweep)
        content = content_of(stored.sweep, rows)
        check_content(stored, content, options.command)
        for words in describe_table(sweep, rows):
            out.print(f"{words[0].upper()}{words[1:]}.")
        if rows is not None:
            out.print(f"Split {'; '.join(describe_split(sweep, rows))}.")
        with hold(stored.files, lambda words: out.print(shown(words))) as held:
            stored = ending.stored = stored.held(held)
            ContentLog(stored.files).begin(content)
            start = Start(options.command, sweep.profile, written(sweep))
            StartLog(stored.files).note(start)
            is_first = not stored.files.has_begun()
            adopt(stored, content, options, out)
            if failed:
                out.print(f"{counted(failed)}; {len(try_again(stored)):,} tried again.")
            if not is_finished(stored):
                ready = settled(stored, options.address, rows, out)
                limit = _run_trials(ready, held, content, options, out, rows, is_first=is_first)
    else:
        remove_surplus(stored)
    out.quiet = False
    if stored.store.trials(stored.id):
        show_result(stored, out)
    again = same_command(options.new, options.retry_failed)
    if not is_finished(stored):
        if limit is None:
            raise MachineError(
                f"Some trials ended without a result; {again} tries them again, and"
                f" {stored.files.driver_log} may say why."
            )
        raise LimitReachedError(
            f"The limit of {limit} was reached before the end of the sweep; {again} continues it,"
            " those of devices and of cost with a larger number."
        )
    check_completed(stored, options)
    say_failed(stored, options, out)


def _check_reachable(sweep: Sweep, options: StartOptions) -> Survey | None:
    """Returns what the rows are like, if all that the sweep asks for is where it looks for it.

    Raises:
        UserError: Names what is not.
    """
    if options.address is not None:
        check_address(options.address)
    check_servers(sweep.track)
    return check_sources(sweep)


def _check_base(sweep: Sweep, options: StartOptions) -> None:
    """Refuses a base model that cannot be loaded, or whose largest trial cannot fit here.

    Memory is not checked for a cluster, whose nodes may have more of it, nor for a base model that
    comes with the package, which is small.

    Raises:
        UserError: Says why.
    """
    check_loads(sweep)
    is_own = sweep.base_model not in BUILT_IN_MODELS
    if is_own and options.address is None and options.learner == LEARNER:
        place = local_slots(sweep)
        check_memory(needs(sweep, place), place)


def _run_trials(
    stored: StoredSweep,
    held: Hold,
    content: Content,
    options: StartOptions,
    out: PlainConsole,
    rows: Survey | None,
    *,
    is_first: bool,
) -> str | None:
    """Returns the limit that ended the run, in words, if one did."""
    # Imports Ray, which takes two seconds that a finished sweep need not wait for.
    from orchestrator.confirmation.begin import confirmation
    from orchestrator.outcomes.standing import standing
    from orchestrator.ray_tune.cluster import cluster
    from orchestrator.ray_tune.metrics import SweepMetrics
    from orchestrator.ray_tune.tuner import SweepTuner

    log = stored.files.driver_log
    captured = json.dumps(environment.capture(), sort_keys=True)
    conclusions = Conclusions(stored, captured)
    stored.store.remove_abandoned()
    remove_abandoned(stored.files)
    does = "Starting Ray" if options.address is None else f"Joining Ray at {options.address}"
    out.print(f"{does}; its messages go to {log}.")
    request = StopRequest(stored.files)
    request.withdraw()
    held.on_loss(request.make)
    if options.address is not None:
        request.tell_others()

    is_closed = False

    def close() -> None:  # called in the midst of a line
        nonlocal is_closed
        is_closed = True
        request.make()

    with (
        quiet(log, close, type(out)) as screen,
        cluster(options.address, options.dashboard, options.dashboard_host or LOOPBACK) as ray,
        terminable(request.make) as terminated,
        room_for(
            stored,
            content,
            options.address,
            ray["resources"],
            lambda words: screen.print(shown(words)),
            request.made,
            options.engine,
        ) as room,
    ):
        screen.quiet = out.quiet
        check_services(stored.sweep, options.address, ray["dashboard"])
        _announce(room.slots, ray["dashboard"], options.dashboard_host, screen)
        if is_first and (words := foretell(stored, room.slots, rows)) is not None:
            screen.print(words)
        state = standing(stored, conclusions)
        record = DeviceSeconds(stored.files)
        spending = _spending(stored, state, room, options, record)
        progress = _progress(stored, state, room, terminated, screen, spending.describe, rows)
        if state.proposals:
            screen.print(f"Continuing: {progress.summary()}.")
        tracking = Tracking(stored, lambda words: screen.print(shown(words)), request.made)

        metrics = SweepMetrics(
            stored,
            lambda: progress.numbers() | {DEVICE_SECONDS: {"": spending.device_seconds()}},
        )

        def over() -> bool:
            return spending.reached() is not None or request.made()

        def run_all(state: Standing, confirming: Sequence[Proposal] | None) -> None:
            # Again for trials whose process died or lacked memory: they go on from their last rung.
            ended = is_searched if confirming is None else is_finished
            for left in reversed(range(stored.sweep.limits.max_attempts + MAX_MEMORY_FAILURES)):
                tuner = SweepTuner(
                    stored,
                    state,
                    conclusions,
                    (progress, spending, tracking, metrics),
                    over,
                    is_last=not left,
                    confirming=confirming,
                    room=room,
                )
                tuner.run(options.learner)
                if over() or ended(stored):
                    return
                state = standing(stored, conclusions, state.halving)

        with record, tracking, progress.live(), spending:
            if not is_searched(stored):
                run_all(state, None)
                if stored.sweep.confirm is not None:
                    state = standing(stored, conclusions, state.halving)
            if stored.sweep.confirm is not None and is_searched(stored) and not over():
                chosen = confirmation(stored, state)
                progress.confirming(chosen)
                if carry_out_confirming(stored, chosen.runs):
                    state = standing(stored, conclusions, state.halving)
                    progress.adopted(chosen, state.rows)
                run_all(state, chosen.runs)
        screen.print(progress.summary() + ".")
    held.check()
    if is_closed and not is_finished(stored):
        again = same_command(options.new, options.retry_failed)
        raise OutputClosedError(
            "Whoever read the output has closed it, so the sweep was ended. Nothing that was"
            f" reported is lost; {again} continues, e.g. with its output in a file (> FILE)."
        )
    return spending.reached()


def _progress(
    stored: StoredSweep,
    state: Standing,
    room: Room,
    terminated: Callable[[], bool],
    screen: Console,
    spent: Callable[[], str],
    survey: Survey | None,
) -> Progress:
    def news() -> str | None:
        # Not said in the signal's handler, which may come in the middle of another line.
        if not terminated():
            return None
        alone = stored.sweep.resources.workers == 1
        how = "save where they are" if alone else "end at their next rung"
        return f"SIGTERM: the trials {how} and end."

    numbering = AdoptionLog(stored.files).numbering(stored.sweep)
    numbers = {number for number, _, _ in numbering}
    if (chosen := confirmation_of(stored)) is not None:
        numbers |= {run.trial_number for run in chosen.runs}
    return Progress(
        stored.sweep,
        stored.id,
        screen,
        lambda: sum(each.at_a_time for each in room.slots),
        {number: row for number, row in state.rows.items() if number in numbers},
        seen=Notes(partial(examples_seen, AttemptLog(stored.files))),
        news=news,
        more=len(numbering) - stored.sweep.runs,
        test_rows=tested_rows(stored.sweep, survey),
        spent=spent,
        curve=partial(_losses, stored),
    )


def _losses(stored: StoredSweep, trial_number: int) -> list[float]:
    """Returns the training losses of a trial between its rungs, as far as they are stored."""
    reports = stored.store.reports(stored.id, stored.trial_id(trial_number))
    losses = [point["loss"] for row in reports for point in row["steps"] or []]
    return [loss for loss in losses if loss is not None and math.isfinite(loss)]


def _spending(
    stored: StoredSweep,
    state: Standing,
    room: Room,
    options: StartOptions,
    record: DeviceSeconds,
) -> Spending:
    # Where kinds of devices differ in it, the most that a trial takes.
    devices = max((each.devices for each in room.slots), default=1.0)
    pack = stored.sweep.resources.members
    return Spending(
        devices,
        spent_before(record.read(), devices, state.seconds, pack),
        options.caps(stored.sweep),
        record.write,
        engines=math.inf if pack == 1 else room.slots[0].trials,
    )


def _announce(
    slots: Sequence[Slots], dashboard: str | None, host: str | None, screen: Console
) -> None:
    where = describe_dashboard(dashboard, host) if dashboard else "no dashboard"
    there = ", and ".join(each.describe() for each in slots) or "no room for a trial"
    screen.print(f"Ray is up: {there}; {where}.")
