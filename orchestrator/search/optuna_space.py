"""The conditional search space, as Optuna sees it.

The space is define-by-run: the technique is drawn first, then only that technique's parameters,
under names of their own (`lora/rank`), so that a sampler models rates and ranks within their
technique. Constants are no parameters of Optuna's.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import BaseTrial

from orchestrator.search_space.checks import grid_size
from orchestrator.search_space.distributions import (
    Choice,
    Distribution,
    LogRandInt,
    LogUniform,
    QUniform,
    RandInt,
    Uniform,
    finite_values,
)
from orchestrator.search_space.membership import drawn
from orchestrator.search_space.space import Space
from trainables.contract.configuration import Scalar

Configuration = dict[str, Scalar]
"""What one trial tries: `technique`, `data_size`, perhaps `epochs`, and parameters by name."""


def suggest(trial: BaseTrial, space: Space) -> Configuration:
    """Draws a configuration: the define-by-run function of the study.

    Args:
        trial: A running trial, or a `FixedTrial`.
        space: What may be drawn.

    Returns:
        The technique, the data size, and the parameters that the space mentions.
    """
    technique = str(trial.suggest_categorical("technique", list(space.technique)))
    data_size = _suggest(trial, "data_size", space.data_size)
    parameters = {
        name: _suggest(trial, f"{technique}/{name}", distribution)
        for name, distribution in space.technique[technique].items()
    }
    return {"technique": technique, "data_size": data_size, **parameters}


def _suggest(trial: BaseTrial, name: str, distribution: Distribution | Scalar) -> Scalar:
    match distribution:
        case Choice(choice=values):
            value: Scalar = trial.suggest_categorical(name, list(values))
            return value
        case Uniform(uniform=(low, high)):
            return trial.suggest_float(name, low, high)
        case LogUniform(loguniform=(low, high)):
            return trial.suggest_float(name, low, high, log=True)
        case QUniform(quniform=(low, high, step)):
            return distribution.nearest(trial.suggest_float(name, low, high, step=step))
        case RandInt(randint=(first, end)):
            return trial.suggest_int(name, first, end - 1)
        case LogRandInt(lograndint=(first, end)):
            return trial.suggest_int(name, first, end - 1, log=True)
        case _:
            return distribution


def size(space: Space) -> int | None:
    """Returns how many configurations there are; None if endlessly many."""
    return grid_size(space)


def grid(space: Space) -> list[Configuration]:
    """Returns every configuration once: techniques in their fixed order, values in the file's.

    Raises:
        ValueError: The space has endlessly many.
    """
    return list(_grid(space))


def _grid(space: Space) -> Iterator[Configuration]:
    for technique, branch in space.technique.items():
        names = ["data_size", *branch]
        axes = [finite_values(axis) for axis in (space.data_size, *branch.values())]
        for values in itertools.product(*(_finite(axis) for axis in axes)):
            yield {"technique": technique, **dict(zip(names, values, strict=True))}


def _finite(values: list[Scalar] | None) -> list[Scalar]:
    if values is None:
        raise ValueError("a space with a continuous range has no grid; use tpe or random")
    return values


def to_optuna(
    space: Space, configuration: Mapping[str, Scalar]
) -> tuple[dict[str, Scalar], dict[str, BaseDistribution]] | None:
    """Returns a configuration as the parameters that Optuna would have drawn for it.

    Parameters that the configuration leaves to their defaults count with these; so a point tells
    the study what it learnt wherever the search could have proposed it.

    Args:
        space: The space of the study.
        configuration: A point, or what `suggest` returned; valid for its technique.

    Returns:
        Parameters and distributions by Optuna's names, as `optuna.trial.create_trial` takes them;
        None if the search could never propose the configuration.
    """
    values = drawn(space, configuration)
    if values is None:
        return None
    technique = str(configuration["technique"])
    branch = space.technique[technique]
    parameters: dict[str, Scalar] = {"technique": technique}
    distributions: dict[str, BaseDistribution] = {
        "technique": CategoricalDistribution(list(space.technique))
    }
    axes = {"data_size": (space.data_size, values["data_size"])}
    axes |= {f"{technique}/{name}": (branch[name], values[name]) for name in branch}
    for name, (distribution, value) in axes.items():
        optuna_distribution = _optuna_distribution(distribution)
        if optuna_distribution is not None:
            parameters[name] = value
            distributions[name] = optuna_distribution
    return parameters, distributions


def _optuna_distribution(distribution: Distribution | Scalar) -> BaseDistribution | None:
    """Returns what `_suggest` makes Optuna draw from; None for a constant."""
    match distribution:
        case Choice(choice=values):
            return CategoricalDistribution(list(values))
        case Uniform(uniform=(low, high)):
            return FloatDistribution(low, high)
        case LogUniform(loguniform=(low, high)):
            return FloatDistribution(low, high, log=True)
        case QUniform(quniform=(low, high, step)):
            return FloatDistribution(low, high, step=step)
        case RandInt(randint=(first, end)):
            return IntDistribution(first, end - 1)
        case LogRandInt(lograndint=(first, end)):
            return IntDistribution(first, end - 1, log=True)
        case _:
            return None
