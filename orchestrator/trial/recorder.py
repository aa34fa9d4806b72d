"""What a trial does with its reports: into the store first, then to whoever decides."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from orchestrator.search.proposals import Proposal, rungs, trial_configuration
from orchestrator.state.checkpoints import TrialCheckpoints
from orchestrator.state.content_log import ContentLog
from orchestrator.state.stored_sweep import StoredSweep
from trainables.contract.reports import Metrics, RungReport


class TrialRecorder:
    """Publishes checkpoint, predictions and report of each rung, in this order.

    The report row is the commit record: what precedes it is there whenever it is. If it is there
    already (this attempt repeats a rung of an earlier one), the stored row is what is told.
    """

    def __init__(
        self,
        stored: StoredSweep,
        proposal: Proposal,
        attempt: int,
        tell: Callable[[dict[str, Any]], None],
        *,
        is_new: bool = False,
    ) -> None:
        """Prepares to record one attempt at a trial.

        Args:
            stored: The sweep.
            proposal: The trial.
            attempt: Which attempt at the trial this is, from 1.
            tell: Takes the stored row of each report; does not return if the trial is to end there.
            is_new: Whether nothing of the trial can have been recorded before.
        """
        configuration = trial_configuration(stored.sweep, proposal)
        self._store = stored.store
        self._sweep_id = stored.id
        self._trial_id = stored.trial_id(proposal.trial_number)
        self._trial_number = proposal.trial_number
        self._rungs = rungs(stored.sweep, configuration)
        self._validation_protocol = configuration.validation_protocol
        self._attempt = attempt
        self._tell = tell
        self._checkpoints = TrialCheckpoints(stored.files, self._trial_id, is_new=is_new)
        self._content = ContentLog(stored.files)
        self._step: int | None = None

    def rung(self, report: RungReport) -> None:
        """Records the report of a rung and tells it; may not return.

        Raises:
            ContentChangedError: The trial has read other rows, or another base model, than the
                sweep was begun with.
        """
        self._content.check_report(report.metrics)
        checkpoint = None
        if report.rung_examples > 0:
            checkpoint = self._checkpoints.publish(report.rung_examples, report.save)
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
                "steps": [asdict(point) for point in report.steps] or None,
            }
        )
        self._step = int(stored["step"]) if report.rung_examples == self._rungs[-1] else None
        self._checkpoints.drop_before(report.rung_examples)
        self._tell(stored)

    def test(self, predictions: list[dict[str, Any]], metrics: Metrics, protocol: str) -> None:
        """Records an evaluation on the test rows; its means are those of the predictions."""
        if self._step is None:  # an earlier attempt came so far
            last = self._store.report(self._sweep_id, self._trial_id, self._rungs[-1])
            assert last is not None  # the report at the budget precedes
            self._step = int(last["step"])
        self._publish_predictions("test", protocol, self._step, self._rungs[-1], predictions)

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


class Follower:
    """The report of a group's worker that leaves reporting to the first one."""

    def __init__(self, follow: Callable[[int], None]) -> None:
        """Follows the first worker.

        Args:
            follow: Called with each rung.
        """
        self.follow = follow

    def rung(self, report: RungReport) -> None:
        """Does nothing: the first worker reports."""

    def test(self, predictions: list[dict[str, Any]], metrics: Metrics, protocol: str) -> None:
        """Does nothing: the first worker reports."""


def resume_point(stored: StoredSweep, proposal: Proposal) -> int | None:
    """Returns from which checkpoint a trial goes on, None from the beginning.

    It is that of the last rung reported, or one that was saved on the way from there to the next.
    A checkpoint at an unreported rung is ignored: a rerun may report other numbers.

    Args:
        stored: The sweep.
        proposal: The trial.

    Returns:
        The training examples at which the checkpoint stands.
    """
    trial = stored.trial_id(proposal.trial_number)
    grid = rungs(stored.sweep, trial_configuration(stored.sweep, proposal))
    saved = TrialCheckpoints(stored.files, trial).stored()
    reported = {int(row["rung_examples"]) for row in stored.store.reports(stored.id, trial)}
    last = max((rung for rung in reported if rung in saved), default=0)
    following = next((rung for rung in grid if rung > max(reported, default=0)), 0)
    on_the_way = [examples for examples in saved if last < examples < following]
    return max([*on_the_way, last]) or None
