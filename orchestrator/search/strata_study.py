"""The search where a sweep asks about values: each of their combinations is tuned by itself.

Trials are dealt to the strata in turn, and each has a study of its own: one study over all would
propose in every stratum what suits the average of them, also where the sampler is told which
stratum it is to propose for (Optuna's `PartialFixedSampler`).
"""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.search.identity import configuration_id
from orchestrator.search.optuna_space import Configuration
from orchestrator.search.run_result import RunResult
from orchestrator.search.spread import spread
from orchestrator.search.study import ConfigurationStudy
from orchestrator.search_space import Sweep
from orchestrator.search_space.membership import drawn


class StrataStudy:
    """Proposes configurations by number, to one stratum after the other.

    The first of each stratum are spread over its ranges; see `orchestrator.search.spread`.
    """

    def __init__(self, sweep: Sweep) -> None:
        """Makes an empty study of every stratum of the sweep."""
        assert sweep.space is not None
        self._points: list[Configuration] = [dict(point) for point in sweep.points]
        self._spaces = [stratum.space(sweep.space) for stratum in sweep.strata]
        self._spread = [
            spread(space, (sweep.seed, position)) for position, space in enumerate(self._spaces)
        ]
        self._studies = [
            ConfigurationStudy(
                sweep.model_copy(update={"space": space, "points": ()}), startup=len(first)
            )
            for space, first in zip(self._spaces, self._spread, strict=True)
        ]
        self._dealt: dict[int, int] = {}

    def propose(self, number: int, known: Configuration | None = None) -> Configuration | None:
        """Returns configuration `number`; None if there is no other in the space.

        Args:
            number: The configuration's number; numbers are proposed in ascending order.
            known: The configuration on record under this number, when a sweep is continued.
        """
        if number < len(self._points):
            return self._point(number, known or self._points[number])
        if known is not None:
            return self._point(number, known)
        turn = number - len(self._points)
        for step in range(len(self._studies)):  # one that is finite may have no other left
            position = (turn + step) % len(self._studies)
            chosen = self._propose(position, number, turn // len(self._studies))
            if chosen is not None:
                self._dealt[number] = position
                return chosen
        return None

    def finish(self, number: int, runs: Sequence[RunResult]) -> None:
        """Tells the stratum's study how the runs of configuration `number` ended."""
        if number in self._dealt:
            self._studies[self._dealt[number]].finish(number, runs)

    def _point(self, number: int, point: Configuration) -> Configuration:
        """Returns the given point, and puts it before the study of the stratum that it lies in."""
        for position, space in enumerate(self._spaces):
            if drawn(space, point) is not None:
                self._dealt[number] = position
                self._studies[position].propose(number, point)
                break
        return point

    def _propose(self, position: int, number: int, turn: int) -> Configuration | None:
        study, first = self._studies[position], self._spread[position]
        if turn < len(first) and configuration_id(first[turn]) not in study.proposed:
            return study.propose(number, first[turn])
        return study.propose(number)


def study_of(sweep: Sweep) -> ConfigurationStudy | StrataStudy:
    """Returns the empty study of a sweep. A grid is only grouped by what is asked about."""
    if sweep.strata and sweep.search.method != "grid":
        return StrataStudy(sweep)
    return ConfigurationStudy(sweep)
