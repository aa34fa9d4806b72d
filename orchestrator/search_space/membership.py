"""What a configuration is made of, and whether a search could propose it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from orchestrator.search_space.distributions import (
    Choice,
    Distribution,
    LogRandInt,
    LogUniform,
    QUniform,
    RandInt,
    Uniform,
)
from trainables.contract.configuration import Scalar
from trainables.techniques.registry import complete

if TYPE_CHECKING:
    from orchestrator.search_space.space import Space

BESIDE_PARAMETERS = ("technique", "data_size", "epochs")
"""Keys of a configuration that are no parameters of its technique."""


def parameters_of(configuration: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Returns only the technique's own parameters, as they were given."""
    return {key: configuration[key] for key in configuration if key not in BESIDE_PARAMETERS}


def whole(configuration: Mapping[str, Scalar]) -> tuple[dict[str, Scalar], dict[str, Scalar]]:
    """Returns a configuration with every default filled in; equal ones make the same trial.

    Returns:
        What stands beside the parameters, and the parameters with every default filled in.
    """
    beside = {key: configuration[key] for key in BESIDE_PARAMETERS if key in configuration}
    return beside, complete(str(configuration["technique"]), parameters_of(configuration))


def drawn(space: Space, configuration: Mapping[str, Scalar]) -> dict[str, Scalar] | None:
    """Returns what the search would draw to propose a configuration, or None if it never could.

    A parameter that the configuration leaves to its default counts with that.

    Args:
        space: What may be drawn.
        configuration: A point, or what the search proposed; valid for its technique.

    Returns:
        The data size, and a value for each parameter that the space mentions.
    """
    technique = str(configuration["technique"])
    branch = space.technique.get(technique)
    if branch is None or "epochs" in configuration:
        return None
    _, completed = whole(configuration)
    values = {name: configuration.get(name, completed[name]) for name in branch}
    if complete(technique, values) != completed:
        return None
    axes = {"data_size": space.data_size} | branch
    values["data_size"] = configuration["data_size"]
    return values if all(contains(axes[name], values[name]) for name in axes) else None


def inside(space: Space, points: Iterable[Mapping[str, Scalar]]) -> int:
    """Returns how many of the points the search could propose."""
    return sum(drawn(space, point) is not None for point in points)


def contains(distribution: Distribution | Scalar, value: Scalar) -> bool:
    """Says whether a distribution could yield a value; a constant yields itself."""
    if isinstance(distribution, Choice):
        return any(_same(value, choice) for choice in distribution.choice)
    if not isinstance(distribution, Distribution):
        return _same(value, distribution)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    match distribution:
        case Uniform(uniform=(low, high)) | LogUniform(loguniform=(low, high)):
            return low <= value <= high
        case QUniform(quniform=(low, high, _)):
            return low <= value <= high and distribution.nearest(value) == value
        case RandInt(randint=(first, end)) | LogRandInt(lograndint=(first, end)):
            return isinstance(value, int) and first <= value < end


def _same(one: Scalar, other: Scalar) -> bool:
    """Compares values as a person does: 1 and 1.0 are the same, 1 and true are not."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)
