"""How large a technique's trials are, to which the weights that they train are in proportion."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from orchestrator.search_space import Sweep
from orchestrator.search_space.distributions import Distribution, LogRandInt, finite_values
from trainables.contract.configuration import Scalar
from trainables.techniques.registry import TECHNIQUES

_SIZES = ("rank", "virtual_tokens")


def size(technique: str, given: Mapping[str, Any]) -> float:
    """Returns a trial's rank or number of virtual tokens; 1 of a technique that has neither.

    Args:
        technique: Its name.
        given: What was chosen, by name, or a trial's row; what is absent has its default.
    """
    parameters = TECHNIQUES[technique].parameters
    for name in _SIZES:
        if name in parameters:
            return float(given.get(name) or parameters[name].default or 1)
    return 1.0


def mean_size(sweep: Sweep, technique: str) -> float:
    """Returns the mean size of the trials of a technique.

    Args:
        sweep: The resolved search space file.
        technique: One that it tries, as a point or in its space.
    """
    sizes = [size(technique, point) for point in sweep.points if point["technique"] == technique]
    if sweep.space is not None and technique in sweep.space.technique:
        branch = sweep.space.technique[technique]
        means = {name: _mean(branch[name]) for name in _SIZES if name in branch}
        sizes += [size(technique, means)] * sweep.trials
    return math.fsum(sizes) / len(sizes) if sizes else 1.0


def _mean(axis: Distribution | Scalar) -> float:
    values = [float(value) for value in finite_values(axis) or [] if isinstance(value, int | float)]
    # By its logarithm a value is drawn the more often, the smaller it is.
    weights = [1 / value if isinstance(axis, LogRandInt) else 1.0 for value in values]
    return math.fsum(v * w for v, w in zip(values, weights, strict=True)) / math.fsum(weights)
