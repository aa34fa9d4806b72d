"""The rates beside a chosen one at which its combination is trained, too."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace

from orchestrator.search_space import Sweep
from orchestrator.search_space.confirm_rules import RATE, searched_rates
from orchestrator.state.confirmation_log import Choice


def with_rates_around(sweep: Sweep, choices: Sequence[Choice]) -> list[Choice]:
    """Returns choices, then those at rates around each of them.

    What is chosen outside the search, such as a point, has none.

    Args:
        sweep: The resolved search space file; it has `confirm.around`.
        choices: What was chosen, the best first.
    """
    assert sweep.confirm is not None
    assert sweep.space is not None
    chosen, beside = [], []
    for choice in choices:
        branch = sweep.space.technique.get(str(choice.configuration["technique"]), {})
        searched = searched_rates(branch.get(RATE))
        rate = choice.configuration.get(RATE)
        if searched is None or not isinstance(rate, int | float):
            chosen.append(choice)
            continue
        low, high = min(searched[0], rate), max(searched[1], rate)
        chosen.append(replace(choice, searched=(low, high)))
        beside += [
            Choice(
                {**choice.configuration, RATE: each}, choice.tuned, "beside it", (low, high), True
            )
            for each in rates_beside(rate, low, high, sweep.confirm.around)
        ]
    return [*chosen, *beside]


def rates_beside(rate: float, low: float, high: float, around: Sequence[float]) -> list[float]:
    """Returns rates so many decades from a chosen one, within the range that was searched.

    What would lie beyond an end lies there; where that is less than half as far as asked, the rate
    goes to the other side. What would fall on another lies in the middle of the widest gap.

    Args:
        rate: The chosen one, from `low` to `high`.
        low: The range's least rate, above 0.
        high: Its greatest, above `low`.
        around: Decades from the chosen one.

    Returns:
        As many rates as `around` has, all different, and none the chosen one.
    """
    low, high, center = math.log10(low), math.log10(high), math.log10(rate)
    near = min(abs(each) for each in around) / 4
    places = [center]
    for decades in around:
        place = _inside(center + decades, low, high)
        if abs(place - center) < abs(decades) / 2:
            place = _inside(center - decades, low, high)
        if min(abs(place - other) for other in places) < near:
            ends = sorted({*places, max(low, center - 1), min(high, center + 1)})
            gaps = list(itertools.pairwise(ends))
            left, right = max(gaps, key=lambda gap: gap[1] - gap[0])
            place = (left + right) / 2
        places.append(place)
    return [10.0**place for place in places[1:]]


def _inside(place: float, low: float, high: float) -> float:
    return min(high, max(low, place))
