"""A simulated sweep that is tuned with early stopping and confirmed at rates around the chosen."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from benchmarks.calibration.statements import ASKED, Stated, Tally
from benchmarks.calibration.sweep import TEST_ROWS
from benchmarks.calibration.worlds import HIGH, LOW, STRATA, Array, World
from orchestrator.confirmation.beside import rates_beside
from orchestrator.statistics.asked import answer_asked
from orchestrator.statistics.rate_curves import Combination, RateCurves, rate_curves
from orchestrator.statistics.run_scores import RunScores, run_scores

SEEDS, AROUND = 2, (-0.8, -0.4, 0.4)

_LEARNS_FASTER = 0.15
"""Decades by which the rate that is best early lies above the one that is best at the end."""

_SHOWS = 0.3
"""A rate that loses so much has broken, and has so early."""


@dataclass(frozen=True, eq=False)
class SimulatedAround:
    """What such a sweep has to state something from, with the truth beside it.

    Attributes:
        chosen: Scores of the chosen configurations, in the order of `STRATA`.
        all_runs: Scores of these, then of those beside them.
        combinations: Where the latter stand.
        best: Which of `STRATA` tuning named the best.
        of_configurations: The true score of each chosen configuration.
        of_values: The true score of each combination at its best rate.
    """

    chosen: RunScores
    all_runs: RunScores
    combinations: tuple[Combination, ...]
    best: int
    of_configurations: Array
    of_values: Array


def simulate(world: World, random: np.random.Generator, rows: int = TEST_ROWS) -> SimulatedAround:
    """Returns a sweep of a world: of six rates a combination the best by a noisy, early look."""
    chosen = [_chosen(world, random, stratum) for stratum in range(len(STRATA))]
    rates = [rate for rate, _ in chosen]
    beside = [rates_beside(rate, LOW, HIGH, AROUND) for rate in rates]
    meant = [float(world.meant(s, _place(rate))) for s, rate in enumerate(rates)]
    further = [float(world.meant(s, _place(rate))) for s, own in enumerate(beside) for rate in own]
    difficulty = random.normal(0.0, 1.0, rows)
    runs = [np.stack([world.run(random, m, difficulty) for _ in range(SEEDS)]) for m in meant]
    singles = [world.run(random, m, difficulty)[None] for m in further]
    count, ends = len(STRATA), np.cumsum([0, *map(len, beside)])
    combinations = tuple(
        Combination(
            (s, *range(count + ends[s], count + ends[s + 1])), (rate, *beside[s]), LOW, HIGH
        )
        for s, rate in enumerate(rates)
    )
    return SimulatedAround(
        run_scores(runs, range(rows)),
        run_scores([*runs, *singles], range(rows)),
        combinations,
        int(np.argmax([value for _, value in chosen])),
        world.expected(np.array(meant)),
        np.array([world.best(stratum) for stratum in range(count)]),
    )


def stated(sweep: SimulatedAround) -> tuple[dict[str, Stated], dict[str, Stated]]:
    """Returns what is stated of the chosen configurations, and of the values at their best rates.

    The latter is what a sweep says; the former what it falls back to.
    """
    one = answer_asked(sweep.chosen, STRATA, ASKED, 0)
    curves = rate_curves(sweep.all_runs, sweep.combinations)
    two = (
        answer_asked(sweep.all_runs, STRATA, ASKED, 0, curves)
        if isinstance(curves, RateCurves)
        else {}
    )
    found = []
    for answered, true in ((one, sweep.of_configurations), (two, sweep.of_values)):
        found.append(
            {
                name: Stated(*each.interval, float(each.asked.weights @ true), each.differs)
                for name, (each,) in answered.items()
            }
        )
    return found[0], found[1]


def counted(world: World, random: np.random.Generator, sweeps: int) -> tuple[Tally, Tally]:
    """Returns the tallies of what is stated of configurations, and of values."""
    one, two = Tally(), Tally()
    for _ in range(sweeps):
        for tally, found in zip((one, two), stated(simulate(world, random)), strict=True):
            tally.count(found.values(), found.get("rank"))
    return one, two


def _chosen(world: World, random: np.random.Generator, stratum: int) -> tuple[float, float]:
    """Returns the rate that tuning chooses, and what it scored there."""
    edges = np.linspace(-1.0, 1.0, 7)
    places = random.uniform(edges[:-1], edges[1:])
    most = float(world.meant(stratum, np.linspace(-1.0, 1.0, 801)).max())
    late = world.meant(stratum, places)
    early = world.meant(stratum, places - _LEARNS_FASTER)
    seen = np.where(most - late > _SHOWS, late, early)
    noise = math.hypot(world.between_seeds, 0.017)
    found = seen + random.normal(0.0, noise, len(places))
    best = int(np.argmax(found))
    return _rate(float(places[best])), float(found[best])


def _rate(place: float) -> float:
    return math.exp((math.log(LOW * HIGH) + place * math.log(HIGH / LOW)) / 2)


def _place(rate: float) -> float:
    return 2 * math.log(rate / math.sqrt(LOW * HIGH)) / math.log(HIGH / LOW)
