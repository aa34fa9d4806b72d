"""A weighted sum of configurations' scores, and how far it can be trusted.

A configuration's score is the mean over its k seeds and the n rows. The variance of a contrast with
the weights w is the variance of its per-row contrast / n (clustered by schema) + s2 * sum(w^2 / k),
with Satterthwaite's degrees of freedom (F. E. Satterthwaite, Biometrics Bulletin 1946). It speaks
of the configurations under seeds, and on rows, like these.

One criterion decides: a contrast differs from 0 where its interval leaves it out, and p-values come
of the same distribution.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from orchestrator.statistics.run_scores import Array, RunScores
from orchestrator.statistics.variance_components import (
    SeedVariance,
    mean_covariance,
    seed_variance,
)

Interval = tuple[float, float]
Seeds = Literal["pooled", "each", "fixed"]
Critical = Callable[[float, float], float]
"""Level and degrees of freedom -> how many standard errors an interval reaches to each side."""

_Z = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""

_FEWEST_DEVIATING = 4
"""Wilson's interval of a share that is 0 reaches to z^2 / n, as if z^2 = 3.84 rows deviated."""

_ROUNDING = 1e-12
"""Scores, which lie in 0..1, differ by rounding alone below this."""


@dataclass(frozen=True)
class Component:
    """A further part of a contrast's variance, such as what is unknown of where the optimum lies.

    Attributes:
        variance: To add.
        degrees: Degrees of freedom that it was estimated with.
    """

    variance: float
    degrees: float


@dataclass(frozen=True)
class Estimate:
    """A number with its error.

    Attributes:
        value: The number.
        standard_error: Above 0.
        degrees: Of freedom, of Student's t.
    """

    value: float
    standard_error: float
    degrees: float

    def interval(self, level: float, critical: Critical | None = None) -> Interval:
        """Returns the interval at a level such as 0.95; `critical` is Student's t if not given."""
        half = (critical or student_t)(level, self.degrees) * self.standard_error
        return self.value - half, self.value + half

    @property
    def statistic(self) -> float:
        """How many standard errors the number lies from 0."""
        return self.value / self.standard_error


@dataclass(frozen=True)
class Contrast:
    """A weighted sum of scores, at the least and the greatest that unjudged predictions allow.

    Attributes:
        lowest: With every unjudged prediction as it makes the contrast least.
        highest: As it makes the contrast greatest; the same where all were judged.
        limits: What the contrast can be at all; None where scores have no limits.
    """

    lowest: Estimate
    highest: Estimate
    limits: Interval | None

    @property
    def value(self) -> float:
        """The middle between the extremes."""
        return (self.lowest.value + self.highest.value) / 2

    @property
    def degrees(self) -> float:
        """The fewest degrees of freedom of the two."""
        return min(self.lowest.degrees, self.highest.degrees)

    def interval(self, level: float = 0.95, critical: Critical | None = None) -> Interval:
        """Returns what both extremes allow; it leaves 0 out only where both do, to one side."""
        low = self.lowest.interval(level, critical)[0]
        high = self.highest.interval(level, critical)[1]
        if self.limits is None:
            return low, high
        return max(self.limits[0], low), min(self.limits[1], high)

    @property
    def p_value(self) -> float:
        """Two-sided, of the contrast being 0; 1 where the extremes lie to both sides of 0."""
        if self.lowest.value * self.highest.value <= 0:
            return 1.0
        return max(two_sided(each.statistic, each.degrees) for each in (self.lowest, self.highest))

    def differs(self, level: float = 0.95, critical: Critical | None = None) -> bool:
        """Whether the interval at this level leaves out 0."""
        low, high = self.interval(level, critical)
        return low > 0.0 or high < 0.0


def contrast(
    scores: RunScores,
    weights: Sequence[float] | Array,
    *,
    seeds: Seeds = "pooled",
    further: Sequence[Component] = (),
    between: SeedVariance | None = None,
    offset: float = 0.0,
) -> Contrast | None:
    """Returns a weighted sum of the configurations' scores.

    Args:
        scores: Of all confirmed configurations.
        weights: One a configuration; they sum to 0 for a difference, to 1 for a score.
        seeds: "pooled": the variance between seeds is that of all configurations with two runs.
            "each": every configuration with a weight has its own, as groups do whose members
            differ. "fixed": these runs are meant and no others, whatever another seed would give.
        further: More of the variance.
        between: The variance between seeds where more than the runs of one configuration tells it;
            with `seeds="pooled"`.
        offset: What the contrast is besides.

    Returns:
        None where the variance between seeds is part of the statement and nothing tells it.
    """
    w = np.asarray(weights, dtype=float)
    low = _estimate(scores, scores.filled((w < 0).tolist()), w, seeds, further, between, offset)
    high = low
    if scores.limits is not None and scores.unjudged:
        right = scores.filled((w > 0).tolist())
        high = _estimate(scores, right, w, seeds, further, between, offset)
    if low is None or high is None:
        return None
    return Contrast(low, high, _reach(scores, w))


