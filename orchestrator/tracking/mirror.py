"""Brings one tool up to what the store has of a sweep."""

from __future__ import annotations

from orchestrator.tracking.run_record import Point, Run
from orchestrator.tracking.stored_runs import StoredRuns
from orchestrator.tracking.tool import OpenRun, Tool

MOST_OPEN = 50
"""Runs of a tool that are open at a time: each may hold files, threads or a connection."""


class Mirror:
    """Writes what a tool lacks of a sweep's trials, each thing once."""

    def __init__(self, runs: StoredRuns, tool: Tool) -> None:
        """Asks the tool which trials it has whole.

        Args:
            runs: The sweep's trials.
            tool: Where to.
        """
        self._runs = runs
        self._tool = tool
        self._ended = tool.ended()
        self._open: dict[str, OpenRun] = {}
        self._left: dict[str, int] = {}

    def lacking(self) -> list[str]:
        """Returns the ids of the trials with a row that the tool does not have whole."""
        return [trial for trial in self._runs.all() if trial not in self._ended]

    def update(self, trial: str) -> None:
        """Writes what the tool lacks of a trial, and its end where it has ended."""
        if trial in self._ended:
            return
        run = self._runs.run(trial)
        writing = self._open.pop(trial, None)
        if writing is None:
            if trial in self._left and run.end is None and not _beyond(run, self._left[trial]):
                return
            if len(self._open) >= MOST_OPEN:
                self._leave(next(iter(self._open)))  # which has been still for the longest time
            writing = self._tool.open(run)
        self._open[trial] = writing
        if new := _beyond(run, writing.reached):
            writing.write(new)
        if run.end is not None:
            writing.end(run, run.end)
            del self._open[trial]
            self._ended.add(trial)

    def close(self) -> None:
        """Leaves the trials that have not ended, and closes the tool."""
        for trial in list(self._open):
            self._leave(trial)
        self._tool.close()

    def _leave(self, trial: str) -> None:
        writing = self._open.pop(trial)
        self._left[trial] = writing.reached
        writing.leave()


def _beyond(run: Run, examples: int) -> list[Point]:
    return [point for point in run.points if point.examples > examples]
