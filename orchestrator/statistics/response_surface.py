"""Where the best learning rate of each asked value lies, and what missing it may cost.

Over all strata at once: what tuning measured is an intercept of the stratum's own, plus a slope in
the logarithm of the rate that moves with the asked parameters, plus one curvature. The optimum of
a stratum therefore moves linearly with each numeric parameter's logarithm, and by a step for each
value of another (G. E. P. Box and K. B. Wilson, JRSS B 1951). What is unknown of the coefficients
says how far each optimum may have been missed, and what that costs: one number for two strata where
they share the error, so that it cancels from their difference.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from orchestrator.statistics.asked import Scalar, Settings, is_number, scale
from orchestrator.statistics.run_scores import Array

FEWEST_RATES = 6
"""So many distinct rates a value are needed to speak of it at its best rate."""

_THIRDS = 3
_DRAWS = 2000
_SEED = 0
_NO_NOISE = 1e-18
_FLAT = 1e-12
_MISFIT = 4.0
"""What is lost, squared, is taken to be so many times what the coefficients' covariance says: that
holds for a parabola, which no curve is quite. With 2 a curve with a kink gives 6.8 % false claims,
with 4 it gives 5.4 % (`benchmarks/calibration`, "sloped")."""
_FAR = 3.0
"""Of the depth below a stratum's best, in medians: what lies further tells little of an optimum,
and where the curve is no parabola, but a cliff or a tent, it draws the fitted one away."""


@dataclass(frozen=True)
class Tuned:
    """One configuration that was tried.

    Attributes:
        stratum: Its value of each asked parameter.
        rate: Its learning rate, above 0.
        value: What it came to, replicates averaged: a loss or a score, at the same rung for all.
        others: Its values of what else was tuned, each of them a choice among few.
    """

    stratum: Settings
    rate: float
    value: float
    others: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True)
class Surface:
    """A fitted surface.

    Attributes:
        strata: The combinations of asked values, in the order of the arrays.
        rates: The optimum's rate of each, within those that were tried in it and lay near its best:
            beyond them may be a cliff.
        others: The best value of what else was tuned, the same for all strata.
        missing: Second moments of what the strata lose to rates that are not quite the best, in
            units of the fitted value squared; shape [strata, strata].
        degrees: Degrees of freedom of `missing`.
        at_an_end: Which optima were fitted beyond these, so that the outermost is taken.
        left_out: How many configurations lay too far below to say where the optimum is.
    """

    strata: tuple[Settings, ...]
    rates: tuple[float, ...]
    others: Mapping[str, Scalar]
    missing: Array
    degrees: int
    at_an_end: tuple[bool, ...]
    left_out: int


@dataclass(frozen=True)
class NoSurface:
    """Why there is no surface: a clause for a reader."""

    reason: str


def searched_thinly(
    rates: Sequence[float], low: float, high: float, fewest: int = FEWEST_RATES
) -> str | None:
    """Returns why rates are too few, or too badly spread, to say what a value is worth at its best.

    Args:
        rates: That were tried with the value.
        low: The range's least rate.
        high: Its greatest.
        fewest: Distinct rates that are needed.

    Returns:
        None where there are enough, with one in each third of the range's logarithm.
    """
    distinct = sorted(set(rates))
    if len(distinct) < fewest:
        count = f"{len(distinct)} rates were" if len(distinct) != 1 else "1 rate was"
        return f"{count} tried, of the {fewest} that are needed"
    width = math.log(high / low) / _THIRDS
    thirds = {min(_THIRDS - 1, max(0, int(math.log(rate / low) / width))) for rate in distinct}
    if len(thirds) < _THIRDS:
        return f"the {len(distinct)} rates leave a third of the range untried"
    return None


def fit_surface(
    tried: Sequence[Tuned], low: float, high: float, *, mode: str
) -> Surface | NoSurface:
    """Returns the optimum of each stratum.

    Args:
        tried: Of all strata; those that failed are left out by the caller.
        low: The least rate that was searched.
        high: The greatest.
        mode: "max" for a score, "min" for a loss.

    Returns:
        `NoSurface` with too few configurations, or where the fitted value has no optimum in rate.
    """
    sign = 1.0 if mode == "max" else -1.0
    values = sign * np.array([each.value for each in tried])
    strata = _distinct([each.stratum for each in tried])
    near = _near(values, [strata.index(each.stratum) for each in tried])
    kept = [each for each, is_near in zip(tried, near, strict=True) if is_near]
    model = _Model(kept, strata, low, high)
    design = model.design
    degrees = len(design) - design.shape[1]
    if degrees < FEWEST_RATES // 2 or np.linalg.matrix_rank(design) < design.shape[1]:
        return NoSurface(
            f"{len(kept)} configurations are too few for a surface over {len(strata)} combinations"
        )
    fitted, _, _, _ = np.linalg.lstsq(design, values[near], rcond=None)
    if fitted[-1] >= 0:
        return NoSurface("what was tried has no best rate within the range")
    noise = float(((values[near] - design @ fitted) ** 2).sum()) / degrees
    covariance = max(noise, _NO_NOISE) * np.linalg.inv(design.T @ design)
    best = model.rates_at(fitted)
    chosen = np.clip(best, model.least, model.greatest)
    missing = _missing(model, fitted, covariance, degrees, chosen)
    return Surface(
        tuple(strata),
        tuple(model.rate(each) for each in chosen),
        model.best_others(fitted),
        missing,
        degrees,
        tuple((best != chosen).tolist()),
        len(tried) - len(kept),
    )


def score_per_unit(values: Sequence[float], scores: Sequence[float]) -> float | None:
    """Returns how much score one unit of the fitted value is worth, its size alone.

    The slope of scores on values over configurations with both, plus its standard error: what a
    missed optimum costs is rather overstated.

    Args:
        values: Such as the loss at the rung that the surface was fitted at.
        scores: Of the same configurations, at the full budget.

    Returns:
        None for fewer than four, or values that do not vary.
    """
    x, y = np.asarray(values, dtype=float), np.asarray(scores, dtype=float)
    if len(x) < 4 or np.ptp(x) == 0:
        return None
    centred = x - x.mean()
    squares = float(centred @ centred)
    slope = float(centred @ y) / squares
    rest = y - y.mean() - slope * centred
    error = math.sqrt(float(rest @ rest) / (len(x) - 2) / squares)
    return abs(slope) + error


class _Model:
    """The columns of the surface: strata, other choices, slopes in rate, curvature.

    Attributes:
        design: Shape [configurations, coefficients].
        least: Each stratum's least rate, the range being -1 to 1; shape [strata].
        greatest: Its greatest.
    """

    def __init__(
        self, tried: Sequence[Tuned], strata: Sequence[Settings], low: float, high: float
    ) -> None:
        self._middle = (math.log(low) + math.log(high)) / 2
        self._half = (math.log(high) - math.log(low)) / 2
        self._moving = _moving(strata)
        self._choices = _choices([each.others for each in tried])
        at = [strata.index(each.stratum) for each in tried]
        u = np.array([(math.log(each.rate) - self._middle) / self._half for each in tried])
        self.least = np.array([u[np.equal(at, each)].min() for each in range(len(strata))])
        self.greatest = np.array([u[np.equal(at, each)].max() for each in range(len(strata))])
        intercepts = np.eye(len(strata))[at]
        beside = np.array(
            [
                [float(each.others.get(name) == value) for name, value in self._dummies]
                for each in tried
            ]
        ).reshape(len(tried), -1)
        slopes = u[:, None] * self._moving[at]
        self.design: Array = np.hstack([intercepts, beside, slopes, (u**2)[:, None]])
        self._first_choice = len(strata)
        self._first_slope = len(strata) + beside.shape[1]

    @property
    def _dummies(self) -> list[tuple[str, Scalar]]:
        return [(name, value) for name, values in self._choices.items() for value in values[1:]]

    def slopes(self, coefficients: Array) -> Array:
        """Returns the slope in rate of each stratum, shape [..., strata]."""
        found: Array = coefficients[..., self._first_slope : -1] @ self._moving.T
        return found

    def rates_at(self, coefficients: Array) -> Array:
        """Returns where each stratum's optimum lies, the range being -1 to 1."""
        found: Array = -self.slopes(coefficients) / (2 * coefficients[-1])
        return found

    def rate(self, place: float) -> float:
        """Returns the rate at a place in the range."""
        return math.exp(self._middle + self._half * float(place))

    def choice_effects(self, coefficients: Array) -> list[Array]:
        """Returns, for each other choice, the effect of each of its values; shape [..., values]."""
        found, at = [], self._first_choice
        for values in self._choices.values():
            own = coefficients[..., at : at + len(values) - 1]
            found.append(np.concatenate([np.zeros((*own.shape[:-1], 1)), own], axis=-1))
            at += len(values) - 1
        return found

    def best_others(self, coefficients: Array) -> dict[str, Scalar]:
        """Returns the best value of each other choice."""
        effects = self.choice_effects(coefficients)
        return {
            name: values[int(np.argmax(own))]
            for (name, values), own in zip(self._choices.items(), effects, strict=True)
        }


