"""The way of a trial from rung to rung: train, evaluate, report; whoever trains it, and where.

Standard library only.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol

from trainables.contract.configuration import TrialConfiguration
from trainables.contract.reports import (
    Evaluation,
    EvaluationInterruptedError,
    Interruption,
    Metrics,
    Report,
    RungReport,
    Training,
)


class Climbing(Protocol):
    """A trial that can be told to train and to measure; `trainables.finetune.Finetuning` is one,
    and says what each method does.
    """

    @property
    def evaluated_to(self) -> int:
        """Training examples at the latest evaluation on validation rows; below 0 before."""

    @property
    def is_first_worker(self) -> bool:
        """Whether this process evaluates, reports and saves for its group."""

    @property
    def step(self) -> int:
        """Optimiser steps so far."""

    @property
    def examples_seen(self) -> int:
        """Training examples so far."""

    def advance(self, to_examples: int) -> Training:
        """Trains until at least so many examples have been seen in all."""

    def evaluate(
        self,
        split: Literal["validation", "test"],
        protocol: str | None = None,
        *,
        scores: bool = True,
    ) -> Evaluation:
        """Measures loss and scores on the rows of a split."""

    def metrics(self, training: Training, evaluation: Evaluation | None) -> Metrics:
        """Returns a report's columns."""

    def save(self, folder: Path) -> None:
        """Writes a checkpoint."""

    def wait(self) -> None:
        """Returns when every worker of the group is here."""


def climb(
    trial: Climbing,
    configuration: TrialConfiguration,
    rungs: Sequence[int],
    report: Report,
    interruption: Interruption | None = None,
) -> None:
    """Takes a trial from where it is to its end.

    Args:
        trial: The trial; rungs at which it was evaluated are not reported again.
        configuration: Its configuration.
        rungs: Examples at which it is evaluated and reports, ascending, the budget last.
        report: Who listens.
        interruption: Who may end the trial at any step; the trial asks it.
    """
    for number, rung in enumerate(rungs):
        if rung <= trial.evaluated_to:
            continue
        training = trial.advance(rung)
        if training.interrupted:
            assert interruption is not None  # nobody else interrupts
            interruption.record(trial.examples_seen, trial.save)
            return
        if trial.is_first_worker:
            scores = rung == rungs[-1] or configuration.scored_rungs == "all"
            try:
                found = None if training.diverged else trial.evaluate("validation", scores=scores)
            except EvaluationInterruptedError:
                assert interruption is not None
                if trial.step:
                    interruption.record(rung - 1, trial.save)
                return
            report.rung(_report(trial, number, rung, training, found))
        else:
            report.follow(number)
        trial.wait()
        if training.diverged:
            return
    if trial.is_first_worker:
        _test(trial, configuration, report)
    trial.wait()


def _report(
    trial: Climbing, number: int, rung: int, training: Training, evaluation: Evaluation | None
) -> RungReport:
    return RungReport(
        rung=number,
        rung_examples=rung,
        step=trial.step,
        metrics=trial.metrics(training, evaluation),
        predictions=[] if evaluation is None else evaluation.predictions,
        save=trial.save,
        steps=training.steps,
    )


def _test(trial: Climbing, configuration: TrialConfiguration, report: Report) -> None:
    for protocol in configuration.test_protocols:
        try:
            test = trial.evaluate("test", protocol)
        except EvaluationInterruptedError:
            return  # the checkpoint of the last rung is there
        report.test(test.predictions, test.metrics, protocol)
