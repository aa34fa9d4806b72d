"""Which run of a sweep is the best so far, and which of each combination of the asked values."""

from __future__ import annotations

import math

from orchestrator.search.run_report import RunReport
from orchestrator.search_space import Sweep
from orchestrator.sweep.screen import Best, interval

_ALL = ""


class Bests:
    """Keeps the best report of all runs and of each stratum; a score beats a loss alone."""

    def __init__(self, sweep: Sweep) -> None:
        """Begins without a report."""
        self._sign = 1.0 if sweep.objective.mode == "max" else -1.0
        self._runs = {stratum.name: 0 for stratum in sweep.strata}
        self._best: dict[str, tuple[tuple[int, float], RunReport]] = {}

    def reported(self, stratum: str | None, report: RunReport) -> bool:
        """Notes a report; returns whether it is the best of all so far.

        Args:
            stratum: In which the run is; None for a point and the baseline.
            report: What it measured.
        """
        if (rank := self._rank(report)) is None:
            return False
        for name in {stratum, _ALL} - {None}:
            known = self._best.get(str(name))
            if known is None or rank > known[0]:
                self._best[str(name)] = (rank, report)
        return self._best[_ALL][1] is report

    def ended(self, stratum: str | None) -> None:
        """Counts a run that has ended."""
        if stratum in self._runs:
            self._runs[str(stratum)] += 1

    def strata(self) -> list[Best]:
        """Returns each stratum with its best, in the order of the file."""
        return [
            Best(name, runs, interval(self._best[name][1]) if name in self._best else "")
            for name, runs in self._runs.items()
        ]

    def _rank(self, report: RunReport) -> tuple[int, float] | None:
        if report.objective is not None:
            return (1, self._sign * report.objective) if math.isfinite(report.objective) else None
        if report.loss is not None and math.isfinite(report.loss):
            return (0, -report.loss)
        return None