def _missing(
    model: _Model,
    fitted: Array,
    covariance: Array,
    degrees: int,
    chosen: Array,
) -> Array:
    """Returns the second moments of what each stratum loses by not being at its true optimum."""
    random = np.random.default_rng(_SEED)
    normal = random.standard_normal((_DRAWS, len(fitted)))
    chi = np.sqrt(random.chisquare(degrees, _DRAWS) / degrees)
    root = np.linalg.cholesky(covariance)
    drawn = fitted + (normal @ root.T) / chi[:, None]
    slopes, curvature = model.slopes(drawn), drawn[:, -1:]
    inside = np.clip(-slopes / (2 * np.minimum(curvature, -_FLAT)), -1.0, 1.0)
    best = np.where(curvature < -_FLAT, inside, np.sign(slopes))
    lost = slopes * (best - chosen) + curvature * (best**2 - chosen**2)
    lost = np.maximum(lost, 0.0)
    for own, of_drawn in zip(
        model.choice_effects(fitted), model.choice_effects(drawn), strict=True
    ):
        lost += (of_drawn.max(axis=-1) - of_drawn[:, int(np.argmax(own))])[:, None]
    moments: Array = _MISFIT * (lost.T @ lost) / _DRAWS
    return moments


def _near(values: Array, strata: Sequence[int]) -> Array:
    """Returns which configurations lie near enough to the best of their stratum."""
    at = np.asarray(strata)
    tops = np.array([values[at == stratum].max() for stratum in range(at.max() + 1)])
    depth = tops[at] - values
    below = depth[depth > 0]
    if not len(below):
        return np.ones(len(values), dtype=bool)
    near: Array = depth <= _FAR * float(np.median(below))
    return near


