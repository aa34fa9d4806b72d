"""What statements about asked parameters rest on: which runs, and what is unknown beside luck."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from orchestrator.results.confirmed import ConfirmedSweep
from orchestrator.search_space.confirm_rules import RATE
from orchestrator.statistics.asked import (
    Answered,
    AtBestRates,
    Settings,
    answer_asked,
    estimator,
)
from orchestrator.statistics.detectable import Detectable, detectable
from orchestrator.statistics.rate_curves import Combination, NoCurves, RateCurves, rate_curves
from orchestrator.statistics.run_scores import RunScores

WORTH = 0.02
"""A difference in a score that users of a model notice, and many a sweep cannot show."""


@dataclass(frozen=True)
class Basis:
    """What is known of the confirmed configurations.

    Attributes:
        scores: Of their runs; with `RateCurves`, of those at rates around them, too.
        at_best: What is known of the best rates; see `answer_asked`.
    """

    scores: RunScores
    at_best: AtBestRates | None

    def answered(
        self, settings: Sequence[Settings], ask: Sequence[str]
    ) -> dict[str, list[Answered]]:
        """Returns what there is to say of each parameter that is asked about.

        Args:
            settings: Of each configuration, what tuning named the best first.
            ask: The parameters.
        """
        return answer_asked(self.scores, settings, ask, 0, self.at_best)

    def detectable(self, asked: Mapping[str, Sequence[Answered]]) -> dict[str, Detectable]:
        """Returns what could be shown of each parameter of which no difference is."""
        found = {}
        for name, contrasts in asked.items():
            if any(each.differs for each in contrasts):
                continue
            level = 1 - (1 - contrasts[0].level) / len(contrasts)
            of_contrasts = []
            for each in contrasts:
                weights = np.asarray(each.asked.weights)
                how = estimator(weights, self.at_best)
                could = detectable(
                    self.scores,
                    how.weights,
                    WORTH,
                    level=level,
                    further=next(iter(how.further), None),
                    between=how.between,
                )
                if could is not None:
                    of_contrasts.append(could)
            if of_contrasts:
                found[name] = max(of_contrasts, key=lambda could: could.difference)
        return found


def curves_of(
    confirmed: ConfirmedSweep, scores: RunScores, *, rises_to_better: bool
) -> RateCurves | NoCurves | None:
    """Returns what each chosen configuration's combination scores at its best rate.

    Args:
        confirmed: What was confirmed.
        scores: Of its configurations, then of those beside them.
        rises_to_better: Whether more is better.

    Returns:
        None where nothing was confirmed at rates around what was chosen.
    """
    if not confirmed.record.terms.around:
        return None
    everything = (*confirmed.configurations, *confirmed.beside)
    combinations = []
    for each in confirmed.configurations:
        searched = each.confirmed.choice.searched
        if searched is None:
            return NoCurves("one of these has no learning rate that was searched")
        own = [
            index
            for index, other in enumerate(everything)
            if other.confirmed.choice.tuned == each.confirmed.choice.tuned
        ]
        rates = [everything[index].confirmed.choice.configuration[RATE] for index in own]
        combinations.append(Combination(tuple(own), tuple(map(_number, rates)), *searched))
    return rate_curves(scores, combinations, rises_to_better=rises_to_better)


def _number(rate: object) -> float:
    assert isinstance(rate, int | float)
    return float(rate)
