"""What `--plan` says a sweep will take, and what that rests on."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import psutil
from rich.console import Console

from orchestrator.errors import UserError
from orchestrator.price.disk import disk
from orchestrator.price.estimate import Estimate, estimate
from orchestrator.price.history import speeds
from orchestrator.price.largest import largest
from orchestrator.price.packing import RAY_BYTES, Packing
from orchestrator.price.size import size
from orchestrator.price.speed import Range, Speed
from orchestrator.price.work import Work, expected_work, without
from orchestrator.ray_tune.placement import Slots
from orchestrator.search.proposals import Proposal, trial_configuration
from orchestrator.search_space import Sweep
from orchestrator.store.place import Root
from orchestrator.sweep.caps import Caps
from orchestrator.sweep.rows import any_trial, ask
from orchestrator.terminal.values import duration, storage
from trainables.contract.configuration import TrialConfiguration
from trainables.data.splits import NOTEBOOK_ROWS
from trainables.data.survey import Survey
from trainables.techniques.registry import TECHNIQUES

TRIAL_COST = "trainables.trial_cost"
RAY_WORKER_NICENESS, _NICENESS = "RAY_worker_niceness", "15"
"""The setting by which Ray takes priority from its workers, and what it takes unless told."""

_GIGABYTE = 2**30


def price(
    sweep: Sweep,
    root: Root,
    place: Slots,
    out: Console,
    test_rows: int,
    *,
    measured: bool,
    packing: Packing | None = None,
) -> Estimate:
    """Returns what the sweep is expected to take on this machine, from an empty store.

    Args:
        sweep: The resolved search space file.
        root: Of the store, whose trials say how long they took; it may be absent.
        place: How trials are placed here.
        out: Is told what is measured.
        test_rows: Rows to test on.
        measured: Whether to train a few steps of each technique now, in place of asking the store.
        packing: What packs were measured to take; None where trials run one at a time.

    Raises:
        UserError: Rows or base model will not do; what a trial would say of them.
        StoreError: The store cannot be read.
    """
    if not measured:
        return from_history(sweep, root, place, test_rows)
    work = expected_work(sweep, _tested(sweep, test_rows))
    found = _measured(sweep, place, out)
    if packing is None:
        return _estimate(sweep, work, found, place)
    found = {
        name: packing.speed(alone) if TECHNIQUES[name].trains else alone
        for name, alone in found.items()
    }
    return replace(_estimate(sweep, work, found, place), together=packing.members)


def from_history(
    sweep: Sweep,
    root: Root,
    place: Slots,
    test_rows: int,
    adopted: Mapping[tuple[str, str], int] = MappingProxyType({}),
) -> Estimate:
    """Returns what the sweep is expected to take by the trials of the store.

    Args:
        sweep: The resolved search space file.
        root: Of the store; it may be absent.
        place: How trials are placed here.
        test_rows: Rows to test on.
        adopted: Runs that are taken over from other sweeps, by phase and technique.

    Raises:
        StoreError: The store cannot be read.
    """
    work = without(expected_work(sweep, _tested(sweep, test_rows)), adopted)
    return _estimate(sweep, work, speeds(root, sweep, place.kind, place.devices), place)


def _estimate(
    sweep: Sweep, work: Sequence[Work], found: Mapping[str, Speed], place: Slots
) -> Estimate:
    files = disk(sweep, work, found, place.trials)
    return estimate(work, found, place.trials, place.devices, files)


def test_rows(sweep: Sweep, survey: Survey | None) -> int | None:
    """Returns how many rows a trial is tested on; None while the rows are not here."""
    asked = sweep.evaluation.test_rows
    if asked is not None or survey is None:
        return asked
    return survey.test.rows


def tested_rows(sweep: Sweep, survey: Survey | None) -> int:
    """Returns for how many rows a trial's test writes SQL, of all protocols; 0 where not known."""
    return _tested(sweep, test_rows(sweep, survey) or 0)


def _tested(sweep: Sweep, test_rows: int) -> int:
    """Returns how many rows all protocols of a trial's test together write SQL for."""
    protocols = any_trial(sweep, 0).test_protocols
    return sum(min(test_rows, NOTEBOOK_ROWS) if p == "notebook" else test_rows for p in protocols)


def _measured(sweep: Sweep, place: Slots, out: Console) -> dict[str, Speed]:
    """Returns the speed of each technique, with as many trials at a time as the sweep will run."""
    found = {}
    for technique, configuration in largest(sweep).items():
        out.print(f"Measuring {technique}: ten steps and an evaluation.")
        trial = trial_configuration(sweep, Proposal(1, 0, 0, configuration))
        # On a CPU trials slow each other down. A device has one.
        copies = place.trials if place.kind == "cpu" else 1
        with ThreadPoolExecutor(copies) as pool:
            costs = list(pool.map(_cost, [trial] * copies, [place] * copies))

        def of(name: str, costs: list[Mapping[str, float]] = costs) -> Range | None:
            known = [cost[name] for cost in costs if cost[name] is not None]
            return Range.of(known) if known else None

        found[technique] = Speed(
            of("example"),
            of("loss_row"),
            of("scored_row"),
            of("set_up"),
            0,
            max(int(cost["memory_bytes"]) for cost in costs)
            + (RAY_BYTES if place.kind == "cpu" else 0),
            costs[0]["trained"] / size(technique, configuration),
            Range.of([cost["start"] for cost in costs]) * place.trials,
        )
    return found


