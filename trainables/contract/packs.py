"""What trains several trials in one process, and how their owners ask it: the wall's side of it.

Standard library only: the orchestrator asks without loading torch.
"""

from __future__ import annotations

from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from trainables.contract.configuration import TrialConfiguration
from trainables.contract.reports import Evaluation, Reached

ASKING_BYTES = 150 * 10**6
"""Of the process that a trial of a pack keeps beside its engine's (decision 0014)."""


class GoneError(Exception):
    """A trial is not in the engine: it has left, or its owner was not heard of for too long."""


@dataclass(frozen=True)
class Pulse:
    """A sign of life of a trial.

    Attributes:
        examples_seen: Training examples so far.
        company: Trials that are there, itself included; 0 while it waits for a place.
    """

    examples_seen: int
    company: int


class Watch(Protocol):
    """Who sees that an engine does not hang."""

    def beat(self) -> None:
        """Takes note of a sign of life."""

    def paused(self) -> AbstractContextManager[None]:
        """Expects no sign of life within the context."""


class Serving(Protocol):
    """An engine that others ask; `trainables.engine.serving.EngineThread` is one, and says more.

    Made with the device, the number of places and a `Watch`. All but `pulse`, `end_all` and `close`
    return a future at once; what went wrong is its exception, a `GoneError` of a trial that is not
    there.
    """

    def join(
        self, key: str, configuration: TrialConfiguration, checkpoint: Path | None, most: float
    ) -> Future[int]:
        """Takes in a trial; the answer is at how many examples it was evaluated last."""

    def reach(self, key: str, examples: int, *, scores: bool) -> Future[Reached]:
        """Trains a trial to a rung and measures it there."""

    def test(self, key: str, protocol: str) -> Future[Evaluation]:
        """Measures a trial on the test rows."""

    def save(self, key: str, folder: Path) -> Future[None]:
        """Writes a trial's checkpoint."""

    def leave(self, key: str) -> Future[None]:
        """Lets a trial go."""

    def pulse(self, key: str, *, ends: bool) -> Pulse | None:
        """Says how far a trial is; None of one that is not there."""

    def end_all(self) -> None:
        """Ends every trial where it is."""

    def close(self) -> None:
        """Lets everybody go, and ends."""

    @property
    def works(self) -> bool:
        """Whether it still takes requests; if not, nobody's trial is at fault."""
