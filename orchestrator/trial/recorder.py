"""What a trial does with its reports: into the store first, then to whoever decides."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from orchestrator.search.identity import trial_id
from orchestrator.state.checkpoints import TrialCheckpoints
from orchestrator.store import Store


class RungReport(Protocol):
    """What a trial reports at a rung; `trainables.finetune.RungReport` is one."""

    @property
    def rung(self) -> int:
        """Index of the rung, from 0."""

    @property
    def rung_examples(self) -> int:
        """The rung, in examples."""

    @property
    def step(self) -> int:
        """Optimiser steps so far."""

    @property
    def metrics(self) -> dict[str, Any]:
        """Columns of the table `reports`."""

    @property
    def predictions(self) -> list[dict[str, Any]]:
        """Columns of the table `predictions`."""

    @property
    def save(self) -> Callable[[Any], None]:
        """Writes the checkpoint into the folder that it is given."""


class TrialRecorder:
    """Publishes checkpoint, predictions and report of each rung, in this order.

    The report row is the commit record: what precedes it is there whenever it is. If it is there
    already (this attempt repeats a rung of an earlier one), the stored row is what is told.
    """

    def __init__(
        self,
        store: Store,
        sweep_id: str,
        trial_number: int,
        rungs: Sequence[int],
        validation_protocol: str,
        attempt: int,
        tell: Callable[[dict[str, Any]], None],
    ) -> None:
        """Prepares to record one attempt at a trial.

        Args:
            store: Where to.
            sweep_id: The sweep.
            trial_number: The trial's number in it.
            rungs: The trial's rungs, in examples, ascending.
            validation_protocol: The protocol of the rungs' evaluations.
            attempt: Which attempt at the trial this is, from 1.
            tell: Takes the stored row; does not return if the trial is to end there.
        """
        self._store = store
        self._sweep_id = sweep_id
        self._trial_id = trial_id(sweep_id, trial_number)
        self._trial_number = trial_number
        self._rungs = tuple(rungs)
        self._validation_protocol = validation_protocol
        self._attempt = attempt
        self._tell = tell
        self._checkpoints = TrialCheckpoints(store.root, sweep_id, self._trial_id)

    def rung(self, report: RungReport) -> None:
        """Records the report of a rung and tells it; may not return."""
        checkpoint = None
        if report.rung_examples > 0:
            path = self._checkpoints.publish(report.rung_examples, report.save)
            checkpoint = str(path.relative_to(self._store.root))
        self._publish_predictions(
            "validation",
            self._validation_protocol,
            report.step,
            report.rung_examples,
            report.predictions,
        )
        stored = self._store.publish_report(
            {
                **report.metrics,
                "sweep_id": self._sweep_id,
                "trial_id": self._trial_id,
                "trial_number": self._trial_number,
                "rung": report.rung,
                "rung_from": self._rungs[report.rung - 1] if report.rung else 0,
                "rung_examples": report.rung_examples,
                "step": report.step,
                "attempt": self._attempt,
                "node": platform.node(),
                "checkpoint": checkpoint,
            }
        )
        self._checkpoints.drop_before(report.rung_examples)
        self._tell(stored)

    def test(
        self, predictions: list[dict[str, Any]], metrics: dict[str, Any], protocol: str
    ) -> None:
        """Records an evaluation on the test rows; its means are those of the predictions."""
        last = self._store.report(self._sweep_id, self._trial_id, self._rungs[-1])
        assert last is not None  # the report at the budget precedes
        self._publish_predictions("test", protocol, last["step"], self._rungs[-1], predictions)

    def follow(self, rung: int) -> None:
        """Does nothing: this is the worker that reports."""

    def _publish_predictions(
        self,
        split: str,
        protocol: str,
        step: int,
        rung_examples: int,
        predictions: list[dict[str, Any]],
    ) -> None:
        if predictions:
            self._store.publish_predictions(
                self._sweep_id,
                self._trial_id,
                self._trial_number,
                split,
                protocol,
                step,
                rung_examples,
                predictions,
            )


def resume_point(store: Store, sweep_id: str, trial: str, grid: Sequence[int]) -> int | None:
    """Returns from which checkpoint a trial goes on, None from the beginning.

    It is that of the last rung reported, or one that was saved on the way from there to the next.
    One at a rung that was not reported is of an attempt that ended in between: its report might
    have become another one, so nobody relies on it.

    Args:
        store: Where the trial is.
        sweep_id: Its sweep.
        trial: Its id.
        grid: Its rungs, in examples.

    Returns:
        The training examples at which the checkpoint stands.
    """
    stored = TrialCheckpoints(store.root, sweep_id, trial).stored()
    reported = {int(row["rung_examples"]) for row in store.reports(sweep_id, trial)}
    last = max((rung for rung in reported if rung in stored), default=0)
    following = next((rung for rung in grid if rung > max(reported, default=0)), 0)
    on_the_way = [examples for examples in stored if last < examples < following]
    return max([*on_the_way, last]) or None
