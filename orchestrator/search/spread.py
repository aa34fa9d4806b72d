"""A stratum's first configurations: spread over the whole range of every parameter.

Latin hypercube sampling (McKay, Beckman and Conover 1979): each range is cut into as many cells as
there are configurations, and each cell is used once, so that no part of a range is left out by
chance.
"""

from __future__ import annotations

import math

import numpy as np

from orchestrator.search.optuna_space import Configuration
from orchestrator.search_space.distributions import (
    Choice,
    Distribution,
    LogRandInt,
    LogUniform,
    QUniform,
    RandInt,
    Uniform,
)
from orchestrator.search_space.space import Space
from trainables.contract.configuration import Scalar

CELLS = 6
"""Configurations of each technique of a stratum that are spread."""


def spread(space: Space, seed: tuple[int, ...]) -> list[Configuration]:
    """Returns the first configurations of a stratum, the techniques in turn.

    Args:
        space: Of the stratum.
        seed: The same for the same stratum of the same sweep.
    """
    by_technique = [
        _hypercube(
            {"data_size": space.data_size, **branch}, np.random.default_rng([*seed, position])
        )
        for position, branch in enumerate(space.technique.values())
    ]
    return [
        {"technique": technique, **drawn[cell]}
        for cell in range(CELLS)
        for technique, drawn in zip(space.technique, by_technique, strict=True)
    ]


def _hypercube(
    axes: dict[str, Distribution | Scalar], random: np.random.Generator
) -> list[dict[str, Scalar]]:
    """Returns `CELLS` draws; those of an axis lie in different cells of it."""
    columns: dict[str, list[Scalar]] = {}
    for name, distribution in axes.items():
        places = (random.permutation(CELLS) + random.uniform(size=CELLS)) / CELLS
        columns[name] = [_at(distribution, float(place)) for place in places]
    return [{name: column[cell] for name, column in columns.items()} for cell in range(CELLS)]


def _at(distribution: Distribution | Scalar, place: float) -> Scalar:
    """Returns the quantile of a distribution at a place from 0 to below 1."""
    match distribution:
        case Choice(choice=values):
            return values[int(place * len(values))]
        case Uniform(uniform=(low, high)):
            return low + place * (high - low)
        case LogUniform(loguniform=(low, high)):
            return min(high, low * math.exp(place * math.log(high / low)))
        case QUniform(quniform=(low, high, step)):
            steps = round((high - low) / step) + 1
            return distribution.nearest(low + int(place * steps) * step)
        case RandInt(randint=(first, end)):
            return first + int(place * (end - first))
        case LogRandInt(lograndint=(first, end)):
            return min(end - 1, int(first * math.exp(place * math.log(end / first))))
        case _:
            return distribution
