"""The contrasts of a sweep's question: one family for each parameter that is asked about.

They are fixed by what was confirmed, before any score is seen. A numeric parameter has one
contrast, linear in the logarithm of its value, from the least to the greatest; any other has each
value against that of the configuration which tuning named the best. Both are effects in a model of
main effects, so that a parameter's is averaged over the values of the others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from orchestrator.statistics.contrasts import (
    Component,
    Contrast,
    Interval,
    contrast,
    contrast_covariance,
)
from orchestrator.statistics.multiplicity import Judged, family, holm
from orchestrator.statistics.rate_curves import RateCurves
from orchestrator.statistics.run_scores import Array, RunScores
from orchestrator.statistics.variance_components import SeedVariance

Scalar = str | int | float | bool
Settings = Mapping[str, Scalar | None]
"""The value of each parameter that is asked about; absent or None where a technique has none."""


@dataclass(frozen=True)
class MissedOptima:
    """What configurations score less than the optima of their strata, as far as it is known.

    Attributes:
        moments: Its second moments, shape [configurations, configurations]; see
            `response_surface.Surface`.
        degrees: Degrees of freedom of `moments`.
    """

    moments: Array
    degrees: float


AtBestRates = MissedOptima | RateCurves
"""What makes of a statement about configurations one about values, each at its best rate."""


@dataclass(frozen=True)
class Asked:
    """One contrast of a parameter.

    Attributes:
        parameter: Its name.
        value: The greatest value of a numeric parameter, else the value that is compared.
        against: The least value, or that of the configuration which tuning named the best.
        weights: One a configuration; the contrast is the score at `value` less that at `against`.
    """

    parameter: str
    value: Scalar
    against: Scalar
    weights: Array = field(repr=False)


@dataclass(frozen=True)
class Answered:
    """What a contrast of a parameter came to.

    Attributes:
        asked: The contrast.
        found: Its estimate; the score at `asked.value` less that at `asked.against`.
        interval: At `level`, simultaneous with the others of the parameter.
        level: That the verdict was given at, after Holm's steps over the parameters.
        differs: Whether the interval leaves out 0.
    """

    asked: Asked
    found: Contrast
    interval: Interval
    level: float
    differs: bool


def is_number(values: Sequence[Scalar]) -> bool:
    """Whether the values of a parameter are numbers."""
    return all(isinstance(each, int | float) and not isinstance(each, bool) for each in values)


def scale(values: Sequence[Scalar]) -> list[float]:
    """Returns the logarithms of numbers, or the numbers where some are not above 0."""
    numbers = [float(each) for each in values]
    return [math.log(each) for each in numbers] if min(numbers) > 0 else numbers


def asked_contrasts(
    settings: Sequence[Settings], parameters: Sequence[str], best: int
) -> dict[str, list[Asked]]:
    """Returns the contrasts of each parameter, fewest values first or last as the file has them.

    Args:
        settings: Of each confirmed configuration.
        parameters: What is asked about.
        best: Which configuration tuning named the best.

    Returns:
        No entry for a parameter whose effect the confirmed configurations cannot tell from those of
        the others, or that has a single value.
    """
    columns, of_parameter = [np.ones(len(settings))], {}
    for name in parameters:
        effects = _columns(name, settings, best)
        first = len(columns)
        columns += [column for column, _, _ in effects]
        of_parameter[name] = [
            (first + index, value, against) for index, (_, value, against) in enumerate(effects)
        ]
    design = np.stack(columns, axis=1)
    inverse: Array = np.asarray(np.linalg.pinv(design), dtype=np.float64)
    found = {}
    for name, effects_of in of_parameter.items():
        asked = [
            Asked(name, value, against, inverse[column])
            for column, value, against in effects_of
            if _is_estimable(design, inverse, column)
        ]
        if asked:
            found[name] = asked
    return found


def answer_asked(
    scores: RunScores,
    settings: Sequence[Settings],
    parameters: Sequence[str],
    best: int,
    at_best: AtBestRates | None = None,
    *,
    level: float = 0.95,
) -> dict[str, list[Answered]]:
    """Returns what the confirmed configurations say of each parameter that is asked about.

    Args:
        scores: Of the confirmed configurations.
        settings: Of the same, in the same order.
        parameters: What is asked about.
        best: Which configuration tuning named the best.
        at_best: What is known of the best rates, in the order of `settings`. Given, the statement
            is about the values, each at its best rate; not given, about these configurations. With
            `RateCurves` the scores are of the runs at other rates, too.
        level: Of all verdicts together.

    Returns:
        By parameter; empty where no configuration has two runs.
    """
    families, of_family = [], []
    for asked in asked_contrasts(settings, parameters, best).values():
        estimators = [estimator(each.weights, at_best) for each in asked]
        contrasts = [
            found
            for each in estimators
            if (
                found := contrast(
                    scores,
                    each.weights,
                    further=each.further,
                    between=each.between,
                    offset=each.offset,
                )
            )
            is not None
        ]
        if len(contrasts) < len(asked):
            continue
        covariance = contrast_covariance(
            scores, np.stack([each.weights for each in estimators]), estimators[0].between
        )
        if at_best is not None:
            unknown = at_best.moments if isinstance(at_best, MissedOptima) else at_best.unknown
            weights = np.stack([each.weights for each in asked])
            covariance = covariance + weights @ unknown @ weights.T
        families.append(family(asked[0].parameter, contrasts, covariance))
        of_family.append(asked)
    return {
        judged.family.name: _answered(asked, judged)
        for asked, judged in zip(of_family, holm(families, level), strict=True)
    }


@dataclass(frozen=True)
class Estimator:
    """How a contrast is estimated from the runs.

    Attributes:
        weights: One a configuration of the scores.
        offset: What is added.
        further: What is unknown beside the luck of seeds and rows.
        between: The variance between seeds, where the runs of one configuration do not tell all.
    """

    weights: Array = field(repr=False)
    offset: float = 0.0
    further: tuple[Component, ...] = ()
    between: SeedVariance | None = None


def estimator(weights: Array, at_best: AtBestRates | None = None) -> Estimator:
    """Returns how a contrast is estimated.

    Args:
        weights: Of the contrast, one a configuration or combination.
        at_best: As of `answer_asked`.
    """
    match at_best:
        case None:
            return Estimator(weights)
        case MissedOptima(moments, degrees):
            missed = Component(float(weights @ moments @ weights), degrees)
            return Estimator(weights, further=(missed,))
        case curves:
            unknown = Component(float(weights @ curves.unknown @ weights), curves.between.degrees)
            offset = float(weights @ curves.offset)
            return Estimator(weights @ curves.weights, offset, (unknown,), curves.between)


def against_best(
    scores: RunScores, best: int, level: float = 0.95
) -> list[tuple[int, Contrast, Interval]]:
    """Returns every other configuration's score less that of the best, with Dunnett's intervals.

    Args:
        scores: Of the confirmed configurations.
        best: Which one tuning named the best.
        level: Of all of them together.

    Returns:
        Configuration, contrast and interval; empty where no configuration has two runs.
    """
    others = [index for index in range(len(scores.runs)) if index != best]
    if not others:
        return []
    identity = np.eye(len(scores.runs))
    weights = np.stack([identity[index] - identity[best] for index in others])
    contrasts = [found for each in weights if (found := contrast(scores, each)) is not None]
    if len(contrasts) < len(others):
        return []
    intervals = family("best", contrasts, contrast_covariance(scores, weights)).intervals(level)
    return list(zip(others, contrasts, intervals, strict=True))


def _answered(asked: Sequence[Asked], judged: Judged) -> list[Answered]:
    return [
        Answered(each, found, interval, judged.level, differs)
        for each, found, interval, differs in zip(
            asked, judged.family.contrasts, judged.intervals, judged.differs, strict=True
        )
    ]


def _columns(
    name: str, settings: Sequence[Settings], best: int
) -> list[tuple[Array, Scalar, Scalar]]:
    """Returns the columns of a parameter in the model, each with the values that it compares."""
    values = [each.get(name) for each in settings]
    distinct = list(dict.fromkeys(value for value in values if value is not None))
    if len(distinct) < 2:
        return []
    if is_number(distinct):
        return [_slope(values, distinct)]
    against = values[best] if values[best] is not None else distinct[0]
    assert against is not None
    return [
        (np.array([float(value == other) for value in values]), other, against)
        for other in distinct
        if other != against
    ]


def _slope(
    values: Sequence[Scalar | None], distinct: Sequence[Scalar]
) -> tuple[Array, Scalar, Scalar]:
    """Returns the column whose coefficient is the effect from the least value to the greatest.

    Where a technique lacks the parameter the column is at its middle: only those that have it
    tell its effect.
    """
    ordered = sorted(distinct, key=float)
    of_value = dict(zip(ordered, scale(ordered), strict=True))
    span = of_value[ordered[-1]] - of_value[ordered[0]]
    having = [of_value[value] for value in values if value is not None]
    middle = math.fsum(having) / len(having)
    column = [(of_value[value] - middle) / span if value is not None else 0.0 for value in values]
    return np.array(column), ordered[-1], ordered[0]


def _is_estimable(design: Array, inverse: Array, column: int) -> bool:
    """Whether the data tell one coefficient from the others."""
    told = (inverse @ design)[column]
    told[column] -= 1.0
    return bool(np.abs(told).max() < 1e-8)
