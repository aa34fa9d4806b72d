"""Ends a trial where it is, when the driver or SIGTERM asks for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from orchestrator.state.checkpoints import TrialCheckpoints
from orchestrator.state.stop_request import StopRequest
from orchestrator.trial.termination import THIS_PROCESS


@dataclass(frozen=True)
class TrialInterruption:
    """What the learner asks whether it is to end: a `trainables.contract.reports.Interruption`.

    Attributes:
        request: The driver's.
        checkpoints: Of the trial.
        saved: Called when this process is to end, and has saved.
    """

    request: StopRequest
    checkpoints: TrialCheckpoints
    saved: Callable[[], None]

    def requested(self) -> bool:
        """Returns whether the trial is to end."""
        return THIS_PROCESS.received or self.request.made()

    def record(self, examples_seen: int, save: Callable[[Path], None]) -> None:
        """Keeps the checkpoint of where it is."""
        self.checkpoints.publish(examples_seen, save)
        if THIS_PROCESS.received:
            self.saved()
