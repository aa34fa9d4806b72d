"""The standard error of a mean score, where rows of one schema are no independent samples.

Standard library only: trials report it, and the orchestrator computes it for test rows and for
differences.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence


def clustered_standard_error(values: Sequence[float], clusters: Sequence[Hashable]) -> float | None:
    """Returns the cluster-robust standard error of a mean.

    With n values in G clusters, and e a value less the mean:

        variance = G / (G - 1) * sum over clusters of (sum of e in the cluster)^2 / n^2

    This is the variance of Cameron and Miller, "A Practitioner's Guide to Cluster-Robust
    Inference", Journal of Human Resources 50 (2015), for a regression on a constant alone, with
    their factor for small samples, G / (G - 1) * (n - 1) / (n - K) at K = 1 coefficient. It has
    G - 1 degrees of freedom. Where each value is a cluster of its own it is s / sqrt(n), and so it
    is where all values are of one cluster: the mean is then that cluster's, and its rows are the
    sample.

    Args:
        values: One a row.
        clusters: What the row in the same place belongs to, such as its schema.

    Returns:
        None for fewer than two values.

    Raises:
        ValueError: The lists differ in length.
    """
    if len(values) != len(clusters):
        raise ValueError(
            f"There are {len(clusters)} clusters for {len(values)} values; each value needs one."
        )
    if len(values) < 2:
        return None
    samples = independent_samples(clusters)
    of_rows = samples == len(values)
    mean = math.fsum(values) / len(values)
    gaps: dict[Hashable, list[float]] = defaultdict(list)
    for row, (value, cluster) in enumerate(zip(values, clusters, strict=True)):
        gaps[row if of_rows else cluster].append(value - mean)
    squares = math.fsum(math.fsum(gap) ** 2 for gap in gaps.values())
    return math.sqrt(samples / (samples - 1) * squares) / len(values)


def independent_samples(clusters: Sequence[Hashable]) -> int:
    """Returns how many samples a mean is over: the clusters, or the rows of a single one."""
    count = len(set(clusters))
    return count if count > 1 else len(clusters)
