"""How much of a mean score is luck of the seeds, and how much luck of the rows.

The score y of configuration c under seed s on row i is taken to be

    y[c, s, i] = m[c] + b[c, s] + r[c, i] + e[c, s, i]

with a seed's effect b of variance s2, and what the rows do, r and e, correlated as they may be
between configurations and within a cluster. The seeds of two configurations are not paired.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orchestrator.statistics.run_scores import Array


@dataclass(frozen=True)
class SeedVariance:
    """The variance s2 between the true means of one configuration's runs.

    Attributes:
        variance: The observed variance between runs less its row part, at least 0.
        observed: Between the runs' mean scores.
        row_part: What the rows add to `observed`.
        degrees: Degrees of freedom of `observed`: runs less configurations.
    """

    variance: float
    observed: float
    row_part: float
    degrees: int


def seed_variance(runs: Sequence[Array], clusters: NDArray[np.intp]) -> SeedVariance | None:
    """Returns the variance between seeds, pooled over configurations.

    What the rows add to the variance between a configuration's runs is estimated from the rows (the
    cluster-robust variance of the mean of each run's deviations from its configuration's rows) and
    taken off, as in a nested analysis of variance.

    Args:
        runs: One array a configuration, shape [seeds, rows], without NaN.
        clusters: Of each row, shape [rows], from 0.

    Returns:
        None where no configuration has two runs: nothing then tells how far seeds differ.
    """
    squares = of_rows = 0.0
    degrees = 0
    for scores in runs:
        if len(scores) < 2:
            continue
        means = scores.mean(axis=1)
        squares += float(((means - means.mean()) ** 2).sum())
        deviations = scores - scores.mean(axis=0)
        of_rows += float(np.trace(mean_covariance(deviations, clusters)))
        degrees += len(scores) - 1
    if not degrees:
        return None
    observed = squares / degrees
    row_part = of_rows / degrees
    return SeedVariance(max(0.0, observed - row_part), observed, row_part, degrees)


def mean_covariance(values: Array, clusters: NDArray[np.intp]) -> Array:
    """Returns the cluster-robust covariance of means over rows.

    With e a value less its mean, G clusters and n rows: G / (G - 1) times the sum over clusters of
    the products of the clusters' sums of e, by n^2 (Cameron and Miller, Journal of Human Resources
    2015). It has G - 1 degrees of freedom.

    Args:
        values: Shape [variables, rows].
        clusters: Shape [rows], from 0.

    Returns:
        Shape [variables, variables].
    """
    rows = values.shape[1]
    deviations = values - values.mean(axis=1, keepdims=True)
    samples = int(clusters.max()) + 1
    if samples < rows:
        sums = np.zeros((samples, len(values)))
        np.add.at(sums, clusters, deviations.T)
    else:
        sums = deviations.T
    covariance: Array = samples / (samples - 1) * (sums.T @ sums) / rows**2
    return covariance
