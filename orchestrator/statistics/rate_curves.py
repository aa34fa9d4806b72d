"""What each combination scores at the rate that suits it best, from runs at a few rates.

Each combination is trained at the rate that tuning chose and at some to both sides of it. A score
is taken to have one best rate in the range that was searched, and to fall off to each side of it
with the square of the distance in decades, by a steepness of the combination's and the side's own:
a step too high may break a run that a step too low costs little. Nothing says in advance where the
best rate lies; steepnesses of one side are taken to be alike, to within a factor of about five
either way, around a middle that the runs tell (a hierarchical model: A. Gelman et al., "Bayesian
Data Analysis", 2013, chapter 5). All is summed over a grid, without chance: the same scores have
the same answer.

Of a combination what is stated is the mean of all its runs, plus what they lose by not being at the
best rate. The latter is not known, only how likely which loss is: its mean is an offset, its
covariance goes into the intervals.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from orchestrator.statistics.run_scores import Array, RunScores
from orchestrator.statistics.variance_components import SeedVariance, seed_variance

FEWEST_RATES = 3
"""With fewer, nothing tells a side's steepness from where the best rate is."""

_STEEPNESSES = np.exp(np.linspace(math.log(0.015), math.log(12.0), 19))
"""Lost score per square decade: from what no sweep sees to a cliff."""

_MIDDLES = np.linspace(math.log(0.03), math.log(3.0), 9)
"""Of the logarithms of steepnesses, over combinations."""

_SPREAD = 1.5
"""Standard deviation of a logarithm of a steepness around its middle. Where steepnesses differ by
a factor of five from rank 4 to 64, 0.8 gives 9 % false claims and 1.6 gives 6."""

_STEP = 1 / 16
"""Decades between rates that may be the best."""

_MOST_PLACES = 129

_SEEDS = np.exp(np.linspace(-1.1, 1.3, 7))
"""The variance between runs, in units of what runs of one configuration show of it."""

_FEWEST_DEGREES, _MOST_DEGREES = 5.0, 60.0


@dataclass(frozen=True)
class Combination:
    """Where the runs of a combination stand.

    Attributes:
        configurations: Which of the scores' configurations are of it.
        rates: Their learning rates.
        low: The least rate that was searched.
        high: The greatest.
    """

    configurations: tuple[int, ...]
    rates: tuple[float, ...]
    low: float
    high: float


@dataclass(frozen=True)
class RateCurves:
    """What is known of combinations at their best rates.

    Attributes:
        weights: Of the configurations in each combination's mean; shape [combinations,
            configurations].
        offset: To add to that mean, shape [combinations].
        unknown: Covariance of the offsets, shape [combinations, combinations].
        between: The variance between runs, as all runs tell it.
        rates: Where each combination's best rate is thought to lie.
    """

    weights: Array = field(repr=False)
    offset: Array
    unknown: Array = field(repr=False)
    between: SeedVariance
    rates: tuple[float, ...]


@dataclass(frozen=True)
class NoCurves:
    """Why nothing is known of the best rates: a clause for a reader."""

    reason: str


@dataclass(frozen=True)
class _Profile:
    """How well a combination's curves explain its means; shape [places, k, k].

    Of each place of the best rate and each pair of steepnesses, below and above it.

    Attributes:
        misfit: Sum of squares around the curve, each times the runs of its mean.
        offset: What all its runs together lose by not being at the best rate.
        places: Where the best rate may be, in decades.
    """

    misfit: Array
    offset: Array
    places: Array


@dataclass(frozen=True)
class _Summed:
    """A combination's likelihood, summed over places of the best rate.

    Attributes:
        top: Logarithm of what the others are relative to.
        weight: For each pair of steepnesses, below and above the best rate; shape [k, k].
        lost: The same, times the offset.
        squared: The same, times its square.
        place: The same as `weight`, times the place of the best rate.
    """

    top: float
    weight: Array
    lost: Array
    squared: Array
    place: Array


@dataclass(frozen=True)
class _Given:
    """What would be known if the variance between runs were.

    Attributes:
        evidence: Logarithm of how well it explains the scores.
        offset: Shape [combinations].
        covariance: Of the offsets.
        places: Of the best rates, in decades.
    """

    evidence: float
    offset: Array
    covariance: Array
    places: Array