def _moving(strata: Sequence[Settings]) -> Array:
    """Returns the columns that the optimum moves with, shape [strata, 1 + columns]."""
    columns = [np.ones(len(strata))]
    for name in dict.fromkeys(name for stratum in strata for name in stratum):
        values = [stratum.get(name) for stratum in strata]
        distinct = list(dict.fromkeys(value for value in values if value is not None))
        if len(distinct) < 2:
            continue
        if is_number(distinct):
            of_value = dict(zip(distinct, scale(distinct), strict=True))
            middle = (max(of_value.values()) + min(of_value.values())) / 2
            columns.append(
                np.array([of_value[v] - middle if v is not None else 0.0 for v in values])
            )
        else:
            columns += [np.array([float(v == other) for v in values]) for other in distinct[1:]]
    return np.stack(columns, axis=1)


def _choices(others: Sequence[Mapping[str, Scalar]]) -> dict[str, list[Scalar]]:
    """Returns the values of each other choice that varies."""
    found: dict[str, list[Scalar]] = {}
    for own in others:
        for name, value in own.items():
            known = found.setdefault(name, [])
            if value not in known:
                known.append(value)
    return {name: values for name, values in found.items() if len(values) > 1}


def _distinct(strata: Sequence[Settings]) -> list[Settings]:
    found: list[Settings] = []
    for each in strata:
        if each not in found:
            found.append(each)
    return found
