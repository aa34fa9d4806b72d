"""How often `compare` tells two groups apart that are drawn from one population."""

from __future__ import annotations

import numpy as np

from benchmarks.calibration.statements import Stated, Tally
from benchmarks.calibration.worlds import DIFFICULTY, OWN, Array
from orchestrator.results.differences import Group, difference

SIZES = ((3, 3), (3, 9), (5, 9), (12, 20))
_BETWEEN_CONFIGURATIONS, _BETWEEN_SEEDS = 0.03, 0.018
_LEVEL = 0.6
_ROWS = 100


def groups_of(random: np.random.Generator, size_a: int, size_b: int) -> Stated:
    """Returns what is said of two groups of configurations, of which none is better by nature."""
    difficulty = random.normal(0.0, DIFFICULTY, _ROWS)
    a, b = (_group(random, difficulty, size) for size in (size_a, size_b))
    return _stated(a, b, 0.0)


def replicated(random: np.random.Generator, replicates: int) -> Stated:
    """Returns what is said of two equal configurations that were run under several seeds."""
    difficulty = random.normal(0.0, DIFFICULTY, _ROWS)
    runs = [
        np.stack([_run(random, difficulty, _LEVEL, 1) for _ in range(replicates)]) for _ in "ab"
    ]
    return _stated(Group(runs[:1]), Group(runs[1:]), 0.0)


def of_models(random: np.random.Generator) -> Stated:
    """Returns what is said of two runs of one configuration, against what these models score."""
    difficulty = random.normal(0.0, DIFFICULTY, _ROWS)
    luck = random.normal(0.0, _BETWEEN_SEEDS, 2)
    runs = [_run(random, difficulty, _LEVEL + each, 0) for each in luck]
    return _stated(Group([runs[0][None]]), Group([runs[1][None]]), float(luck[0] - luck[1]))


def tallied(statements: list[Stated]) -> Tally:
    """Returns the tally of one statement a sweep."""
    tally = Tally()
    for each in statements:
        tally.count([each])
    return tally


def _group(random: np.random.Generator, difficulty: Array, size: int) -> Group:
    means = _LEVEL + random.normal(0.0, _BETWEEN_CONFIGURATIONS, size)
    return Group([_run(random, difficulty, float(mean), 1)[None] for mean in means])


def _run(random: np.random.Generator, difficulty: Array, mean: float, seeds: int) -> Array:
    luck = seeds * random.normal(0.0, _BETWEEN_SEEDS)
    scores: Array = mean + luck + difficulty + random.normal(0.0, OWN, len(difficulty))
    return scores


def _stated(a: Group, b: Group, true: float) -> Stated:
    found = difference(a, b, range(_ROWS))
    assert found.interval is not None
    return Stated(*found.interval, true, found.distinguishable)
