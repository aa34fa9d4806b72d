"""Rows of one schema are no independent samples: what a mean over them is worth.

A model that knows a schema is right on many of its rows at once, so errors are clustered by schema,
or by the column that the sweep's rows were split by.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from orchestrator.results.statistics import Interval, student_t
from orchestrator.store.clusters import cluster_names
from trainables.contract.standard_errors import clustered_standard_error, independent_samples


@dataclass(frozen=True)
class ClusteredMean:
    """A mean over rows whose errors go together within clusters.

    Attributes:
        mean: Over all rows.
        standard_error: Cluster-robust; None for fewer than two rows.
        rows: How many values it is over.
        samples: Clusters that they fall into; the rows where that is a single one.
    """

    mean: float
    standard_error: float | None
    rows: int
    samples: int

    @property
    def interval(self) -> Interval | None:
        """Student's t interval at 95 %, with one degree of freedom fewer than samples."""
        if self.standard_error is None:
            return None
        half = student_t(self.samples - 1) * self.standard_error
        return self.mean - half, self.mean + half


def clustered_mean(values: Sequence[float], clusters: Sequence[Hashable]) -> ClusteredMean:
    """Returns the mean of scores, or of differences of scores, with its clustered error.

    Args:
        values: One a row; at least one.
        clusters: Of the same rows, from `clusters_by_example` or `store.clusters.cluster_names`.

    Raises:
        ValueError: The lists differ in length.
    """
    return ClusteredMean(
        math.fsum(values) / len(values),
        clustered_standard_error(values, clusters),
        len(values),
        independent_samples(clusters),
    )


def clusters_by_example(predictions: pa.Table) -> Mapping[str, str]:
    """Returns which cluster each example is of.

    Args:
        predictions: Rows of the table `predictions`, with `example_id` and what `cluster_names`
            needs.
    """
    ids = predictions["example_id"].to_pylist()
    return dict(zip(ids, cluster_names(predictions), strict=True))