def rate_curves(
    scores: RunScores, combinations: Sequence[Combination], *, rises_to_better: bool = True
) -> RateCurves | NoCurves:
    """Returns what combinations score at their best rates.

    Args:
        scores: Of all configurations, those beside the chosen ones too.
        combinations: What is compared.
        rises_to_better: Whether more is better.

    Returns:
        `NoCurves` where a combination was run at too few rates, or no configuration has two runs.
    """
    for each in combinations:
        if len(set(each.rates)) < FEWEST_RATES:
            return NoCurves(
                f"a combination has completed at {len(set(each.rates))} of the {FEWEST_RATES} rates"
                " that tell where its best one lies"
            )
    right, wrong = (scores.filled([each] * len(scores.runs)) for each in (True, False))
    runs = [(a + b) / 2 for a, b in zip(right, wrong, strict=True)]
    pairs = seed_variance(runs, scores.clusters)
    if pairs is None or pairs.observed <= 0:
        return NoCurves("no configuration has completed under two seeds that differ")
    sign = 1.0 if rises_to_better else -1.0
    means = sign * np.array([each.mean() for each in runs])
    seeds = scores.seeds
    weights = np.zeros((len(combinations), len(runs)))
    for row, each in enumerate(combinations):
        own = list(each.configurations)
        weights[row, own] = seeds[own] / seeds[own].sum()
    variances = pairs.observed * _SEEDS
    profiles = []
    for each in combinations:
        own = list(each.configurations)
        profiles.append(_profile(each, means[own], seeds[own]))
    free = sum(len(each.configurations) - 1 for each in combinations)
    found = [_given(profiles, free, float(variance)) for variance in variances]
    evidence = np.array([each.evidence for each in found])
    evidence -= pairs.degrees / 2 * (np.log(_SEEDS) + 1 / _SEEDS)
    likely = np.exp(evidence - evidence.max())
    likely /= likely.sum()
    offset = sum(w * each.offset for w, each in zip(likely, found, strict=True))
    spread = [np.outer(each.offset - offset, each.offset - offset) for each in found]
    unknown = sum(
        w * (each.covariance + own) for w, each, own in zip(likely, found, spread, strict=True)
    )
    places = sum(w * each.places for w, each in zip(likely, found, strict=True))
    return RateCurves(
        weights,
        sign * np.asarray(offset),
        np.asarray(unknown),
        _between(pairs, variances, likely),
        tuple(float(10.0**place) for place in np.asarray(places)),
    )


def _between(pairs: SeedVariance, variances: Array, likely: Array) -> SeedVariance:
    """Returns the variance between runs, with the degrees of freedom that its spread stands for.

    An inverse gamma distribution with n degrees has the moments v n / (n - 2) and, of the square,
    v^2 n^2 / ((n - 2) (n - 4)).
    """
    mean = float(likely @ variances)
    ratio = float(likely @ variances**2) / mean**2
    degrees = (4 * ratio - 2) / max(ratio - 1, 1e-9)
    degrees = min(_MOST_DEGREES, max(_FEWEST_DEGREES, degrees))
    observed = mean * (degrees - 2) / degrees
    return SeedVariance(
        max(0.0, observed - pairs.row_part), observed, pairs.row_part, round(degrees)
    )


def _given(profiles: Sequence[_Profile], free: int, variance: float) -> _Given:
    """Returns what the means say where runs differ by this variance.

    Args:
        profiles: Of the combinations.
        free: How many means there are beyond one a combination, which its level takes.
        variance: Between runs.
    """
    summed = [_summed(each, variance) for each in profiles]
    prior = np.exp(-(((np.log(_STEEPNESSES) - _MIDDLES[:, None]) / _SPREAD) ** 2) / 2)
    prior /= prior.sum(axis=1, keepdims=True)

    def over(part: str) -> Array:
        """Sums over steepnesses, given their middles below and above."""
        return np.stack([prior @ getattr(each, part) @ prior.T for each in summed])

    weight = np.maximum(over("weight"), 1e-300)
    evidence = np.log(weight).sum(axis=0)
    top = float(evidence.max())
    middles = np.exp(evidence - top)
    total = top + math.log(float(middles.mean()))
    middles /= middles.sum()
    lost = over("lost") / weight
    offset = (lost * middles).sum(axis=(1, 2))
    away = lost - offset[:, None, None]
    covariance = np.einsum("sab,tab,ab->st", away, away, middles)
    within = ((over("squared") / weight - lost**2) * middles).sum(axis=(1, 2))
    covariance += np.diag(np.maximum(within, 0.0))
    total += math.fsum(each.top for each in summed) - free / 2 * math.log(variance)
    places = (over("place") / weight * middles).sum(axis=(1, 2))
    return _Given(total, offset, covariance, places)


def _places(each: Combination) -> Array:
    """Returns where the best rate may be, in decades."""
    low, high = math.log10(each.low), math.log10(each.high)
    count = min(_MOST_PLACES, max(2, math.ceil((high - low) / _STEP) + 1))
    return np.linspace(low, high, count)


def _profile(each: Combination, means: Array, seeds: Array) -> _Profile:
    """Returns what a combination's means say of its curve, its level being free."""
    rates, places = np.log10(each.rates), _places(each)
    away = rates - places[:, None]
    below, above = (np.where(side, away**2, 0.0) for side in (away < 0, away > 0))
    share = seeds / seeds.sum()

    def product(u: Array, v: Array) -> Array:
        """Sums over rates what deviates from the level; shape [places, 1, 1]."""
        found: Array = (u * v) @ seeds - (u @ seeds) * (v @ share)
        return np.broadcast_to(found, places.shape)[:, None, None]

    # What each mean lacks of the level is quadratic in the two steepnesses.
    a, b = _STEEPNESSES[:, None], _STEEPNESSES
    misfit = product(means, means) + 2 * a * product(means, below) + 2 * b * product(means, above)
    misfit = misfit + a**2 * product(below, below) + b**2 * product(above, above)
    misfit = misfit + 2 * a * b * product(below, above)
    offset = a * (below @ share)[:, None, None] + b * (above @ share)[:, None, None]
    return _Profile(misfit, offset, places)


def _summed(profile: _Profile, variance: float) -> _Summed:
    """Returns a combination's likelihood over steepnesses, where runs differ by this variance."""
    likelihood = -profile.misfit / (2 * variance)
    top = float(likelihood.max())
    weight = np.exp(likelihood - top) / len(profile.places)
    lost = weight * profile.offset
    return _Summed(
        top,
        weight.sum(axis=0),
        lost.sum(axis=0),
        (lost * profile.offset).sum(axis=0),
        np.tensordot(profile.places, weight, axes=1),
    )