def score_interval(
    scores: RunScores, configuration: int, *, binary: bool, level: float = 0.95
) -> Interval | None:
    """Returns the interval of one configuration's score, over seeds and rows.

    Student's t interval, cut to what a score can be. For scores that are 0 or 1 in each row,
    Wilson's (JASA 1927) of as many rows as would have the variance if they were independent.

    Args:
        scores: Of all confirmed configurations.
        configuration: Which.
        binary: Whether a row's score is 0 or 1.
        level: Of the interval.

    Returns:
        None as for `contrast`.
    """
    found = contrast(scores, np.eye(len(scores.runs))[configuration])
    if found is None:
        return None
    low, high = found.interval(level)
    if binary:
        low = _wilson(found.lowest, level)[0] if 0.0 < found.lowest.value < 1.0 else low
        high = _wilson(found.highest, level)[1] if 0.0 < found.highest.value < 1.0 else high
    return low, high


def _wilson(share: Estimate, level: float) -> Interval:
    p, z = share.value, student_t(level, share.degrees)
    rows = p * (1 - p) / share.standard_error**2
    middle = (p + z * z / (2 * rows)) / (1 + z * z / rows)
    half = z * math.sqrt(p * (1 - p) / rows + z * z / (4 * rows * rows)) / (1 + z * z / rows)
    return max(0.0, middle - half), min(1.0, middle + half)


def contrast_covariance(
    scores: RunScores, weights: Array, between: SeedVariance | None = None
) -> Array:
    """Returns the covariance of several contrasts, shape [contrasts, contrasts].

    Args:
        scores: As for `contrast`; the unjudged count as half right, which is where the middle is.
        weights: Shape [contrasts, configurations].
        between: As for `contrast`.
    """
    right, wrong = (
        scores.filled([True] * len(scores.runs)),
        scores.filled([False] * len(scores.runs)),
    )
    runs = [(a + b) / 2 for a, b in zip(right, wrong, strict=True)]
    means = np.stack([each.mean(axis=0) for each in runs])
    between = between or seed_variance(runs, scores.clusters)
    of_seeds = np.diag((between.variance if between else 0.0) / scores.seeds)
    covariance: Array = weights @ (mean_covariance(means, scores.clusters) + of_seeds) @ weights.T
    return covariance


def student_t(level: float, degrees: float) -> float:
    """Returns how far the central share `level` of Student's t distribution reaches."""
    return float(special.stdtrit(degrees, 0.5 + level / 2))


def two_sided(statistic: float, degrees: float) -> float:
    """Returns the p-value of a value of Student's t."""
    return float(2 * special.stdtr(degrees, -abs(statistic)))


def _estimate(
    scores: RunScores,
    runs: Sequence[Array],
    weights: Array,
    seeds: Seeds,
    further: Sequence[Component],
    between: SeedVariance | None,
    offset: float,
) -> Estimate | None:
    means = np.stack([each.mean(axis=0) for each in runs])
    per_row = weights @ means
    value = float(per_row.mean()) + offset
    of_rows = _row_variance(scores, per_row, weights)
    parts = [Component(of_rows, scores.samples - 1)]
    total = of_rows
    for variance, observed, degrees in _of_seeds(scores, runs, weights, seeds, between):
        if not degrees:
            return None
        total += variance
        # Its uncertainty is that of what was observed, before the row part was taken off.
        parts.append(Component(observed, degrees))
    for part in further:
        total += part.variance
        parts.append(part)
    spread = sum(part.variance**2 / part.degrees for part in parts)
    degrees_of_freedom = max(1.0, total**2 / spread) if spread else float(scores.samples - 1)
    value = 0.0 if abs(value) < _ROUNDING else value
    return Estimate(value, math.sqrt(total), degrees_of_freedom)


def _of_seeds(
    scores: RunScores,
    runs: Sequence[Array],
    weights: Array,
    seeds: Seeds,
    known: SeedVariance | None,
) -> list[tuple[float, float, int]]:
    """Returns variance, the same before the row part is taken off, and degrees, of each part."""
    share = weights**2 / scores.seeds
    if seeds == "fixed":
        return []
    if seeds == "pooled":
        pools = [(list(runs), float(share.sum()))]
    else:
        pools = [([own], float(part)) for own, part in zip(runs, share, strict=True) if part]
    found = []
    for members, part in pools:
        between = known or seed_variance(members, scores.clusters)
        if between is None:
            return [(0.0, 0.0, 0)]
        found.append((part * between.variance, part * between.observed, between.degrees))
    return found


def _row_variance(scores: RunScores, per_row: Array, weights: Array) -> float:
    """Returns the variance of the mean of a per-row contrast, never 0.

    Where fewer than four clusters deviate from what all others say, no spread can be estimated:
    what a rare row would do is then bounded as Wilson bounds the share of what was not seen (the
    refined rule of three).
    """
    variance = float(mean_covariance(per_row[None], scores.clusters)[0, 0])
    common = float(np.median(per_row))
    deviating = np.unique(scores.clusters[np.abs(per_row - common) > _ROUNDING])
    if len(deviating) < _FEWEST_DEVIATING:
        reach = _reach(scores, weights)
        far = (
            max(reach[1] - common, common - reach[0])
            if reach is not None
            else max(float(np.ptp(per_row)), _ROUNDING)
        )
        variance = max(variance, (_Z * far / scores.samples) ** 2)
    return max(variance, _ROUNDING**2)


def _reach(scores: RunScores, weights: Array) -> Interval | None:
    if scores.limits is None:
        return None
    low, high = scores.limits
    up, down = float(weights[weights > 0].sum()), float(weights[weights < 0].sum())
    return up * low + down * high, up * high + down * low