def _cost(trial: TrialConfiguration, place: Slots) -> Mapping[str, float]:
    answer = ask(trial, "--niceness", niceness(), module=TRIAL_COST, threads=threads(place))
    if "failure" in answer:
        raise UserError(
            f"A trial of {trial.technique} could not be measured, and would fail in the sweep too:"
            f" {answer['failure']}"
        )
    return answer


def niceness() -> str:
    """Returns how much priority Ray takes from a trial's process."""
    return os.environ.get(RAY_WORKER_NICENESS, _NICENESS)


def threads(place: Slots) -> int:
    """Returns how many threads a trial computes with.

    torch would take all of the machine, and two such processes on two busy cores took a hundred
    times as long as with a thread each.
    """
    return max(1, int(place.resources["CPU"]))


def describe(found: Estimate, place: Slots, root: Root, caps: Caps) -> Iterator[tuple[str, str]]:
    """Yields what a sweep takes, a name and words at a time.

    Args:
        found: From `price`.
        place: How trials are placed here.
        root: Of the store, on whose disk it lies.
        caps: What the sweep may spend.
    """
    if found.unknown:
        names = " and ".join(found.unknown)
        kinds = {"cpu": "CPUs", "cuda": "CUDA devices", "mps": "Apple silicon"}[place.kind]
        yield (
            "time",
            f"not known: the store has no whole trial of {names} with this base model and data set"
            f" on {kinds}; --plan --measure trains ten steps of each technique here",
        )
        return
    yield "time", f"{about(found.seconds)} on this machine, from an empty store: {_phases(found)}"
    hours = found.device_seconds * (1 / 3600)
    yield "devices", f"{hours.middle:.3g} device hours ({hours.low:.3g} to {hours.high:.3g})"
    if caps.price:
        cost = hours * caps.price
        yield (
            "cost",
            f"{cost.middle:.2f} ({cost.low:.2f} to {cost.high:.2f}), at {caps.price:g} a device"
            " hour",
        )
    rests = f"{found.trials:,} trials of this store" if found.trials else "ten steps of each, now"
    yield (
        "",
        f"resting on {rests}; the range is that of single trials; failed ones are not foreseen",
    )
    limit = caps.reached(found.seconds.middle, found.device_seconds.middle)
    if limit is not None:
        yield "limit", f"{limit} is likely to be reached before the end"
    yield from _memory(found, place)
    yield from _disk(found, root)


def _phases(found: Estimate) -> str:
    share = found.slots * found.devices
    return ", ".join(
        f"{phase} {duration(seconds.middle / share)}" for phase, seconds in found.phases.items()
    )


def about(seconds: Range) -> str:
    """Returns seconds and their range in words."""
    low, middle, high = map(duration, (seconds.low, seconds.middle, seconds.high))
    return f"about {middle} ({low} to {high})"


def _memory(found: Estimate, place: Slots) -> Iterator[tuple[str, str]]:
    if found.memory_bytes is None:
        return
    each = found.memory_bytes / _GIGABYTE
    seen = "measured in this store" if found.trials else "measured now"
    whose = "a trial" if found.together == 1 else f"a pack of {found.together} trials"
    words = f"{each:.1f} GiB at most for {whose}, {seen}"
    if place.pack > 1 and found.together == 1:
        words += f"; for {place.members} trials in a process not known from that"
    elif place.kind == "cpu":
        total = psutil.virtual_memory().total / _GIGABYTE
        words += f"; {place.trials} at a time: {each * place.trials:.1f} of {total:.0f} GiB"
        if each * place.trials > total:
            words += ", which is too much: set limits.max_concurrent"
    yield "memory", words


def _disk(found: Estimate, root: Root) -> Iterator[tuple[str, str]]:
    if found.disk is None:
        return
    if not isinstance(root, Path):
        yield "disk", f"about {storage(found.disk.most)} at the fullest, in {root}"
        return
    folder = next(path for path in (root, *root.absolute().parents) if path.exists())
    free = shutil.disk_usage(folder).free
    waiting = ""
    if found.disk.waiting:
        waiting = f", with models and training states of {found.disk.waiting:,} trials at a rung"
    words = (
        f"about {storage(found.disk.most)} at the fullest{waiting}; {storage(found.disk.left)} when"
        f" it has ended; {storage(free)} are free"
    )
    if found.disk.most > free:
        words += ", which is too little: lower limits.checkpoints or give another --root"
    yield "disk", words
