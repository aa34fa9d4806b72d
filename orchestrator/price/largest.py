"""The most demanding configuration of each technique that a sweep may try."""

from __future__ import annotations

from orchestrator.search.optuna_space import Configuration
from orchestrator.search_space import Sweep
from orchestrator.search_space.distributions import Distribution, extremes, finite_values
from trainables.contract.configuration import Scalar
from trainables.techniques.registry import BASELINE

_SMALLEST = "learning_rate"
"""Taken at its low end, at which a few steps from the base's weights do not break training."""


def largest(sweep: Sweep) -> dict[str, Configuration]:
    """Returns the configuration that takes most time and memory, by technique.

    Of a space each number is at its high end, and of names the longest; of points, the one with
    most rows.

    Args:
        sweep: The resolved search space file.
    """
    found: dict[str, Configuration] = {}
    if sweep.baseline:
        found[BASELINE.name] = {"technique": BASELINE.name}
    for point in sorted(sweep.points, key=lambda point: float(point.get("data_size") or 0)):
        found[str(point["technique"])] = dict(point)
    if sweep.space is not None:
        for technique, branch in sweep.space.technique.items():
            values = {name: _largest(name, axis) for name, axis in branch.items()}
            size = _largest("data_size", sweep.space.data_size)
            found[technique] = {"technique": technique, **values, "data_size": size}
    return found


def _largest(name: str, axis: Distribution | Scalar) -> Scalar:
    bounds = extremes(axis)
    if bounds is None:
        return max(finite_values(axis) or [None], key=lambda value: len(str(value)))
    value = bounds[0] if name == _SMALLEST else bounds[1]
    return int(value) if value == int(value) and name != _SMALLEST else value
