"""What the mirror asks of a tool; one module beside this one for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from orchestrator.tracking.run_record import End, Point, Run

NOTHING = -1
"""Stands for a number of examples before the first: a trial of which a tool has no point."""


class OpenRun(Protocol):
    """A trial in a tool, while it is written to."""

    @property
    def reached(self) -> int:
        """Examples of the last point that the tool has of it; `NOTHING` before the first."""

    def write(self, points: Sequence[Point]) -> None:
        """Adds points, ascending and beyond what was reached; each is there whole or not at all."""

    def end(self, run: Run, end: End) -> None:
        """Adds how the trial ended, after which the tool has all of it, and closes it."""

    def leave(self) -> None:
        """Closes the run without an end, so that a later start may go on with it."""


class Tool(Protocol):
    """A place that shows runs. Everything may raise what the tool's library raises."""

    @property
    def where(self) -> str:
        """What to open to see the runs, in words."""

    def ended(self) -> set[str]:
        """Returns the ids of the sweep's trials of which the tool has all, their end included."""

    def open(self, run: Run) -> OpenRun:
        """Returns the trial's one run, the earlier one where there is one."""

    def close(self) -> None:
        """Writes out what is still held back."""
