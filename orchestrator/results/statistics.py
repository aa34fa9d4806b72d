"""Intervals of scores and of a few values.

A 95 % interval is meant wherever an interval is given. NumPy and SciPy are not imported: together
they take longer to load than a leaderboard takes to read.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

from trainables.contract.scores import METRICS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEVEL = 0.95
_Z = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""

_NO_SPREAD = 1e-12
_MANY = 100_000
"""Degrees of freedom from which on a sum of half as many terms is not worth its time."""

Interval = tuple[float, float]
Array: TypeAlias = "NDArray[np.float64]"


def score_interval(
    metric: str,
    mean: float | None,
    standard_error: float | None,
    rows: int | None,
    samples: int | None = None,
) -> Interval | None:
    """Returns the interval of a mean over evaluated rows, or None where rows were too few.

    Student's t interval, cut to 0..1 where the metric is bounded; of rows that are all alike too it
    has some width then. For scores that are 0 or 1 in each row, Wilson's score interval (E. B.
    Wilson, JASA 1927), which stays sensible where no row or every row is right; where rows share
    schemas it is that of as many rows as would have the standard error if they did not (E. L. Korn
    and B. I. Graubard, Survey Methodology 1998).

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
    if METRICS[metric].bounded and standard_error < _NO_SPREAD:
        # All rows alike: what a rare one would do is bounded as Wilson bounds what was not seen
        # (the refined rule of three), as in `orchestrator.statistics.contrasts`.
        standard_error = _Z * max(mean, 1 - mean) / samples
    half = student_t(samples - 1) * standard_error
    return _cut(mean - half, mean + half, bounded=METRICS[metric].bounded)


def _rows_alone(mean: float, standard_error: float | None, rows: int, samples: int) -> float:
    """Returns how many independent rows would give a share the same standard error."""
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

    None also where all are alike, which tells nothing of how far others would be.

    Of two values it is six times as wide as they are apart, and says nothing that they do not.

    Args:
        values: One a trial.
        bounded: Whether they lie in 0..1, to which the interval is then cut.
    """
    if len(values) < 3:
        return None
    mean = math.fsum(values) / len(values)
    variance = math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
    if math.sqrt(variance) < _NO_SPREAD:
        return None
    half = student_t(len(values) - 1) * math.sqrt(variance / len(values))
    return _cut(mean - half, mean + half, bounded=bounded)


def _cut(low: float, high: float, *, bounded: bool) -> Interval:
    return (max(0.0, low), min(1.0, high)) if bounded else (low, high)


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
