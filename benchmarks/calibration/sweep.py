"""One simulated sweep: tuned, chosen, confirmed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.calibration.worlds import HIGH, LOW, STRATA, Array, World
from orchestrator.statistics.response_surface import (
    Surface,
    Tuned,
    fit_surface,
    searched_thinly,
)
from orchestrator.statistics.run_scores import RunScores, run_scores

SEEDS, TEST_ROWS = 3, 500


@dataclass(frozen=True, eq=False)
class SimulatedSweep:
    """What a sweep has to state something from, with the truth beside it.

    Attributes:
        world: What is true.
        scores: Of the confirmed configurations, one a combination, in the order of `STRATA`.
        best: Which one tuning named the best.
        of_configurations: The true score of each confirmed configuration.
        of_values: The true score of each combination at its best rate.
        surface: Of the rates, if it could be fitted; in the order of `STRATA`.
        rates: Of the confirmed configurations.
    """

    world: World
    scores: RunScores
    best: int
    of_configurations: Array
    of_values: Array
    surface: Surface | None
    rates: tuple[float, ...]


def simulate(
    world: World, random: np.random.Generator, *, seeds: int = SEEDS, rows: int = TEST_ROWS
) -> SimulatedSweep:
    """Returns a sweep of a world.

    Rates are stratified over the range in each combination. What is confirmed is the optimum of the
    surface over all; where there is none, or rates are too few, the winner of each combination.
    """
    tried = [
        Tuned(dict(each), _rate(place), world.tuned(random, stratum, place))
        for stratum, each in enumerate(STRATA)
        for place in _spread(random, world.rates)
    ]
    own = [[t for t in tried if t.stratum == each] for each in STRATA]
    surface = None
    if not any(searched_thinly([t.rate for t in each], LOW, HIGH) for each in own):
        fitted = fit_surface(tried, LOW, HIGH, mode="max")
        surface = fitted if isinstance(fitted, Surface) else None
    winners = [max(each, key=lambda t: t.value) for each in own]
    rates = [winner.rate for winner in winners] if surface is None else surface.rates
    meant = [float(world.meant(s, _place(rate))) for s, rate in enumerate(rates)]
    difficulty = random.normal(0.0, 1.0, rows)
    runs = [np.stack([world.run(random, each, difficulty) for _ in range(seeds)]) for each in meant]
    return SimulatedSweep(
        world,
        run_scores(runs, range(rows)),
        int(np.argmax([winner.value for winner in winners])),
        world.expected(np.array(meant)),
        np.array([world.best(stratum) for stratum in range(len(STRATA))]),
        surface,
        tuple(rates),
    )


def _spread(random: np.random.Generator, count: int) -> Sequence[float]:
    edges = np.linspace(-1.0, 1.0, count + 1)
    places: list[float] = random.uniform(edges[:-1], edges[1:]).tolist()
    return places


def _rate(place: float) -> float:
    return math.exp((math.log(LOW * HIGH) + place * math.log(HIGH / LOW)) / 2)


def _place(rate: float) -> float:
    return 2 * math.log(rate / math.sqrt(LOW * HIGH)) / math.log(HIGH / LOW)
