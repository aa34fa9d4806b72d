"""Who is told what happens to the trials of a sweep, in the driver."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ray import tune

from orchestrator.search.halving import RUNG
from orchestrator.search.proposals import Proposal
from orchestrator.search.run_report import RunReport
from orchestrator.store.rows import Row


class Watcher(Protocol):
    """Is told what happens to trials, in the driver."""

    def started(self, proposal: Proposal) -> None:
        """A trial's process has taken it up."""

    def reported(self, proposal: Proposal, report: RunReport) -> None:
        """A trial has reported; without an objective where the loss alone was measured."""

    def ended(self, proposal: Proposal, row: Row) -> None:
        """A trial has its final row."""

    def paused(self, proposal: Proposal) -> None:
        """A trial has freed its slot and waits for others; it starts again, or ends."""

    def interrupted(self, proposal: Proposal, *, goes_on: bool = True) -> None:
        """A trial has ended without a final row: it is to be continued, in this start or not."""

    def passed(self) -> None:
        """Time has passed, a second at most while trials run."""


class TuneEvents(tune.Callback):
    """Passes Ray Tune's events on to the watchers."""

    def __init__(
        self, watchers: Sequence[Watcher], look: Callable[[], None] = lambda: None
    ) -> None:
        """Takes who is told.

        Args:
            watchers: Of all events.
            look: Is called at each step of Ray Tune's, which it also makes while every trial waits
                for a place and nobody is asked for another one. What it raises ends the run.
        """
        self._watchers = watchers
        self._look = look

    def __getstate__(self) -> dict[str, Any]:
        """Returns nothing: Ray Tune (2.60) pickles it into a snapshot that is never read here."""
        return {}

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        for watcher in self._watchers:
            watcher.started(trial.config["proposal"])

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        if RUNG in result:
            for watcher in self._watchers:
                watcher.reported(trial.config["proposal"], RunReport.of(result))

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        self._look()
        for watcher in self._watchers:
            watcher.passed()
