"""The most demanding configuration of each technique that a sweep may try."""

from __future__ import annotations

from orchestrator.search.optuna_space import Configuration
from orchestrator.search_space import Sweep
from orchestrator.search_space.distributions import Distribution, extremes, finite_values
from trainables.contract.configuration import Scalar
from trainables.techniques.registry import BASELINE, TECHNIQUES

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
    return found | _of_space(sweep)


def most_memory(sweep: Sweep) -> list[Configuration]:
    """Returns the configurations that may take most memory: of points and space, by technique.

    Of points it is the one with most rows in a pass, then of the highest rank or longest prefix.

    Args:
        sweep: The resolved search space file.
    """
    points: dict[str, Configuration] = {}
    for point in sorted(sweep.points, key=_rows_and_rank):
        points[str(point["technique"])] = dict(point)
    baseline: list[Configuration] = [{"technique": BASELINE.name}] if sweep.baseline else []
    return [*baseline, *points.values(), *_of_space(sweep).values()]


def _rows_and_rank(point: Configuration) -> tuple[float, float]:
    technique = TECHNIQUES[str(point["technique"])]
    own = {name: value for name, value in point.items() if name in technique.parameters}
    given = technique.complete(own)
    rank = given.get("rank") or given.get("virtual_tokens")
    return float(given.get("micro_batch_size") or 0), float(rank or 0)


def _of_space(sweep: Sweep) -> dict[str, Configuration]:
    found: dict[str, Configuration] = {}
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
