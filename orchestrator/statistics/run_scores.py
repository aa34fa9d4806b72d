"""The scores that statements rest on: configuration x seed x row, and the schema of each row."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RunScores:
    """Every run's score on every row, all configurations on the same rows.

    Attributes:
        runs: One array a configuration, shape [seeds, rows]. NaN is a row whose prediction nobody
            can judge: it may be right or wrong.
        clusters: Which cluster, such as a schema, each row is of, shape [rows], from 0.
        limits: The least and the greatest score of a row; None where there is none.
    """

    runs: tuple[Array, ...]
    clusters: NDArray[np.intp]
    limits: tuple[float, float] | None = (0.0, 1.0)

    @property
    def seeds(self) -> Array:
        """How many runs each configuration has, shape [configurations]."""
        return np.array([len(runs) for runs in self.runs], dtype=float)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.clusters)

    @property
    def samples(self) -> int:
        """How many clusters the rows fall into."""
        return int(self.clusters.max()) + 1

    @property
    def unjudged(self) -> int:
        """How many predictions nobody can judge, of all runs together."""
        return sum(int(np.isnan(runs).sum()) for runs in self.runs)

    def first(self, count: int) -> RunScores:
        """Returns the scores of the first configurations alone."""
        return RunScores(self.runs[:count], self.clusters, self.limits)

    def filled(self, right: Sequence[bool]) -> tuple[Array, ...]:
        """Returns the runs with every unjudged prediction taken to be right, or wrong.

        Args:
            right: For each configuration, which.
        """
        if self.limits is None or not self.unjudged:
            return self.runs
        low, high = self.limits
        return tuple(
            np.where(np.isnan(runs), high if each else low, runs)
            for runs, each in zip(self.runs, right, strict=True)
        )


def run_scores(
    runs: Iterable[Sequence[Sequence[float | None]] | Array],
    clusters: Sequence[Hashable],
    limits: tuple[float, float] | None = (0.0, 1.0),
) -> RunScores:
    """Returns scores in the form that this package takes.

    Args:
        runs: For each configuration, for each of its seeds, the score of each row; None or NaN
            where nobody can judge the prediction.
        clusters: Of each row. Where all rows are of one cluster, they are the sample.
        limits: As in `RunScores`.

    Raises:
        ValueError: There are fewer than two rows, or an array is not [seeds, rows].
    """
    arrays = tuple(np.asarray(each, dtype=float) for each in runs)
    if len(clusters) < 2:
        raise ValueError(f"There are {len(clusters)} rows; a mean over rows needs at least 2.")
    for array in arrays:
        if array.ndim != 2 or array.shape[1] != len(clusters) or not len(array):
            raise ValueError(
                f"Scores of shape {array.shape} do not fit {len(clusters)} rows; each configuration"
                " needs [seeds, rows]."
            )
    known = {name: number for number, name in enumerate(dict.fromkeys(clusters))}
    numbers = np.array([known[name] for name in clusters], dtype=np.intp)
    if len(known) == 1:
        numbers = np.arange(len(clusters), dtype=np.intp)
    return RunScores(arrays, numbers, limits)
