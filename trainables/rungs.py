"""The way of a trial from rung to rung: train, evaluate, report; whoever trains it, and where.

Standard library only.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from trainables.contract.configuration import TrialConfiguration
from trainables.contract.reports import (
    Evaluation,
    EvaluationInterruptedError,
    Interruption,
    Reached,
    Report,
    RungReport,
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

    def reach(self, examples: int, *, scores: bool) -> Reached:
        """Trains until at least so many examples have been seen in all, and measures there."""

    def test(self, protocol: str) -> Evaluation:
        """Measures loss and scores on the test rows."""

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
        scores = rung == rungs[-1] or configuration.scored_rungs == "all"
        try:
            reached = trial.reach(rung, scores=scores)
        except EvaluationInterruptedError as error:
            assert interruption is not None  # nobody else interrupts
            if error.has_trained:
                interruption.record(rung - 1, trial.save)
            return
        if reached.training.interrupted:
            assert interruption is not None
            interruption.record(reached.examples_seen, trial.save)
            return
        if trial.is_first_worker:
            report.rung(_report(trial, number, rung, reached))
        else:
            report.follow(number)
        trial.wait()
        if reached.training.diverged:
            return
    if trial.is_first_worker:
        _test(trial, configuration, report)
    trial.wait()


def _report(trial: Climbing, number: int, rung: int, reached: Reached) -> RungReport:
    return RungReport(
        rung=number,
        rung_examples=rung,
        step=reached.step,
        metrics=reached.metrics,
        predictions=[] if reached.evaluation is None else reached.evaluation.predictions,
        save=trial.save,
        steps=reached.training.steps,
    )


def _test(trial: Climbing, configuration: TrialConfiguration, report: Report) -> None:
    for protocol in configuration.test_protocols:
        try:
            found = trial.test(protocol)
        except EvaluationInterruptedError:
            return  # the checkpoint of the last rung is there
        report.test(found.predictions, found.metrics, protocol)
