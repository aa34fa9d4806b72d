"""Intervals, paired differences and trends. Everything random is seeded.

A 95 % interval is meant wherever an interval is given. NumPy and SciPy are imported only where they
are needed: together they take longer to load than a leaderboard takes to read.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from trainables.contract.scores import METRICS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEVEL = 0.95
RESAMPLES = 9999
_SEED = 0

_NOISE = 1e-12
"""Differences of scores, which lie in 0..1, are rounding errors below this."""

_Z = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""

_MANY = 100_000
"""Degrees of freedom from which on a sum of half as many terms is not worth its time."""

Interval = tuple[float, float]
Array: TypeAlias = "NDArray[np.float64]"


@dataclass(frozen=True)
class Difference:
    """How much more A scores than B.

    Attributes:
        mean: Mean of A less mean of B.
        low: Lower end of its 95 % interval.
        high: Upper end.
        p_value: Two-sided, of there being no difference.
        examples: Rows that both were evaluated on.
    """

    mean: float
    low: float
    high: float
    p_value: float
    examples: int

    @property
    def distinguishable(self) -> bool:
        """Whether interval and p-value both say that there is a difference."""
        return not self.low <= 0.0 <= self.high and self.p_value < 1.0 - LEVEL


@dataclass(frozen=True)
class Trend:
    """How a metric goes with a parameter over trials.

    Attributes:
        test: "Spearman" for numbers, "Kruskal-Wallis" for names.
        rho: Rank correlation; None for names.
        p_value: Of there being none; None where it cannot be computed.
        trials: Trials that it was computed over.
    """

    test: str
    rho: float | None
    p_value: float | None
    trials: int

    @property
    def distinguishable(self) -> bool:
        """Whether the p-value says that there is a trend."""
        return self.p_value is not None and self.p_value < 1.0 - LEVEL


def score_interval(
    metric: str,
    mean: float | None,
    standard_error: float | None,
    rows: int | None,
    samples: int | None = None,
) -> Interval | None:
    """Returns the interval of a mean over evaluated rows, or None where rows were too few.

    Student's t interval, cut to 0..1 where the metric is bounded. For scores that are 0 or 1 in
    each row, Wilson's score interval (E. B. Wilson, JASA 1927), which stays sensible where no row
    or every row is right; where rows share schemas it is that of as many rows as would have the
    standard error if they did not (E. L. Korn and B. I. Graubard, Survey Methodology 1998).

    Args:
        metric: The score or loss.
        mean: Over the rows.
        standard_error: Clustered by schema.
        rows: How many there are.
        samples: How many schemas they are of; None, or a single one, means that each row is a
            sample of its own.
    """
    if mean is None or rows is None or rows < 2:
        return None
    if METRICS[metric].bounded and not -1e-9 <= mean <= 1 + 1e-9:  # no mean of such scores
        return None
    samples = rows if samples is None or samples < 2 else min(samples, rows)
    if METRICS[metric].binary:
        return _wilson(mean, _rows_alone(mean, standard_error, rows, samples))
    if standard_error is None:
        return None
    half = student_t(samples - 1) * standard_error
    return _cut(mean - half, mean + half, bounded=METRICS[metric].bounded)


def _rows_alone(mean: float, standard_error: float | None, rows: int, samples: int) -> float:
    """Returns how many rows, each of a schema of its own, say as much of a share as these do."""
    if samples == rows or standard_error is None:
        return rows
    if standard_error == 0.0:  # no row or every row is right, in every schema
        return samples
    alone = mean * (1 - mean) / standard_error**2 + 1
    return min(float(rows), max(1.0, alone))


def _wilson(mean: float, rows: float) -> Interval:
    """Returns Wilson's score interval of a share of rows."""
    z = _Z
    middle = (mean + z * z / (2 * rows)) / (1 + z * z / rows)
    half = z * math.sqrt(mean * (1 - mean) / rows + z * z / (4 * rows * rows))
    half /= 1 + z * z / rows
    # Where no row or every row is right, that end is exact, but for rounding.
    low = middle - half if mean > 0 else 0.0
    high = middle + half if mean < 1 else 1.0
    return max(0.0, low), min(1.0, high)


def sample_interval(values: Sequence[float], *, bounded: bool) -> Interval | None:
    """Returns Student's t interval of the mean of a few values; None for fewer than three.

    Of two values it is six times as wide as they are apart, and says nothing that they do not.

    Args:
        values: One a trial.
        bounded: Whether they lie in 0..1, to which the interval is then cut.
    """
    if len(values) < 3:
        return None
    mean = math.fsum(values) / len(values)
    variance = math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
    half = student_t(len(values) - 1) * math.sqrt(variance / len(values))
    return _cut(mean - half, mean + half, bounded=bounded)


def _cut(low: float, high: float, *, bounded: bool) -> Interval:
    return (max(0.0, low), min(1.0, high)) if bounded else (low, high)


