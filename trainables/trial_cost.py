"""Measures what a trial costs on this machine: a few steps and one evaluation, timed.

    python -m trainables.trial_cost [--niceness 15] < configuration.json

prints one JSON object, a `TrialCost` or `error`. A command of its own, because it loads torch and
the base model, which whoever schedules trials must not.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import psutil

from trainables.contract.configuration import TrialConfiguration
from trainables.contract.errors import UserError

WARM_UP, STEPS = 2, 10
"""Optimiser steps before and while it is timed: the first ones allocate, and compile kernels."""


@dataclass(frozen=True)
class TrialCost:
    """What a trial costs; seconds by the clock.

    Attributes:
        start: From the process's beginning until its first trial was set up: libraries, base model
            and rows were loaded.
        set_up: Of a later trial, until its first step.
        example: To train on one; None of a technique that does not train.
        loss_row: To measure the loss on one validation row.
        scored_row: To write and score the SQL for one row too.
        memory_bytes: The most that was in use of the device, see `PeakMemory`.
        trained: Weights that are trained.
        device_kind: "cuda", "mps" or "cpu".
    """

    start: float
    set_up: float
    example: float | None
    loss_row: float
    scored_row: float
    memory_bytes: int
    trained: int
    device_kind: str


def measure(configuration: TrialConfiguration) -> TrialCost:
    """Returns what a trial costs, from the first steps of it.

    Args:
        configuration: The trial.

    Raises:
        DatasetError: The data set cannot be read or has too few rows.
        BaseModelUnavailable: The base model cannot be loaded.
        DeviceUnavailable: torch cannot use the device.
    """
    from trainables.finetune import Finetuning

    with closing(Finetuning(configuration)):
        start = time.time() - psutil.Process().create_time()
    with closing(Finetuning(configuration)) as trial:
        set_up = trial.elapsed_seconds
        example = None
        if configuration.budget_examples:
            batch = configuration.parameters["batch_size"]
            assert isinstance(batch, int)
            trial.advance(min(WARM_UP * batch, configuration.budget_examples))
            before = trial.examples_seen
            training = trial.advance(before + STEPS * batch)
            seen = trial.examples_seen - before
            example = training.seconds / seen if seen else None
        loss = trial.evaluate("validation", scores=False).metrics
        rows, loss_seconds = loss["eval_rows"], loss["eval_seconds"]
        assert isinstance(rows, int)
        assert isinstance(loss_seconds, float)
        trial.rehearse()  # once unmeasured: it starts the processes that run SQL
        started = time.perf_counter()
        trial.rehearse()
        scored_seconds = time.perf_counter() - started
        metrics = trial.metrics(trial.advance(trial.advanced_to), None)
    memory, trained = metrics["peak_memory_bytes"], metrics["trainable_parameters"]
    assert isinstance(memory, int)
    assert isinstance(trained, int)
    kind = str(metrics["device_kind"])
    return TrialCost(
        start, set_up, example, loss_seconds / rows, scored_seconds / rows, memory, trained, kind
    )


def main() -> None:
    """Answers one configuration on standard input."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--niceness", type=int, default=0, help="As trials will run.")
    os.nice(parser.parse_args().niceness)
    configuration = TrialConfiguration.from_dict(json.load(sys.stdin))
    try:
        answer: dict[str, Any] = dataclasses.asdict(measure(configuration))
    except UserError as error:
        answer = {"error": str(error)}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
