"""Measures what trials cost on this machine that share a process: a few steps and an evaluation.

    python -m trainables.pack_cost [--niceness 15] KIND SLOTS SHARE

reads JSON, a line at a time, and answers each line with one. The first is a list of configurations,
answered with a `Ready`; each further one lists places in it: these trials are measured together,
and answered with a `PackCost`, or with null if there is not memory enough for them. What is wrong
with a configuration is answered as `error`. A command of its own, because it loads torch and the
base model, which whoever schedules trials must not.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

import psutil

from trainables.contract.configuration import TrialConfiguration
from trainables.contract.errors import UserError, lacks_memory
from trainables.contract.pack_cost import PackCost, Ready

if TYPE_CHECKING:
    import torch

WARM_UP, STEPS = 2, 8
"""Optimiser steps of each trial before and while it is timed: the first ones allocate."""

TURNS = 3
"""Of an evaluation, of which the shortest counts: the first one starts the processes that run SQL,
and what else a machine does only ever makes it longer."""

MOST_ROWS = 48
"""Validation rows at the most. The built-in model scores so many in half a second, and a pack of
eight, with each of its trials alone, is measured in half a minute."""

_RATE = 1e-6
"""At which no trial diverges. How long a step takes does not depend on it."""


def ready(
    configurations: Sequence[TrialConfiguration], kind: str, slots: int, share: float
) -> Ready:
    """Returns whether trials could share passes, from one of each technique.

    Args:
        configurations: The trials.
        kind: "cuda", "mps" or "cpu".
        slots: Processes like this at a time, which share a host's memory.
        share: Of an accelerator, that each has.

    Raises:
        UserError: Rows or base model will not do, or torch cannot use the device.
    """
    from trainables.finetune import Finetuning
    from trainables.runtime.device import choose_device
    from trainables.trial_memory import there

    room = there(choose_device(kind), slots, share)
    shares = False
    for configuration in {each.technique: each for each in configurations}.values():
        with closing(Finetuning(_to_measure(configuration), kind)) as trial:
            shares = shares or trial.adapted.base is not None
    return Ready(time.process_time(), shares, room)


def measure(configurations: Sequence[TrialConfiguration], kind: str) -> PackCost | None:
    """Returns what trials take in one process, from their first steps.

    Args:
        configurations: The trials, one at least; each trains.
        kind: "cuda", "mps" or "cpu".

    Returns:
        None where there is not memory enough for them.
    """
    try:
        return _measure(configurations, kind)
    except Exception as error:
        if not lacks_memory(error):
            raise
    return None


def _measure(configurations: Sequence[TrialConfiguration], kind: str) -> PackCost:
    from trainables.engine.engine import Engine
    from trainables.finetune import Finetuning
    from trainables.runtime.device import PeakMemory

    engine = Engine()
    trials: dict[str, Finetuning] = {}
    with ExitStack() as stack:
        for number, each in enumerate(map(_to_measure, configurations)):
            trials[str(number)] = stack.enter_context(closing(Finetuning(each, kind)))
            engine.join(str(number), trials[str(number)])
        memory = PeakMemory(trials["0"].adapted.device)
        loaded = memory.peak_bytes
        now = _device_clock(trials["0"].adapted.device)
        batches = [_batch(each) for each in configurations]
        for key, batch in zip(trials, batches, strict=True):
            engine.advance(key, (WARM_UP + STEPS + 1) * batch)

        def train() -> None:
            _check(engine.step().values())
            memory.sample()

        def evaluate() -> None:
            _check(engine.evaluate(list(trials), "validation", scores=False).values())
            memory.sample()

        def rehearse() -> None:
            engine.rehearse()
            memory.sample()

        steps = [_seconds(now, train) for _ in range(WARM_UP + STEPS)][WARM_UP:]
        for key, trial in trials.items():
            engine.advance(key, trial.examples_seen)
        train()  # takes no step: all have arrived
        loss = min(_seconds(now, evaluate) for _ in range(TURNS))
        scored = min(_seconds(now, rehearse) for _ in range(TURNS))
        peak = memory.peak_bytes
    rows = min(configurations[0].validation_rows, MOST_ROWS)
    return PackCost(tuple(steps), sum(batches), loss / rows, scored / rows, loaded, peak)


def _device_clock(device: torch.device) -> Callable[[], float]:
    """Returns what tells the seconds that a device has worked for this process.

    On a CPU these are processor time of a thread, with that of the processes that run SQL: beside
    eight busy processes two cores gave steps by the clock that differed by a factor of six.
    """
    import torch

    def by_the_clock() -> float:
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        elif device.type == "mps":
            torch.mps.synchronize()
        return time.perf_counter()

    if device.type != "cpu":
        return by_the_clock
    process, threads = psutil.Process(), torch.get_num_threads()

    def processor() -> float:
        others = [each.cpu_times() for each in process.children(recursive=True)]
        return time.process_time() / threads + sum(each.user + each.system for each in others)

    return processor


def _seconds(now: Callable[[], float], does: Callable[[], None]) -> float:
    started = now()
    does()
    return now() - started


def _check(outcomes: Iterable[object]) -> None:
    """Raises the first error of what the engine has answered."""
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome


def _to_measure(configuration: TrialConfiguration) -> TrialConfiguration:
    """Returns the trial with rows and budget of a measurement."""
    steps = (WARM_UP + STEPS + 1) * _batch(configuration)
    return dataclasses.replace(
        configuration,
        parameters={**configuration.parameters, "learning_rate": _RATE},
        budget_examples=max(configuration.budget_examples, steps),
        validation_rows=min(configuration.validation_rows, MOST_ROWS),
    )


def _batch(configuration: TrialConfiguration) -> int:
    batch = configuration.parameters["batch_size"]
    assert isinstance(batch, int)
    return batch


def answers(lines: Iterable[str], kind: str, slots: int, share: float) -> Iterator[Any]:
    """Yields the answer to each line, JSON-compatible; ends with the first error of a user's."""
    trials: list[TrialConfiguration] = []
    try:
        for line in lines:
            asked = json.loads(line)
            if trials:
                found = measure([trials[place] for place in asked], kind)
                yield None if found is None else dataclasses.asdict(found)
            else:
                trials = [TrialConfiguration.from_dict(each) for each in asked]
                yield dataclasses.asdict(ready(trials, kind, slots, share))
    except UserError as error:
        yield {"error": str(error)}


def main() -> None:
    """Answers what comes on standard input, until that ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kind")
    parser.add_argument("slots", type=int)
    parser.add_argument("share", type=float)
    parser.add_argument("--niceness", type=int, default=0, help="As trials will run.")
    given = parser.parse_args()
    os.nice(given.niceness)
    out, sys.stdout = sys.stdout, sys.stderr  # what a library prints is no answer
    for answer in answers(sys.stdin, given.kind, given.slots, given.share):
        print(json.dumps(answer), file=out, flush=True)


if __name__ == "__main__":
    main()
