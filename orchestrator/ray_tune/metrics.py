"""A running sweep as metrics of Ray, which every node exports for Prometheus."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from ray.util.metrics import Gauge

from orchestrator.dashboard import catalogue
from orchestrator.dashboard.catalogue import Metric
from orchestrator.search.proposals import Proposal, stratum
from orchestrator.search.run_report import RunReport
from orchestrator.state.stored_sweep import StoredSweep
from orchestrator.store.rows import Row
from orchestrator.throttle import Throttle

_SECONDS_BETWEEN = 5.0


class SweepMetrics:
    """Sets the gauges; a watcher of the sweep.

    Ray (2.60) hands what a process has set to its node's agent every few seconds, and drops it
    where there is no agent: nothing here waits, or fails where nobody listens.
    """

    def __init__(
        self,
        stored: StoredSweep,
        of_sweep: Callable[[], dict[Metric, dict[str, float | None]]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Declares the gauges; Ray must be running.

        Args:
            stored: The sweep.
            of_sweep: Gives the values of metrics of the whole sweep, by their second label; the
                key is "" where there is none.
            clock: Seconds, monotonic.
        """
        self._stored = stored
        self._of_sweep = of_sweep
        self._due = Throttle(_SECONDS_BETWEEN, clock)
        self._gauges = {
            metric: Gauge(metric.name, metric.description, metric.labels)
            for metric in catalogue.METRICS
        }

    def started(self, proposal: Proposal) -> None:
        """Does nothing: `passed` is called soon."""

    def reported(self, proposal: Proposal, report: RunReport) -> None:
        """Sets what a trial has reported."""
        seconds, labels = report.train_seconds, self._labels(proposal)
        for metric, value in (
            (catalogue.EXAMPLES, report.rung_examples),
            (catalogue.OBJECTIVE, report.objective),
            (catalogue.EVAL_LOSS, report.loss),
            (catalogue.TRAIN_LOSS, report.train_loss),
            (catalogue.SPEED, report.rung_examples / seconds if seconds else None),
            (catalogue.MEMORY, report.memory_bytes),
        ):
            self._set(metric, value, labels)

    def ended(self, proposal: Proposal, row: Row) -> None:
        """Does nothing: `passed` is called soon."""

    def paused(self, proposal: Proposal) -> None:
        """Does nothing: `passed` is called soon."""

    def interrupted(self, proposal: Proposal, *, goes_on: bool = True) -> None:
        """Does nothing: `passed` is called soon."""

    def passed(self) -> None:
        """Sets the metrics of the whole sweep, every few seconds.

        Not at each event: the time that is left is found by asking how far each running trial is,
        of which there may be a thousand, and nobody reads more often.
        """
        if self._due.due():
            self._set_all()

    def _set_all(self) -> None:
        for metric, values in self._of_sweep().items():
            for name, value in values.items():
                labels = {catalogue.SWEEP: self._stored.id}
                if name:
                    labels[metric.labels[1]] = name
                self._set(metric, value, labels)

    def _set(self, metric: Metric, value: float | None, labels: dict[str, str]) -> None:
        if value is not None and math.isfinite(value):
            self._gauges[metric].set(value, labels)

    def _labels(self, proposal: Proposal) -> dict[str, str]:
        return {
            catalogue.SWEEP: self._stored.id,
            catalogue.TRIAL: self._stored.trial_id(proposal.trial_number),
            catalogue.TECHNIQUE: str(proposal.configuration["technique"]),
            catalogue.STRATUM: stratum(self._stored.sweep, proposal) or "",
        }