def paired_difference(a: Array, b: Array) -> Difference:
    """Compares two trials on the same rows.

    The interval is the BCa bootstrap of the mean difference over rows (B. Efron, JASA 1987), the
    p-value that of the paired permutation test (which exchanges A and B within rows; R. A. Fisher,
    The Design of Experiments, 1935).

    Args:
        a: Scores of A, shape [rows].
        b: Scores of B on the same rows, shape [rows].
    """
    import numpy as np
    from scipy import stats

    gap = a - b
    mean = _exact(float(gap.mean()))
    if len(gap) < 2 or np.ptp(gap) < _NOISE:
        # Every row says the same: no resample differs.
        return Difference(mean, mean, mean, 2.0 ** (1 - len(gap)) if mean else 1.0, len(gap))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        interval = stats.bootstrap(
            (gap,), np.mean, n_resamples=RESAMPLES, confidence_level=LEVEL, method="BCa", rng=_SEED
        ).confidence_interval
    test = stats.permutation_test(
        (a, b),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=RESAMPLES,
        rng=_SEED,
    )
    low, high = _exact(float(interval.low)), _exact(float(interval.high))
    return Difference(mean, low, high, float(test.pvalue), len(gap))


def group_difference(a: Array, b: Array) -> Difference:
    """Compares two groups of trials on the same rows.

    Trials and rows are both samples, so both are drawn anew in each resample (the "pigeonhole"
    bootstrap; A. B. Owen, Annals of Applied Statistics 2007): rows jointly for A and B, trials
    within each group. Percentile interval; the p-value is that of the interval which just reaches
    zero.

    Args:
        a: Scores of group A, shape [trials, rows].
        b: Scores of group B on the same rows, shape [trials, rows].
    """
    import numpy as np

    random = np.random.default_rng(_SEED)
    rows = a.shape[1]
    draws = np.empty(RESAMPLES)
    for index in range(RESAMPLES):
        weights = np.bincount(random.integers(rows, size=rows), minlength=rows) / rows
        of_a = random.integers(len(a), size=len(a))
        of_b = random.integers(len(b), size=len(b))
        draws[index] = (a @ weights)[of_a].mean() - (b @ weights)[of_b].mean()
    draws[np.abs(draws) < _NOISE] = 0.0
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    beyond = min(np.count_nonzero(draws <= 0), np.count_nonzero(draws >= 0))
    p_value = float(min(1.0, 2 * (beyond + 1) / (RESAMPLES + 1)))
    mean = _exact(float(a.mean() - b.mean()))
    return Difference(mean, _exact(float(low)), _exact(float(high)), p_value, rows)


def trend(values: Sequence[Any], metric: Sequence[float]) -> Trend:
    """Returns how a metric goes with a parameter, over trials.

    Numbers: Spearman's rank correlation, its p-value by permutation for up to 30 trials (the
    t approximation is poor there). Names: the Kruskal-Wallis test (JASA 1952).
    """
    import numpy as np
    from scipy import stats

    numeric = all(
        isinstance(value, (int, float)) and not isinstance(value, bool) for value in values
    )
    name = "Spearman" if numeric else "Kruskal-Wallis"
    distinct = len(set(values))
    if distinct < 2 or len(metric) < 4 or len(set(metric)) < 2:
        return Trend(name, None, None, len(metric))
    if not numeric:
        groups = [
            [score for value, score in zip(values, metric, strict=True) if value == each]
            for each in dict.fromkeys(values)
        ]
        if len(metric) <= distinct:
            return Trend(name, None, None, len(metric))
        return Trend(name, None, float(stats.kruskal(*groups).pvalue), len(metric))
    found = stats.spearmanr(values, metric)
    rho, p_value = float(found.statistic), float(found.pvalue)
    if len(metric) <= 30:
        ranks = stats.rankdata(values)
        p_value = float(
            stats.permutation_test(
                (stats.rankdata(metric),),
                lambda x, axis: np.sum(x * ranks, axis=axis),
                permutation_type="pairings",
                vectorized=True,
                n_resamples=RESAMPLES,
                rng=_SEED,
            ).pvalue
        )
    return Trend(name, rho, p_value, len(metric))


def _exact(value: float) -> float:
    """Returns 0 for a difference that is a rounding error, whose sign would be taken for a fact."""
    return 0.0 if abs(value) < _NOISE else value


@cache
def student_t(degrees: int) -> float:
    """Returns the 97.5 % quantile of Student's t distribution.

    The share within +-t has a closed form for whole degrees of freedom (Abramowitz and Stegun,
    Handbook of Mathematical Functions, 26.7.3 and 26.7.4). It is concave in t, so that Newton's
    method rises to the quantile from the normal one, which lies below it. From `_MANY` degrees on
    it is Fisher's expansion in their inverse (26.7.5), exact there to the last digit.
    """
    if degrees > _MANY:
        third, fifth = _Z**3, _Z**5
        first = (third + _Z) / (4 * degrees)
        return _Z + first + (5 * fifth + 16 * third + 3 * _Z) / (96 * degrees**2)
    odd = degrees % 2
    density = 2 * math.exp(math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2))
    density /= math.sqrt(degrees * math.pi)
    t, step = _Z, 1.0
    while step > 1e-12 * t:
        angle = math.atan(t / math.sqrt(degrees))
        cosine = math.cos(angle)
        term, total = (cosine if odd else 1.0), 0.0
        for power in range(1 + odd, degrees, 2):
            total += term
            term *= cosine * cosine * power / (power + 1)
        total *= math.sin(angle)
        share = 2 / math.pi * (angle + total) if odd else total
        step = (LEVEL - share) / (density * cosine ** (degrees + 1))
        t += step
    return t
